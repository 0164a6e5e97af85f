"""Files damaged at random: read or refused, within the limits, and none ends the process."""

import json
import subprocess
import sys

import pytest

KNOWN = {
    "read",
    "file_kind_unknown",
    "file_locked",
    "file_too_large",
    "file_unreadable",
    "no_text_layer",
}


@pytest.mark.parametrize("kind", ["pdf", "docx", "hwpx", "hwp"])
def test_damaged_files_are_read_or_refused(kind):
    ended = subprocess.run(
        [sys.executable, "-m", "tests.reading.mutated", kind, "300"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr[-2000:]
    replies = json.loads(ended.stdout)
    assert sum(replies.values()) == 300
    assert set(replies) <= KNOWN
    assert replies["read"] > 10
    assert replies["file_unreadable"] > 10
