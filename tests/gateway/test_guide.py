"""The guide to the API is true: every program and command in it runs as printed."""

import dataclasses
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hunmin.settings import GatewaySettings
from tests.support.engines import PAPER

GUIDES = [
    Path(__file__).parents[2] / "docs" / "guides" / name
    for name in ("use-the-api.md", "use-the-api.ko.md")
]
MODELS = ("hunmin-reference", "hunmin-7b", "my-embeddings")
FENCE = re.compile(r"^```(python|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(language, code, id=f"{guide.name}-{number}")
    for guide in GUIDES
    for number, (language, code) in enumerate(FENCE.findall(guide.read_text("utf-8")))
]


@pytest.fixture
def database_url(sqlite_url):
    """Give one kind of database: nothing here depends on which it is."""
    return sqlite_url


@pytest.mark.parametrize(("language", "code"), BLOCKS)
def test_what_the_guide_prints_runs(language, code, address, key, engine):
    engine.cards = [dataclasses.replace(PAPER, id=name) for name in MODELS]
    engine.ends_after = 40
    code = code.replace("http://127.0.0.1:8700", address).replace("hm-...", key)
    if language == "bash" and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    command = [sys.executable, "-c", code] if language == "python" else ["bash", "-c", code]

    run = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, encoding="utf-8"
    )

    assert run.returncode == 0, run.stderr
    assert "훈민정음은" in run.stdout or "model_not_found" in run.stdout


def test_both_languages_print_the_same_programs():
    english, korean = (FENCE.findall(guide.read_text("utf-8")) for guide in GUIDES)

    assert len(english) >= 4
    assert [re.sub(" tokens|토큰", "", code) for _, code in english] == [
        re.sub(" tokens|토큰", "", code) for _, code in korean
    ]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_the_limits_in_the_guide_are_the_defaults(guide):
    limits = GatewaySettings()
    text = guide.read_text("utf-8")

    assert f"| {limits.requests_per_minute_max} | {limits.guest_requests_per_minute_max} |" in text
    assert f"| {limits.concurrent_per_key_max} | {limits.concurrent_per_guest_max} |" in text
    for number in (
        limits.concurrent_requests_max,
        limits.completion_tokens_max,
        limits.answer_seconds_max,
        limits.request_bytes_max // 2**20,
        limits.request_seconds_max,
    ):
        assert re.search(rf"(?<!\d){number}(?!\d)", text.split("## ")[-1])
