"""OpenAI's client for Node.js against a live server: what it is asked is in `tests/clients`."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parents[1] / "clients"


@pytest.fixture
def database_url(sqlite_url):
    """Give one kind of database: nothing here depends on which it is."""
    return sqlite_url


def test_all_it_is_asked_works(address, key, engine):
    node = shutil.which("node")
    if node is None or not (CLIENTS / "node_modules" / "openai").is_dir():
        pytest.skip("Node.js or its packages are missing: npm ci --prefix tests/clients")
    engine.ends_after = 11
    engine.calls = [("weather", '{"city": "서울"}')]

    run = subprocess.run(
        [node, "--test", "--test-reporter=tap", "openai.test.mjs"],
        cwd=CLIENTS,
        env={**os.environ, "HUNMIN_ADDRESS": address, "HUNMIN_KEY": key},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )

    assert run.returncode == 0, run.stdout
    assert "\n# pass 10\n" in run.stdout
