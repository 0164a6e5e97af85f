"""The step that makes a collection: licensed documents only, resumed where it was, told in full."""

import json
import sqlite3

import pytest

from hunmin.__main__ import load_command
from hunmin.errors import CollectionEmpty, LicenseMissing, OutputExists, SourcesFileBroken
from hunmin.indexing import index, step
from hunmin.manifest import verify_files
from hunmin.retrieval import Collection
from hunmin.retrieval.collection import DATABASE_NAME
from tests.support import office_files


class Sources:
    """A folder of documents and the sources file that names them."""

    def __init__(self, folder):
        self.folder = folder
        self.write_laws(300)
        self.path = folder / "sources.toml"
        self.path.write_text(
            '[[source]]\nname = "laws"\npath = "laws.jsonl"\nlicense_column = "license"\n'
        )

    def add_files(self):
        folder = self.folder
        (folder / "files").mkdir()
        (folder / "files" / "안내.hwpx").write_bytes(office_files.hwpx())
        (folder / "files" / "공고.pdf").write_bytes(office_files.pdf(["첫 쪽", "둘째 쪽의 수수료"]))
        (folder / "files" / "damaged.docx").write_bytes(office_files.docx()[:-200])
        with self.path.open("a") as stream:
            stream.write(
                '[[source]]\nname = "files"\npath = "files"\nlicense = "KOGL-1"\norigin = "시청"\n'
            )

    def write_laws(self, count):
        rows = [
            {"id": f"law/{n}", "license": "KR-Copyright-Act-Art7", "text": _law(n)}
            for n in range(count)
        ]
        rows[7]["license"] = "CC-BY-NC-4.0"
        rows[9]["id"] = "law/8"
        (self.folder / "laws.jsonl").write_text("\n".join(map(json.dumps, rows)))


def _law(number):
    return f"# 시험법 {number}\n\n##### 제1조 (목적)\n\n이 법은 {number}번째 목적을 정한다."


@pytest.fixture
def laws(tmp_path):
    return Sources(tmp_path)


@pytest.fixture
def sources(laws):
    laws.add_files()
    return laws


def test_documents_become_passages_with_license_and_place(sources, tmp_path):
    manifest = index(sources.path, tmp_path / "out")

    collection = Collection(tmp_path / "out")
    notice = collection.search("둘째 쪽", count=1)[0]
    assert (notice.passage.citation, notice.passage.page) == ("「공고」 2쪽", 2)
    assert (notice.document.id, notice.document.license) == ("공고.pdf", "KOGL-1")
    guide = collection.search("주민등록표 등본 신청", count=1)[0]
    assert guide.passage.citation == "「안내」 제1장 신청 안내"
    assert (
        collection.search("시험법 42 제1조", count=1)[0].passage.citation == "「시험법 42」 제1조"
    )
    laws, files = manifest.sources
    assert (laws.documents, laws.licenses) == (298, {"KR-Copyright-Act-Art7": 298})
    assert (files.documents, files.license, files.origin) == (2, "KOGL-1", "시청")
    assert manifest.facts["documents"] == 300
    verify_files(tmp_path / "out")


def test_what_is_left_out_is_counted_and_kept_with_its_reason(sources, tmp_path, capfd):
    manifest = index(sources.path, tmp_path / "out")

    assert manifest.facts["dropped"] == {"file_unreadable": 1, "license": 1, "same_id": 1}
    with sqlite3.connect(tmp_path / "out" / DATABASE_NAME) as database:
        dropped = database.execute("SELECT source, id, reason FROM dropped").fetchall()
    assert sorted(dropped) == [
        ("files", "damaged.docx", "file_unreadable"),
        ("laws", "law/7", "license"),
        ("laws", "law/8", "same_id"),
    ]
    assert "damaged.docx" in capfd.readouterr().err


def test_what_was_withdrawn_is_not_in_it(laws, tmp_path):
    rights = tmp_path / "rights.jsonl"
    rights.write_text('{"withdrawn": "law/42"}\n{"license": "CC-BY-NC-4.0"}\n')

    index(laws.path, tmp_path / "out", rights=rights)

    titles = {
        each.document.title for each in Collection(tmp_path / "out").search("시험법", count=100)
    }
    collection = Collection(tmp_path / "out")
    assert titles
    assert collection.search("시험법 42", count=1)[0].document.title != "시험법 42"
    assert collection.search("시험법 7", count=1)[0].document.title == "시험법 7"


def test_a_step_that_was_stopped_goes_on_where_it_was(laws, tmp_path, monkeypatch):
    whole = index(laws.path, tmp_path / "whole")
    added = []
    add = step._add

    def stop_at_the_250th(*arguments):
        if len(added) == 250:
            raise KeyboardInterrupt
        added.append(arguments)
        add(*arguments)

    monkeypatch.setattr(step, "_add", stop_at_the_250th)
    with pytest.raises(KeyboardInterrupt):
        index(laws.path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    added.clear()
    monkeypatch.setattr(step, "_add", lambda *arguments: (added.append(arguments), add(*arguments)))

    resumed = index(laws.path, tmp_path / "out")

    assert len(added) < 150
    assert resumed.facts == whole.facts
    assert resumed.sources == whole.sources


def test_a_finished_collection_is_not_made_again_and_never_from_something_else(laws, tmp_path):
    first = index(laws.path, tmp_path / "out")

    assert index(laws.path, tmp_path / "out") == first
    laws.write_laws(20)
    with pytest.raises(OutputExists):
        index(laws.path, tmp_path / "out")


def test_sources_are_checked_before_anything_is_written(sources, tmp_path):
    text = sources.path.read_text()
    sources.path.write_text(text.replace('license = "KOGL-1"\n', ""))
    with pytest.raises(LicenseMissing):
        index(sources.path, tmp_path / "out")
    sources.path.write_text(f'{text}kind = "chat"\n')
    with pytest.raises(SourcesFileBroken, match='"chat"'):
        index(sources.path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_that_can_be_read_makes_no_collection(sources, tmp_path):
    for path in (sources.folder / "files").iterdir():
        path.write_bytes(b"%PDF-")
    sources.path.write_text('[[source]]\nname = "f"\npath = "files"\nlicense = "KOGL-1"\n')

    with pytest.raises(CollectionEmpty) as refusal:
        index(sources.path, tmp_path / "out")

    assert refusal.value.dropped == 3
    assert not (tmp_path / "out").exists()


def run(capsys, *arguments):
    """Run a command in this process, and return what it printed."""
    load_command("documents").main([*map(str, arguments)], standalone_mode=False)
    return capsys.readouterr().out


def test_the_commands_read_index_and_search(sources, tmp_path, capsys):
    file = sources.folder / "files" / "공고.pdf"
    assert run(capsys, "read", file) == "첫 쪽\n\n둘째 쪽의 수수료\n"
    assert json.loads(run(capsys, "read", "--json", file))["kind"] == "pdf"

    out = tmp_path / "out"
    assert run(capsys, "index", sources.path, "--out", out) == f"{out}\n"

    told = run(capsys, "search", out, "둘째 쪽의 수수료", "--count", "1")
    assert told.startswith("「공고」 2쪽  (files, 2)")
    line = json.loads(run(capsys, "search", out, "시험법 42", "--count", "1", "--json"))
    assert line["passage"]["citation"] == "「시험법 42」 제1조"
