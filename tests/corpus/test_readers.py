"""Files as they come: other forms, other encodings, damaged and hostile ones."""

import gzip
import json
import os
import socket
import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from hunmin.errors import (
    CompressionBomb,
    NothingLeft,
    OutputExists,
    SourceMissing,
    SourceUnreadable,
)
from tests.corpus.conftest import ONE_SOURCE, paragraph


def source(path, **more):
    lines = [f'[[source]]\nname = "s"\npath = "{path}"\nlicense = "MIT"']
    return "\n".join(lines + [f"{key} = {json.dumps(value)}" for key, value in more.items()]) + "\n"


def line(number, **more):
    return json.dumps(
        {"id": f"{number}", "text": paragraph(number), **more}, ensure_ascii=False
    ).encode()


ROWS = b"\n".join(line(i) for i in range(5)) + b"\n"
TEXTS = {f"s:{i}": paragraph(i) for i in range(5)}


@pytest.mark.parametrize("name", ["s.jsonl", "s.jsonl.gz", "s.jsonl.zst", "S.NDJSON", "s.json"])
def test_json_lines_are_read_plain_and_compressed(build, folder, name):
    packed = {
        "gz": lambda raw: gzip.compress(raw[:100]) + gzip.compress(raw[100:]),
        "zst": lambda raw: zstandard.compress(raw[:100]) + zstandard.compress(raw[100:]),
    }
    (folder / name).write_bytes(packed.get(name.rsplit(".", 1)[-1], bytes)(ROWS))

    assert build(source(name)).texts == TEXTS


def test_a_json_array_in_one_line_is_read_too(build, folder):
    rows = [json.loads(each) for each in ROWS.splitlines()]
    (folder / "s.json").write_text(json.dumps([*rows, 7]))

    built = build(source("s.json"))

    assert built.texts == TEXTS
    assert built.dropped == {"s:s.json:1[5]": "missing_text"}


def test_long_windows_of_zstd_are_read(build, folder):
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27, enable_ldm=True)
    packed = zstandard.ZstdCompressor(compression_params=parameters).compress(ROWS)
    (folder / "s.jsonl.zst").write_bytes(packed)

    assert build(source("s.jsonl.zst")).texts == TEXTS


def test_parquet_is_read_with_the_columns_named(build, folder):
    table = pa.table(
        {
            "doc": list(range(5)),
            "body": [paragraph(i) for i in range(5)],
            "rights": ["MIT"] * 4 + ["CC-BY-NC-4.0"],
            "other": [{"deep": [1, 2]}] * 5,
        }
    )
    pq.write_table(table, folder / "s.parquet")
    toml = source("s.parquet", text_column="body", id_column="doc", license_column="rights")

    built = build(toml.replace('license = "MIT"\n', ""))

    assert built.texts == {f"s:{i}": paragraph(i) for i in range(4)}
    assert built.dropped == {"s:4": "license"}


def test_a_folder_of_plain_text_has_a_document_for_each_file(build, folder):
    for number, name in enumerate(["a.txt", "deep/b.md", "deep/er/c.txt", "deep/d.txt.gz"]):
        path = folder / "books" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        raw = paragraph(number).encode()
        path.write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    (folder / "books" / "cover.jpg").write_bytes(b"\xff\xd8")

    assert build(source("books")).texts == {
        "s:a.txt": paragraph(0),
        "s:deep/b.md": paragraph(1),
        "s:deep/d.txt.gz": paragraph(3),
        "s:deep/er/c.txt": paragraph(2),
    }


def test_other_encodings_are_read_and_counted(build, folder):
    (folder / "books").mkdir()
    scrambled = paragraph(4).encode().decode("latin-1")
    for name, raw in {
        "cp949.txt": paragraph(0).encode("cp949"),
        "utf16.txt": paragraph(1).encode("utf-16"),
        "bom.txt": b"\xef\xbb\xbf" + paragraph(2).encode(),
        "utf8.txt": paragraph(3).encode(),
        "mojibake.txt": scrambled.encode(),
    }.items():
        (folder / "books" / name).write_bytes(raw)

    built = build(source("books"))

    assert set(built.texts.values()) == {paragraph(i) for i in range(5)}
    assert built.manifest.facts["repaired"] == {
        "bom": 1, "cp949": 1, "mojibake": 1, "utf-16": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("encoding", "repaired"), [("utf-16", {}), ("cp949", {"cp949": 5}), ("utf-8-sig", {})]
)
def test_json_lines_in_other_encodings_are_read(build, folder, encoding, repaired):
    (folder / "s.jsonl").write_bytes(ROWS.decode().encode(encoding))

    built = build(source("s.jsonl"))

    assert built.texts == TEXTS
    assert built.manifest.facts["repaired"] == repaired


def test_unreadable_bytes_cost_a_document_not_the_build(build, folder):
    broken = line(9).replace("길을".encode(), b"\xff\xfe\xfa" * 3)
    (folder / "s.jsonl").write_bytes(ROWS + broken + b"\n")

    built = build(source("s.jsonl"))

    assert built.texts == TEXTS
    assert built.dropped == {"s:9": "broken_characters"}


def test_rows_that_are_no_documents_are_dropped_each_with_its_reason(build, folder):
    lines = [
        ROWS.strip(),
        b"not json",
        b'"a string"',
        b"[" * 5000,
        b'{"id": "no text"}',
        b'{"id": "null", "text": null}',
        b'{"id": "number", "text": 12}',
        b'{"id": "list", "text": ["a"]}',
        b'{"id": "empty", "text": ""}',
        b'{"id": "blank", "text": " \\u0000\\n\\u200b "}',
        json.dumps({"id": "nul\x00", "text": paragraph(7).replace("길", "\x00길\x00")}).encode(),
        json.dumps({"id": "half\ud800", "text": paragraph(8) + "\ud800"}).encode(),
        b"",
        b"   ",
    ]
    (folder / "s.jsonl").write_bytes(b"\n".join(lines))

    built = build(source("s.jsonl"))

    assert built.texts == TEXTS | {"s:nul\x00": paragraph(7), "s:half": paragraph(8)}
    assert built.dropped == {
        "s:s.jsonl:6": "invalid_json", "s:s.jsonl:7": "invalid_json", "s:s.jsonl:8": "invalid_json",
        "s:no text": "missing_text", "s:null": "missing_text", "s:number": "not_text",
        "s:list": "not_text", "s:empty": "empty", "s:blank": "empty",
    }  # fmt: skip


def test_a_line_of_100_megabytes_is_dropped_without_being_held(build, folder):
    path = folder / "s.jsonl"
    with path.open("wb") as stream:
        stream.write(ROWS + b'{"id": "giant", "text": "')
        for _ in range(100):
            stream.write(b"a" * 2**20)
        stream.write(b'"}\n' + line(9) + b"\n")
    tracemalloc.start()

    built = build(source("s.jsonl"))

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80 * 2**20
    assert built.texts == TEXTS | {"s:9": paragraph(9)}
    assert [(row["reason"], row["detail"]) for row in built.drops] == [
        ("line_too_long", f"{100 * 2**20 + 27} bytes in one line")
    ]


def test_a_file_of_one_giant_line_is_an_error_and_not_a_drop(build, folder):
    (folder / "s.json").write_text(json.dumps([{"id": "1", "text": paragraph(1)}] * 100))

    with pytest.raises(SourceUnreadable, match=r"s\.json"):
        build(source("s.json"), config={"limits": {"line_bytes_max": 1000}})


def test_a_document_of_millions_of_characters_is_dropped(build, folder):
    (folder / "s.jsonl").write_bytes(ROWS + json.dumps({"id": "x", "text": "가 " * 9_000}).encode())

    built = build(source("s.jsonl"), config={"limits": {"text_chars_max": 10_000}})

    assert built.dropped == {"s:x": "too_long"}


def test_a_file_that_is_not_json_lines_is_an_error_that_names_it(build, folder):
    (folder / "s.jsonl").write_text("제목\n본문 첫 줄\n본문 둘째 줄\n")

    with pytest.raises(SourceUnreadable, match=r"s\.jsonl: 3 of 3 lines are not JSON") as error:
        build(source("s.jsonl"))

    assert "3줄" in error.value.ko


def test_a_missing_column_is_an_error_that_names_those_there_are(build, folder):
    (folder / "s.jsonl").write_bytes(ROWS)
    with pytest.raises(SourceUnreadable, match='no column "body"; there are: id, text'):
        build(source("s.jsonl", text_column="body"))

    pq.write_table(pa.table({"content": ["가"]}), folder / "s.parquet")
    with pytest.raises(SourceUnreadable, match='no column "text"; there are: content'):
        build(source("s.parquet"))


@pytest.mark.parametrize("name", ["s.jsonl", "s.jsonl.zst", "s.jsonl.gz", "s.txt"])
def test_empty_files_are_nothing_and_no_error(build, folder, name):
    (folder / "s").mkdir()
    (folder / "s" / name).write_bytes(b"")
    with pytest.raises(NothingLeft):
        build(source("s"))

    (folder / "s" / "rows.jsonl").write_bytes(ROWS)
    built = build(source("s"))

    assert set(built.texts.values()) == set(TEXTS.values())


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("s.jsonl.gz", gzip.compress(ROWS * 50)[:-200]),
        ("s.jsonl.gz", b"\x1f\x8bnonsense"),
        ("s.jsonl.zst", zstandard.compress(os.urandom(4000))[:-50]),
        ("s.jsonl.zst", b"nonsense, not zstd"),
        ("s.jsonl.zst", zstandard.compress(ROWS) + b"trailing nonsense"),
        ("s.parquet", b"PAR1nonsensePAR1"),
        ("s.parquet", b""),
    ],
)
def test_a_damaged_file_is_an_error_that_names_it(build, folder, name, raw):
    (folder / name).write_bytes(raw)

    with pytest.raises(SourceUnreadable, match=name):
        build(source(name))


def test_a_parquet_bomb_is_never_unpacked(build, folder):
    table = pa.table({"text": ["0" * 2**24], "id": ["1"]})
    pq.write_table(table, folder / "s.parquet", compression="zstd", use_dictionary=False)

    with pytest.raises(CompressionBomb, match=r"s\.parquet"):
        build(source("s.parquet"), config={"limits": {"expansion_bytes_min": 2**20}})


@pytest.mark.parametrize("name", ["s.jsonl.gz", "s.jsonl.zst", "s.txt.gz"])
def test_a_compression_bomb_is_stopped_early(build, folder, name):
    zeros = b"0" * 2**22
    if name.endswith("gz"):
        with gzip.open(folder / name, "wb") as stream:
            for _ in range(60):
                stream.write(zeros)
    else:
        with zstandard.open(folder / name, "wb") as stream:
            for _ in range(60):
                stream.write(zeros)

    with pytest.raises(CompressionBomb) as error:
        build(
            source(name), config={"limits": {"expansion_bytes_min": 2**24, "line_bytes_max": 2**28}}
        )

    assert (folder / name).name in error.value.en


def test_the_rest_is_read_once_a_bad_file_is_mended(build, folder):
    (folder / "s").mkdir()
    (folder / "s" / "a.jsonl").write_bytes(ROWS)
    (folder / "s" / "b.jsonl").write_bytes(b"no\nno\nno\n")
    with pytest.raises(SourceUnreadable):
        build(source("s"))

    (folder / "s" / "b.jsonl").write_bytes(line(8))

    assert build(source("s")).texts == TEXTS | {"s:8": paragraph(8)}


def test_a_path_that_leads_nowhere_is_an_error(build):
    with pytest.raises(SourceMissing, match="nowhere"):
        build(source("nowhere/*.jsonl"))


@pytest.fixture
def offline(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))


@pytest.mark.usefixtures("offline")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_hugging_face_data_set_is_read_by_its_own_loader(build, folder):
    data = folder / "mydata"
    data.mkdir()
    rows = [json.loads(each) for each in ROWS.splitlines()]
    for split, part in (("train", rows[:3]), ("validation", rows[3:])):
        pq.write_table(pa.Table.from_pylist(part), data / f"{split}-00000.parquet")
    (data / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n"
        "  - split: train\n    path: train-*.parquet\n"
        "  - split: validation\n    path: validation-*.parquet\n---\n"
    )
    toml = source("x").replace('path = "x"', 'dataset = "mydata"')

    train = build(toml)
    rest = build(toml + 'split = "validation"\n', out="validation")

    assert train.texts == {f"s:{i}": paragraph(i) for i in range(3)}
    assert rest.texts == {f"s:{i}": paragraph(i) for i in range(3, 5)}
    assert len(train.manifest.sources[0].sha256) == 64
    assert train.manifest.sources[0].sha256 != rest.manifest.sources[0].sha256


@pytest.mark.usefixtures("offline")
def test_a_data_set_that_cannot_be_found_is_an_error_that_names_it(build):
    with pytest.raises(SourceMissing, match="no-one/no-such-set"):
        build(source("x").replace('path = "x"', 'dataset = "no-one/no-such-set"'))


def test_a_data_set_on_this_disk_asks_no_network_and_is_hashed(build, folder, monkeypatch):
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *where, **_: asked.append(where[0]))
    (folder / "mydata").mkdir()
    pq.write_table(pa.table({"text": [paragraph(0)]}), folder / "mydata" / "train-0.parquet")
    toml = source("x").replace('path = "x"', 'dataset = "mydata"')

    build(toml)

    assert asked == []
    pq.write_table(pa.table({"text": [paragraph(1)]}), folder / "mydata" / "train-0.parquet")
    with pytest.raises(OutputExists):
        build(toml)


def test_files_may_be_called_anything(build, folder):
    (folder / "texts").mkdir()
    for name, raw in (
        (b"\xff.txt", paragraph(0).encode()),
        (b"\xfd.jsonl", b"no json\n" + line(1)),
        ("[1] {a} 한글?*.txt".encode(), paragraph(2).encode()),
    ):
        (folder / "texts" / os.fsdecode(name)).write_bytes(raw)

    built = build(source("texts"), out="out [1] {a,b}*")

    assert sorted(built.texts) == ["s:1", "s:[1] {a} 한글?*.txt", "s:\\xff.txt"]
    assert built.dropped == {"s:\\xfd.jsonl:1": "invalid_json"}


@pytest.mark.parametrize("path", ["texts", "../texts", "x/../texts", "texts/*/a.txt"])
def test_texts_of_one_name_in_two_folders_are_two_documents(build, folder, path):
    base = folder.parent if path.startswith("..") else folder
    (folder / "x").mkdir()
    for number, part in enumerate(("one", "two")):
        (base / "texts" / part).mkdir(parents=True)
        (base / "texts" / part / "a.txt").write_text(paragraph(number), "utf-8")

    assert build(source(path)).texts == {"s:one/a.txt": paragraph(0), "s:two/a.txt": paragraph(1)}


@pytest.mark.parametrize("path", ["texts/a**b/*.txt", "x" * 5000, "texts/loop"])
def test_a_path_that_cannot_be_is_an_error(build, folder, path):
    (folder / "texts").mkdir()
    (folder / "texts" / "loop").symlink_to("loop")

    with pytest.raises(SourceMissing):
        build(source(path))


def test_links_that_lead_in_circles_are_passed_over(build, folder):
    (folder / "texts").mkdir()
    (folder / "texts" / "again").symlink_to(folder / "texts")
    (folder / "texts" / "itself.txt").symlink_to("itself.txt")
    (folder / "texts" / "a.txt").write_text(paragraph(0), "utf-8")

    assert build(source("texts")).texts == {"s:a.txt": paragraph(0)}


def test_parquet_with_odd_types_is_read_or_named(build, folder):
    table = {"text": pa.array([paragraph(0)]).dictionary_encode(), "id": pa.array([b"a"])}
    pq.write_table(pa.table(table), folder / "good.parquet")
    far = pa.array([10**15], pa.timestamp("ms"))
    pq.write_table(pa.table({"text": [paragraph(0)], "id": far}), folder / "far.parquet")

    assert list(build(source("good.parquet"), out="good").texts.values()) == [paragraph(0)]
    with pytest.raises(SourceUnreadable, match=r"far\.parquet"):
        build(source("far.parquet"), out="far")


def test_half_characters_in_an_id_or_a_license_cost_no_build(build, folder):
    row = json.dumps({"id": "1\ud800", "text": paragraph(0), "license": "MIT"})
    odd = json.dumps({"id": "2", "text": paragraph(1), "license": "MIT\udfff"})
    (folder / "s.jsonl").write_text(f"{row}\n{odd}\n")

    built = build(source("s.jsonl", license_column="license").replace('license = "MIT"', ""))

    assert built.texts == {"s:1": paragraph(0)}
    assert built.dropped == {"s:2": "license"}


def test_one_source_is_the_shortest_sources_file_there_is(build, folder):
    (folder / "s.jsonl").write_bytes(ROWS)

    assert build(ONE_SOURCE).texts == TEXTS
