"""The trace: from a model back to sources and licenses, with broken links named."""

import io
import json
import subprocess
import sys

import pytest
from rich.console import Console

from hunmin import audit
from hunmin.audit.trace import TraceNode
from hunmin.audit.trace_tree import draw, width_needed
from hunmin.errors import ManifestBroken, ManifestMissing
from hunmin.manifest import SourceRecord, manifest_sha256
from hunmin.steps import open_step

WIKIPEDIA = SourceRecord(
    name="위키백과",
    license="CC-BY-SA-4.0",
    origin="https://ko.wikipedia.org",
    attribution="위키백과 기여자",
    documents=3,
    text_bytes=900,
)
CHATS = SourceRecord(name="chats", license="mixed", documents=2, licenses={"CC0-1.0": 1, "MIT": 1})


@pytest.fixture
def line(tmp_path):
    """Give a folder with every step from two corpora to a model."""

    def step(name, kind, inputs, sources=None, **facts):
        folders = {role: tmp_path / other for role, other in inputs.items()}
        with open_step(tmp_path / name, kind=kind, name=name, recipe={}, inputs=folders) as work:
            (work.folder / "file.txt").write_text(name)
            work.finish(facts=facts, sources=sources)

    step("texts", "corpus", {}, [WIKIPEDIA], documents=3, dropped={"short": 1})
    step("talks", "corpus", {}, [CHATS], chats=2)
    step("tokenizer", "tokenizer", {"corpus": "texts"}, vocab_size=16384)
    step("pre", "checkpoint", {"corpus": "texts", "tokenizer": "tokenizer"}, step=500, loss=3.25)
    step("sft", "checkpoint", {"corpus": "talks", "tokenizer": "tokenizer", "base": "pre"})
    step("scores", "evaluation", {"checkpoint": "sft", "corpus": "texts"}, bits_per_byte=1.5)
    step("model", "model", {"checkpoint": "sft", "evaluation": "scores"}, parameters=1000)
    return tmp_path


def _nodes(node):
    yield node
    for child in node.inputs:
        yield from _nodes(child)


def test_a_model_leads_to_every_source_and_license(line):
    node = audit.trace_model(line / "model", verify=True)

    assert node.whole()
    assert (node.kind, node.name) == ("model", "model")
    assert node.sha256 == manifest_sha256(line / "model")
    assert [source.name for source in node.all_sources()] == ["chats", "위키백과"]
    assert {source.license for source in node.all_sources()} == {"mixed", "CC-BY-SA-4.0"}
    assert {(n.role, n.name) for n in _nodes(node)} == {
        ("model", "model"),
        ("checkpoint", "sft"),
        ("evaluation", "scores"),
        ("base", "pre"),
        ("corpus", "talks"),
        ("corpus", "texts"),
        ("tokenizer", "tokenizer"),
    }


def test_the_chain_travels_with_the_folder(line, tmp_path_factory):
    moved = tmp_path_factory.mktemp("elsewhere") / "downloaded"
    (line / "model").rename(moved)
    for other in line.iterdir():
        if other.is_dir():
            other.rename(other.with_name(f"gone-{other.name}"))

    assert audit.trace_model(moved, verify=True).whole()


@pytest.mark.parametrize("name", ["texts", "tokenizer", "pre", "sft", "scores", "model"])
def test_every_step_can_be_traced(line, name):
    node = audit.trace_model(line / name, verify=True)

    assert node.whole()
    assert "위키백과" in {source.name for source in node.all_sources()}


def test_plain_facts_are_told_and_a_step_is_told_once(line):
    nodes = list(_nodes(audit.trace_model(line / "model")))

    assert [n.facts for n in nodes if n.name == "pre"] == [{"step": 500, "loss": 3.25}]
    told = [n for n in nodes if n.name == "texts"]
    assert [n.repeated for n in told] == [False, True, True]
    assert [bool(n.sources) for n in told] == [True, False, False]


def test_a_link_that_is_gone_is_named_and_the_walk_goes_on(line):
    gone = manifest_sha256(line / "tokenizer")
    (line / "model" / "lineage" / f"{gone}.json").unlink()

    node = audit.trace_model(line / "model")

    assert not node.whole()
    broken = [n for n in _nodes(node) if n.state != "whole"]
    assert {(n.name, n.state) for n in broken} == {("tokenizer", "missing")}
    (problem,) = broken[0].problems
    assert problem.code == "link_missing"
    assert gone[:12] in problem.en
    assert gone[:12] in problem.ko
    assert str(line) not in problem.en + problem.ko
    assert len(node.all_sources()) == 2


def test_a_link_that_was_changed_is_named(line):
    texts = manifest_sha256(line / "texts")
    copy = line / "model" / "lineage" / f"{texts}.json"
    copy.write_text(copy.read_text().replace("CC-BY-SA-4.0", "CC0-1.0"))

    node = audit.trace_model(line / "model")

    assert not node.whole()
    assert {n.name for n in _nodes(node) if n.state == "broken"} == {"texts"}
    assert "CC0-1.0" not in {source.license for source in node.all_sources()}


def test_a_file_that_was_changed_or_lost_is_named_when_files_are_verified(line):
    (line / "model" / "file.txt").write_text("other")

    assert audit.trace_model(line / "model").state == "whole"
    node = audit.trace_model(line / "model", verify=True)
    assert [problem.code for problem in node.problems] == ["file_changed"]
    (line / "model" / "file.txt").unlink()
    node = audit.trace_model(line / "model", verify=True)
    assert [problem.code for problem in node.problems] == ["file_missing"]


def test_a_folder_that_is_no_step_is_refused(tmp_path):
    with pytest.raises(ManifestMissing):
        audit.trace_model(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ManifestBroken):
        audit.trace_model(tmp_path)


def test_of_the_longest_chain_the_last_link_can_still_be_read():
    def named(name, inputs=()):
        return TraceNode(role="base", kind="checkpoint", name=name, sha256="0" * 64,
                         state="whole", inputs=list(inputs))  # fmt: skip

    node = named("the-very-first")
    for number in range(60):
        node = named(f"round-{number}", [node])
    console = Console(width=width_needed(node), file=io.StringIO())
    console.print(draw(node, "en"))

    assert "went on from checkpoint the-very-first" in console.file.getvalue()


def _trace(*words, **environment):
    return subprocess.run(
        [sys.executable, "-m", "hunmin", "trace", *map(str, words)],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **environment},
    )


def test_the_command_prints_a_tree_in_the_language_of_the_terminal(line):
    english = _trace(line / "model")
    korean = _trace(line / "model", LC_ALL="ko_KR.UTF-8")
    asked = _trace(line / "model", "--language", "ko")

    assert english.returncode == 0, english.stderr
    assert "source 위키백과  CC-BY-SA-4.0  3 documents" in english.stdout
    assert "2 sources, licenses: CC-BY-SA-4.0, CC0-1.0, MIT. Every link" in english.stdout
    assert "출처 위키백과  CC-BY-SA-4.0  문서 3건" in korean.stdout
    assert asked.stdout == korean.stdout


def test_the_command_finds_a_model_by_the_name_it_is_served_under(line):
    served = {"HUNMIN_INFERENCE__MODELS": json.dumps({"ours": str(line / "model")})}

    found = _trace("ours", "--json", **served)
    unknown = _trace("theirs", **served)

    assert json.loads(found.stdout)["name"] == "model"
    assert unknown.returncode == 1
    assert "ours" in unknown.stderr
    assert "trace_target_unknown" in unknown.stderr


def test_the_command_ends_with_status_1_when_a_link_does_not_hold(line):
    (line / "model" / "file.txt").write_text("other")

    assert _trace(line / "model").returncode == 1
    assert _trace(line / "model", "--no-verify").returncode == 0
