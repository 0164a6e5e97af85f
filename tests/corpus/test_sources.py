"""The sources file: what it must say, and what is said where it does not."""

import pytest

from hunmin.corpus.sources import find_files, read_sources
from hunmin.errors import (
    LicenseMissing,
    LicenseRefused,
    SourceMissing,
    SourcesFileBroken,
)
from tests.corpus.conftest import ONE_SOURCE, paragraph


def test_a_source_without_a_license_stops_the_build_before_any_work(build, tmp_path):
    with pytest.raises(LicenseMissing) as refusal:
        build('[[source]]\nname = "뉴스"\npath = "/nowhere/*.jsonl"\n')

    assert refusal.value.source == "뉴스"
    assert "뉴스" in refusal.value.en
    assert "뉴스" in refusal.value.ko
    assert list(tmp_path.iterdir()) == [tmp_path / "sources"]


@pytest.mark.parametrize("license_id", ["CC-BY-NC-4.0", "KOGL-3", "all rights reserved"])
def test_a_license_off_the_list_stops_the_build_and_says_why(build, license_id):
    with pytest.raises(LicenseRefused) as refusal:
        build(ONE_SOURCE.replace("CC0-1.0", license_id))

    assert refusal.value.license_id == license_id
    assert license_id in refusal.value.ko


def test_a_license_with_a_separate_permission_is_taken(build, jsonl):
    jsonl("s.jsonl", [{"id": "1", "text": paragraph(1)}])

    built = build(ONE_SOURCE.replace("CC0-1.0", "KOGL-2") + '[licenses]\nallow = ["KOGL-2"]\n')

    assert list(built.texts) == ["s:1"]


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("source = 1", "source"),
        ("", "source"),
        ("[[source]]\nname='a'\nlicense='MIT'", "path or dataset"),
        ("[[source]]\nname='a'\npath='x'\ndataset='y'\nlicense='MIT'", "path or dataset"),
        ("[[source]]\nname='a'\npath='x'\nlicence='MIT'", "licence"),
        ("[[source]]\nname='a'\npath='x'\nlicense='MIT'\nweight=0", "weight"),
        ("[[source]]\nname='a'\npath='x'\nlicense='MIT'\nkind='song'", "kind"),
        ("[[source]]\nname='a/b'\npath='x'\nlicense='MIT'", "name"),
        ("[[source]]\nname='a'\npath='x'\nlicense='MIT'\n" * 2, "two sources"),
        ("[[source]\n", "line 1"),
    ],
)
def test_a_broken_sources_file_is_told_what_is_wrong_with_it(tmp_path, toml, said):
    path = tmp_path / "sources.toml"
    path.write_text(toml)

    with pytest.raises(SourcesFileBroken, match=said):
        read_sources(path)


def test_a_sources_file_that_is_not_there_or_not_text_is_a_clear_error(tmp_path):
    with pytest.raises(SourcesFileBroken):
        read_sources(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourcesFileBroken):
        read_sources(tmp_path / "binary.toml")


def test_a_path_is_a_file_a_folder_or_a_glob(tmp_path):
    for name in ("a.jsonl", "b/c.jsonl.zst", "b/d.txt", "b/.hidden.txt", "b/e.bin", ".git/f.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")

    def found(pattern):
        return [
            path.relative_to(tmp_path).as_posix() for path in find_files(tmp_path, "s", pattern)
        ]

    assert found("a.jsonl") == ["a.jsonl"]
    assert found("b/e.bin") == ["b/e.bin"]
    assert found(".") == ["a.jsonl", "b/c.jsonl.zst", "b/d.txt"]
    assert found("b/*.txt") == ["b/.hidden.txt", "b/d.txt"]
    assert found("b/../**/*.jsonl*") == ["a.jsonl", "b/c.jsonl.zst"]
    with pytest.raises(SourceMissing):
        found("z*.jsonl")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceMissing):
        found("empty")
