"""The model card: every fact comes from a manifest, and hubs can read its front matter."""

import json

import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt

from hunmin import model
from hunmin.errors import ManifestBroken
from hunmin.manifest import SourceRecord, manifest_sha256
from hunmin.model.card import hub_license
from hunmin.steps import open_step


@pytest.fixture(scope="module")
def evaluation(checkpoint, tmp_path_factory):
    out = tmp_path_factory.mktemp("lab") / "evaluation"

    def task(score, verdict):
        metric = {"score": score, "low": 0.49, "high": 0.53, "baseline": 0.5, "verdict": verdict}
        return {
            "title_ko": "긍정·부정",
            "title_en": "Sentiment",
            "primary": "accuracy",
            "metrics": {"accuracy": metric},
            "items": 400,
        }

    with open_step(
        out, kind="evaluation", name="e", recipe={}, inputs={"checkpoint": checkpoint}
    ) as step:
        results = {
            "heldout": {"bits_per_byte": 1.23456},
            "tasks": {"a": task(0.71, "above"), "b": task(0.51, "same")},
        }
        (step.folder / "results.json").write_text(json.dumps(results))
        (step.folder / "report.md").write_text("# 평가")
        step.finish(facts={})
    return out


@pytest.fixture(scope="module")
def exported(checkpoint, evaluation, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "small"
    model.export(checkpoint, out, name="small", evaluation=evaluation, license_id="CC-BY-SA-4.0")
    return out


@pytest.fixture(scope="module")
def card(exported):
    return (exported / "README.md").read_text("utf-8")


def test_a_hub_reads_license_languages_and_tags(card):
    data = ModelCard(card).data

    assert data.license == "cc-by-sa-4.0"
    assert data.language == ["ko", "en"]
    assert data.library_name == "transformers"
    assert data.pipeline_tag == "text-generation"
    assert data.tags == ["hunmin", "qwen3", "gguf", "conversational"]


def test_the_card_names_every_source_with_license_count_and_attribution(card):
    for name in ("korean", "english", "code"):
        (row,) = [line for line in card.splitlines() if line.startswith(f"| {name} |")]
        assert "CC0-1.0" in row
        assert "| 20 |" in row
        assert f"written for the {name} tests" in row
        assert "The authors" in row


def test_the_card_tells_both_stages_and_the_compute(card):
    assert "| 사전 학습 · pretraining | 10 | 1,280,000 | 128 | 0.001 | 2.500 | 2.750 | CPU" in card
    assert "| 대화 학습 · chat fine-tuning | 10 |" in card
    matrices = 2 * (64 * 32 * 2 * 3 + 3 * 64 * 96) + 768 * 64
    flop = 2 * 1_280_000 * (6 * matrices + 12 * 2 * 2 * 32 * 128)
    assert f"{flop:.2e} FLOP" in card


def test_the_card_tells_scores_beside_their_baseline(card):
    assert "**1.2346 비트/바이트 · bits per byte**" in card
    assert (
        "| 긍정·부정 · Sentiment | accuracy | 0.710 | 0.490 – 0.530 | 0.500 | 높음 · above | 400 |"
    ) in card
    assert "On 1 of 2 tasks it is not shown to be better than the baseline." in card


def test_the_card_says_what_the_law_asks_and_where_it_came_from(card, checkpoint):
    assert "제31조" in card
    assert "article 31 of the AI Basic Act" in card
    assert manifest_sha256(checkpoint) in card


def test_the_card_is_whole_markdown(card):
    body = card.split("---\n", 2)[2]
    html = MarkdownIt("commonmark").enable("table").render(body)

    assert html.count("<table>") == 4
    assert "{{" not in card
    assert "None" not in card
    assert "\n\n\n" not in card
    for table in html.split("<table>")[1:]:
        rows = table.split("</table>")[0].split("<tr>")[1:]
        columns = {row.count("<td") + row.count("<th") - row.count("<thead") for row in rows}
        assert len(columns) == 1


@pytest.mark.parametrize("stage", ["pretrain", "chat"])
def test_the_python_on_the_card_runs_as_it_stands(make_checkpoint, tmp_path, monkeypatch, stage):
    out = tmp_path / "out"
    model.export(make_checkpoint(stage=stage), out, name="out")
    program = (out / "README.md").read_text("utf-8").split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(out)
    said: list[str] = []

    exec(program.replace("=200", "=5"), {"print": said.append})  # noqa: S102 (our own card)

    assert len(said) == 1


def test_the_reports_of_the_evaluation_come_along(exported, evaluation, card):
    assert (exported / "evaluation/report.md").read_text("utf-8") == "# 평가"
    copied, kept = (folder / "results.json" for folder in (exported / "evaluation", evaluation))
    assert copied.read_bytes() == kept.read_bytes()
    assert "(evaluation/report.md)" in card


def test_a_base_model_without_license_or_evaluation_says_so(make_checkpoint, tmp_path):
    model.export(make_checkpoint(), tmp_path / "out", name="base")
    card = (tmp_path / "out/README.md").read_text("utf-8")

    data = ModelCard(card).data
    assert data.license == "other"
    assert data.license_name == "not-stated"
    assert "conversational" not in data.tags
    assert "Not evaluated yet." in card
    assert "was not trained on conversations" in card


def test_text_in_a_manifest_cannot_break_out_of_its_cell(make_checkpoint, tmp_path):
    corpus = tmp_path / "corpus"
    with open_step(corpus, kind="corpus", name="a|b", recipe={}) as step:
        step.finish(
            facts={},
            sources=[
                SourceRecord(
                    name="s",
                    license="MIT",
                    origin="a | b\n# head",
                    attribution="<script>x</script> [y](z)",
                    licenses={"MIT": 2, "CC-BY-4.0": 3},
                    documents=5,
                )
            ],
        )
    model.export(
        make_checkpoint(corpus_folder=corpus), tmp_path / "out", name="out", license_id="mit"
    )
    card = (tmp_path / "out/README.md").read_text("utf-8")

    (row,) = [line for line in card.splitlines() if line.startswith("| s |")]
    assert "CC-BY-4.0 (3), MIT (2)" in row
    html = (
        MarkdownIt("commonmark")
        .enable("table")
        .render(row.join(["|a|b|c|d|e|f|\n|-|-|-|-|-|-|\n", "\n"]))
    )
    assert html.count("<td") == 6
    assert "<script>" not in html
    assert "<a" not in html


@pytest.mark.parametrize(
    ("kind", "name"), [("evaluation", "results.json"), ("exposure", "exposure.json")]
)
def test_a_measurement_that_cannot_be_read_is_named(checkpoint, tmp_path, kind, name):
    broken = tmp_path / "broken"
    with open_step(
        broken, kind=kind, name="e", recipe={}, inputs={"checkpoint": checkpoint}
    ) as step:
        (step.folder / name).write_text("[]")
        step.finish(facts={})

    with pytest.raises(ManifestBroken, match=name):
        model.export(checkpoint, tmp_path / "out", name="out", **{kind: broken})


def test_a_card_is_silent_on_memory_where_no_canaries_were_put_in(card):
    assert "What it memorized" not in card


@pytest.mark.parametrize(
    ("license_id", "known_as"),
    [("Apache-2.0", "apache-2.0"), ("MIT", "mit"), ("KOGL-1", "other"), ("not-stated", "other")],
)
def test_licenses_hubs_do_not_know_are_called_other(license_id, known_as):
    assert hub_license(license_id) == known_as
