"""Builds in other processes: many cores, a Ray cluster, and kills at any moment."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hunmin.manifest import verify_files
from tests.corpus.conftest import Built, chat, paragraph

PROGRAM = Path(__file__).with_name("program.py")
TOML = """
[[source]]
name = "first"
path = "first/*.jsonl"
license = "KOGL-1"

[[source]]
name = "second"
path = "second.jsonl"
license_column = "license"
weight = 1.5

[[source]]
name = "talk"
path = "talk.jsonl"
license = "MIT"
kind = "chat"
"""


@pytest.fixture
def sources(folder, jsonl):
    (folder / "first").mkdir()
    for name in range(3):
        start = name * 40
        jsonl(
            f"first/{name}.jsonl",
            [{"id": f"{i}", "text": paragraph(i)} for i in range(start, start + 50)],
        )
    jsonl(
        "second.jsonl",
        [{"id": f"{i}", "text": paragraph(i % 130, 12), "license": "MIT"} for i in range(150)],
    )
    jsonl("talk.jsonl", [{"messages": chat(f"{i}번?", paragraph(i, 1))} for i in range(60)])
    path = folder / "sources.toml"
    path.write_text(TOML, "utf-8")
    return path


def command(sources, out, runner="local", part_chars=6_000):
    return [sys.executable, str(PROGRAM), str(sources), str(out), runner, str(part_chars)]


def run(sources, out, *, runner="local", **options):
    done = subprocess.run(
        command(sources, out, runner, **options), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return Built.read(out)


def plain(built):
    return built.manifest.model_dump(exclude={"made_at", "name"})


def test_several_processes_and_any_division_of_work_give_the_same_bytes(sources, tmp_path):
    one = run(sources, tmp_path / "one", part_chars=10_000_000)

    several = run(sources, tmp_path / "several", part_chars=4_000)

    assert several.bytes() == one.bytes()
    assert plain(several) == plain(one)
    assert len(one.rows("text")) > 200


@pytest.mark.timeout(600)
def test_a_ray_cluster_gives_the_same_bytes(sources, tmp_path):
    pytest.importorskip("ray")
    here = run(sources, tmp_path / "here", part_chars=10_000_000)

    there = run(sources, tmp_path / "there", runner="ray", part_chars=20_000)

    assert there.bytes() == here.bytes()
    assert plain(there) == plain(here)


@pytest.mark.timeout(600)
def test_a_build_killed_at_any_moment_and_run_again_gives_the_same_bytes(sources, tmp_path):
    began = time.monotonic()
    undisturbed = run(sources, tmp_path / "undisturbed")
    seconds = time.monotonic() - began
    moments = random.Random(7)  # the moments differ with the machine's speed all the same
    out = tmp_path / "killed"
    kills = 0

    for share in (moments.random() for _ in range(6)):
        process = subprocess.Popen(
            command(sources, out), stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            process.wait(timeout=share * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            assert not out.exists() or verify_files(out)

    built = run(sources, out)
    assert kills >= 2
    assert built.bytes() == undisturbed.bytes()
    assert plain(built) == plain(undisturbed)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed", "sources", "undisturbed"]


def test_an_interrupted_build_stops_at_once_and_goes_on_later(sources, tmp_path):
    out = tmp_path / "corpus"
    process = subprocess.Popen(
        command(sources, out), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while "cleaning" not in process.stderr.readline():
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does

    process.communicate(timeout=60)

    assert process.returncode != 0
    assert not out.exists()
    run(sources, out)
    verify_files(out)
