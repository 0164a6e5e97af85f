"""`hunmin corpus …`, and the sample corpus that ships."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hunmin.corpus import LICENSES, find_license
from hunmin.corpus.sources import read_sources
from tests.corpus.conftest import ONE_SOURCE, Built, paragraph

SAMPLES = Path(__file__).parents[2] / "samples"


def hunmin(*arguments, language="C.UTF-8"):
    return subprocess.run(
        [sys.executable, "-m", "hunmin", "corpus", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": language, "PATH": "/usr/bin:/bin"},
    )


def test_build_prints_the_folder_alone_and_the_rest_on_stderr(jsonl, folder, tmp_path):
    jsonl("s.jsonl", [{"id": f"{i}", "text": paragraph(i)} for i in range(4)] + [{"text": "짧다"}])
    (folder / "sources.toml").write_text(ONE_SOURCE)

    done = hunmin("build", folder / "sources.toml", "--out", tmp_path / "corpus", "--seed", 3)

    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'corpus'}\n"
    assert "cleaning: " in done.stderr
    assert "1 of 5 rows dropped" in done.stderr

    shown = hunmin("show", tmp_path / "corpus")
    assert "too_short" in shown.stdout
    assert "CC0-1.0" in shown.stdout
    described = json.loads(hunmin("show", tmp_path / "corpus", "--json").stdout)
    assert described["sources"][0]["documents"] == 4
    assert described["sources"][0]["dropped"] == {"too_short": 1}
    assert described["licenses"] == {"CC0-1.0": 4}


def test_an_error_is_one_line_in_the_language_of_the_terminal(folder, tmp_path):
    (folder / "sources.toml").write_text('[[source]]\nname = "s"\npath = "s.jsonl"\n')
    arguments = ("build", folder / "sources.toml", "--out", tmp_path / "corpus")

    english = hunmin(*arguments)
    korean = hunmin(*arguments, language="ko_KR.UTF-8")

    assert english.returncode == korean.returncode == 1
    assert english.stderr.count("\n") == korean.stderr.count("\n") == 1
    assert 'Source "s" names no license' in english.stderr
    assert "라이선스가 없습니다" in korean.stderr


def test_show_refuses_what_is_no_corpus(tmp_path):
    done = hunmin("show", tmp_path)

    assert done.returncode == 1
    assert "manifest" in done.stderr


def test_licenses_lists_every_license():
    rows = json.loads(hunmin("licenses", "--json").stdout)

    assert [row["id"] for row in rows] == list(LICENSES)
    assert {row["id"] for row in rows if not row["allowed"]} >= {"KOGL-2", "KOGL-3", "KOGL-4"}
    assert "공공누리" in hunmin("licenses").stdout


@pytest.mark.parametrize("name", ["laptop.toml", "reference.toml"])
def test_the_sources_files_that_ship_name_origin_and_attribution_of_every_source(name):
    for source in read_sources(SAMPLES / name).source:
        assert source.origin
        assert source.attribution


def test_the_sample_corpus_is_small_and_redistributable_and_builds(tmp_path):
    size = sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file())
    assert size < 4 * 2**20

    done = hunmin("build", SAMPLES / "laptop.toml", "--out", tmp_path / "corpus")

    assert done.returncode == 0, done.stderr
    built = Built.read(tmp_path / "corpus")
    facts = built.manifest.facts
    assert facts["chats"] > 15_000
    assert facts["text_bytes"] > 6_000_000
    assert facts["heldout_documents"] > 5
    assert sum(facts["dropped"].values()) < facts["rows_read"] / 50
    licenses = {
        row["license"] for split in ("text", "heldout", "chat") for row in built.rows(split)
    }
    assert all(find_license(license_id).allowed for license_id in licenses)
    texts = {path.stem for path in (SAMPLES / "korean" / "LICENSES").iterdir()}
    needed = {name for name in licenses if name.startswith(("CC-BY-SA", "CC-BY-4"))}
    assert needed == texts
