"""The report of an evaluation, opened as a file in a real browser."""

import pytest
from playwright.sync_api import expect

from hunmin.evaluation.report import write_reports
from hunmin.evaluation.results import (
    HeldoutResult,
    MetricResult,
    ModelFacts,
    Results,
    SourceResult,
    TaskResult,
)
from tests.browser.conftest import DESK, PHONE, check_accessible, check_fits


def _metric(score: float, verdict: str) -> MetricResult:
    return MetricResult(
        score=score,
        stderr=0.03,
        low=score - 0.06,
        high=score + 0.06,
        chance=0.25,
        baseline=0.5,
        verdict=verdict,
    )


def _task(score: float, verdict: str) -> TaskResult:
    return TaskResult(
        pack="kobest",
        title_ko="이어질 문장 고르기",
        title_en="Choosing how a story goes on",
        version="1.0",
        items=200,
        items_in_all=500,
        primary="acc_norm",
        metrics={"acc_norm": _metric(score, verdict), "acc": _metric(score, verdict)},
        task_sha256="0" * 64,
        data_sha256="0" * 64,
        overlap=0.01,
    )


@pytest.fixture
def report(tmp_path):
    """Write a report with everything a report may have, and return its address."""
    source = SourceResult(
        bits_per_byte=1.6, stderr=0.02, documents=12, text_bytes=99_000, tokens=30_000
    )
    results = Results(
        made_by="hunmin",
        command="hunmin eval step-001500 --corpus corpus --limit 200",
        seed=0,
        limit=200,
        chat_template=False,
        software={"torch": "2.13"},
        model=ModelFacts(
            name="step-001500",
            kind="checkpoint",
            manifest_sha256="0" * 64,
            parameters=10_000_000,
            context_tokens=512,
            vocab_size=8192,
        ),
        heldout=HeldoutResult(
            **source.model_dump(),
            text_bytes_held_out=1_000_000,
            stride_tokens=256,
            by_source={"kowiki": source, "kr-statutes": source},
        ),
        tasks={
            "kobest_hellaswag": _task(0.62, "above"),
            "kobest_copa": _task(0.51, "same"),
            "kobest_boolq": _task(0.33, "below"),
            "own_task": _task(0.5, "unknown"),
        },
        left_out={"kobbq": "kobbq.part1.jsonl not found"},
    )
    write_reports(results, tmp_path)
    return (tmp_path / "report.html").as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_report_reads_well(chromium, report, scheme, size):
    page = chromium.new_page(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, locale="ko-KR"
    )
    requests = []
    page.on("request", lambda request: requests.append(request.url))

    page.goto(report)
    page.get_by_text("다른 지표").first.click()

    expect(page.get_by_role("row", name="kobest_copa").first).to_be_visible()
    assert requests == [report]
    check_fits(page)
    check_accessible(page)
    page.close()
