"""An evaluation from checkpoint to report: whole or absent, resumed, honest, refused clearly."""

import json
import re
from html.parser import HTMLParser

import pytest

from hunmin import evaluation
from hunmin.errors import (
    ManifestMissing,
    NothingToEvaluate,
    OutputExists,
    TaskBroken,
    TokenizerBroken,
)
from hunmin.evaluation import step as step_module
from hunmin.evaluation import tasks as tasks_module
from hunmin.evaluation.results import Results
from hunmin.manifest import ancestors, manifest_sha256, verify_files


@pytest.fixture
def run(checkpoint, corpus, make_pack, tmp_path):
    """Return a function that evaluates the small checkpoint on the small pack."""

    def evaluate(**changes):
        tasks = changes.pop("tasks", None)
        tasks = [str(make_pack("endings", "yes_or_no"))] if tasks is None else tasks
        asked = {"tasks": tasks, "corpus": corpus} | changes
        out = asked.pop("out", tmp_path / "evaluation")
        return evaluation.run(asked.pop("checkpoint", checkpoint), out, **asked)

    return evaluate


def test_an_evaluation_is_a_whole_folder_that_names_what_it_measured(
    run, checkpoint, corpus, tmp_path
):
    manifest = run()

    out = tmp_path / "evaluation"
    assert {path.name for path in out.iterdir()} == {
        "items.json",
        "lineage",
        "manifest.json",
        "report.html",
        "report.md",
        "results.json",
    }
    assert verify_files(out).kind == "evaluation"
    assert {(record.role, record.sha256) for record, _ in ancestors(out)} == {
        ("checkpoint", manifest_sha256(checkpoint)),
        ("corpus", manifest_sha256(corpus)),
    }
    assert manifest.facts["bits_per_byte"] > 0
    assert set(manifest.facts["tasks"]) == {"endings", "yes_or_no"}


def test_results_are_complete_and_read_back_as_written(run, tmp_path):
    run()

    results, items = evaluation.read_results(tmp_path / "evaluation")
    assert results.model.name == "tiny-1"
    assert results.model.vocab_size == 640
    assert results.heldout.by_source.keys() == {"laws", "verses"}
    task = results.tasks["endings"]
    assert task.primary == "acc_norm"
    assert task.items == task.items_in_all == 40
    assert task.main.chance == pytest.approx(0.25)
    assert task.main.stderr > 0
    assert task.main.low < task.main.score < task.main.high
    assert items.tasks["endings"].ids[0] == "e0"
    parts = items.tasks["endings"].metrics["acc_norm"]
    assert sum(parts) / 40 == pytest.approx(task.main.score)
    assert len(items.heldout.ids) == 12


def test_a_random_model_is_not_said_to_know_anything(run, tmp_path):
    run()

    results, _ = evaluation.read_results(tmp_path / "evaluation")
    assert results.tasks["yes_or_no"].main.verdict == "same"
    report = (tmp_path / "evaluation/report.md").read_text("utf-8")
    assert "no different from the baseline" in report


def test_a_limit_draws_the_same_items_every_time(run, tmp_path):
    run(limit=10, out=tmp_path / "one")
    run(limit=10, out=tmp_path / "two")

    (_, one), (_, two) = (evaluation.read_results(tmp_path / name) for name in ("one", "two"))
    assert one == two
    assert len(one.tasks["endings"].ids) == 10
    assert one.tasks["endings"].ids != [f"e{n}" for n in range(10)]


def test_a_limit_above_the_number_of_items_takes_all(run, tmp_path):
    run(limit=1000)

    results, _ = evaluation.read_results(tmp_path / "evaluation")
    assert results.tasks["endings"].items == 40


def test_run_again_when_finished_does_nothing(run, monkeypatch):
    first = run()
    monkeypatch.setattr(step_module, "load_scorer", lambda _: pytest.fail("it worked again"))

    assert run() == first


def test_another_evaluation_does_not_overwrite_one(run):
    run()

    with pytest.raises(OutputExists):
        run(limit=3)


def test_changed_data_is_another_evaluation(run, make_pack):
    run()
    pack = make_pack("endings", "yes_or_no")
    with (pack / "endings.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('{"id": "x", "context": "가", "choices": ["나", "다"], "answer": 0}\n')

    with pytest.raises(OutputExists):
        run(tasks=[str(pack)])


def test_stopped_between_tasks_it_goes_on_with_the_next(run, tmp_path, monkeypatch):
    asked = []
    real = tasks_module.run_task

    def stop_at_the_second(model, task, **rest):
        asked.append(task.task_name)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return real(model, task, **rest)

    monkeypatch.setattr(tasks_module, "run_task", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert not (tmp_path / "evaluation").exists()

    run()

    assert asked == ["endings", "yes_or_no", "yes_or_no"]
    monkeypatch.setattr(tasks_module, "run_task", real)
    run(out=tmp_path / "whole")
    assert (tmp_path / "whole/items.json").read_bytes() == (
        tmp_path / "evaluation/items.json"
    ).read_bytes()


def test_a_task_that_writes_is_scored_against_its_own_answers_dealt_out(run, make_pack, tmp_path):
    run(tasks=[str(make_pack("writing"))], corpus=None)

    results, items = evaluation.read_results(tmp_path / "evaluation")
    task = results.tasks["writing"]
    assert 0 <= task.main.score <= 100
    assert task.main.chance is not None
    assert len(items.tasks["writing"].metrics["chrf"][0]) == 2


def test_a_broken_task_leaves_no_evaluation(run, make_pack, tmp_path):
    pack = make_pack("endings", "yes_or_no")
    task = pack / "yes_or_no.yaml"
    whole = task.read_text("utf-8")
    task.write_text(whole.replace("{{question}}", "{{quest}}"), "utf-8")

    with pytest.raises(TaskBroken, match="yes_or_no"):
        run(tasks=[str(pack)])

    assert not (tmp_path / "evaluation").exists()


def test_without_a_corpus_only_tasks_are_scored(run, tmp_path):
    manifest = run(corpus=None)

    results, _ = evaluation.read_results(tmp_path / "evaluation")
    assert results.heldout is None
    assert "bits_per_byte" not in manifest.facts
    assert "Bits per byte" not in (tmp_path / "evaluation/report.md").read_text("utf-8")


def test_without_any_task_data_only_held_out_text_is_scored(run, tmp_path):
    (tmp_path / "empty").mkdir()

    manifest = run(tasks=[], data=tmp_path / "empty")

    assert manifest.facts["tasks"] == {}
    assert "kobest_copa" in manifest.facts["left_out"]
    assert "kobest_copa" in (tmp_path / "evaluation/report.md").read_text("utf-8")


def test_nothing_at_all_to_measure_is_an_error(run, tmp_path):
    (tmp_path / "empty").mkdir()

    with pytest.raises(NothingToEvaluate):
        run(tasks=[], data=tmp_path / "empty", corpus=None)


def test_a_folder_that_is_no_checkpoint_is_refused(run, tmp_path):
    (tmp_path / "folder").mkdir()

    with pytest.raises(ManifestMissing):
        run(checkpoint=tmp_path / "folder")


def test_a_checkpoint_without_its_tokenizer_is_refused(run, make_checkpoint):
    folder = make_checkpoint(seed=7)
    (folder / "tokenizer.json").unlink()

    with pytest.raises(TokenizerBroken):
        run(checkpoint=folder)


class _Page(HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "rect", "line", "link", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in {"rect", "line"}:
            assert self.open.pop() == tag


def test_the_page_stands_alone_and_is_whole(run, tmp_path):
    run()

    text = (tmp_path / "evaluation/report.html").read_text("utf-8")
    page = _Page(text)
    assert page.open == []
    assert page.tags[0] == ("html", {"lang": "ko"})
    assert not re.findall(r'(?:src|href)="', text)
    assert "url(" not in text
    assert "prefers-color-scheme: dark" in text
    figures = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert figures
    assert all(attrs.get("aria-hidden") or attrs.get("aria-label") for attrs in figures)


def test_names_in_a_task_file_are_text_on_the_page(run, make_pack, tmp_path):
    pack = make_pack("endings")
    task = pack / "endings.yaml"
    title = "<script>alert(1)</script>"
    text = task.read_text("utf-8").replace("{version: 1.0,", f'{{title_ko: "{title}",')
    task.write_text(text, "utf-8")

    run(tasks=[str(pack)])

    assert "<script>" not in (tmp_path / "evaluation/report.html").read_text("utf-8")


def test_a_metric_that_is_not_a_number_is_refused(run, make_pack):
    pack = make_pack("endings")
    (pack / "grading.py").write_text("def nothing(parts):\n    return float('nan')\n", "utf-8")
    task = pack / "endings.yaml"
    text = task.read_text("utf-8").replace(
        "aggregation: mean", "aggregation: !function grading.nothing"
    )
    task.write_text(text, "utf-8")

    with pytest.raises(TaskBroken, match="not a number"):
        run(tasks=[str(pack)])


@pytest.mark.parametrize("said", ["metadata: 1.0", "metadata: {title_ko: 7, primary: [1]}", ""])
def test_a_task_may_say_little_of_itself(run, make_pack, tmp_path, said):
    pack = make_pack("endings")
    task = pack / "endings.yaml"
    text = task.read_text("utf-8").replace("metadata: {version: 1.0, primary: acc_norm}", said)
    task.write_text(text.replace("task: endings", "task: a/b"), "utf-8")

    run(tasks=[str(pack)], corpus=None)

    results, _ = evaluation.read_results(tmp_path / "evaluation")
    assert results.tasks["a/b"].primary == "acc"


def test_a_report_shows_every_score_with_its_error_and_baseline(run, tmp_path):
    run()

    results, _ = evaluation.read_results(tmp_path / "evaluation")
    report = (tmp_path / "evaluation/report.md").read_text("utf-8")
    for name, task in results.tasks.items():
        (row,) = (line for line in report.splitlines() if f"(`{name}`)" in line)
        for figure in (task.main.score, task.main.stderr, task.main.baseline):
            assert f" {figure:.3f} " in row


def test_results_name_no_folder_of_the_machine(run, tmp_path):
    run()

    for name in ("results.json", "items.json", "report.md", "report.html", "manifest.json"):
        assert str(tmp_path) not in (tmp_path / "evaluation" / name).read_text("utf-8")


def test_results_of_a_later_version_are_read_where_they_only_add(run, tmp_path):
    run()
    plain = json.loads((tmp_path / "evaluation/results.json").read_text("utf-8"))
    plain["added_later"] = 1

    assert Results.model_validate(plain).model.name == "tiny-1"
