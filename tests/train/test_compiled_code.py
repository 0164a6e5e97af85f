"""What a compiler left half written when it was killed is never used."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hunmin.train.compiled_code import whole_code_only

COMPILE = """
import sys
from pathlib import Path
import torch
from hunmin.train.compiled_code import whole_code_only

with whole_code_only(Path(sys.argv[1])):
    numbers = torch.arange(1000.0)
    torch.compile(lambda x: x.sin() * 2 + x)(numbers)
"""
HALF_A_COMPILER = """#!/bin/sh
for last; do [ "$before" = -o ] && out=$last; before=$last; done
case "$out" in
*.so) printf half > "$out"; touch {begun}; sleep 60 ;;
*) exec g++ "$@" ;;
esac
"""


@pytest.fixture(autouse=True)
def _no_folder_of_another(monkeypatch):
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)


def compiling(folder: Path, **more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", COMPILE, str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": "1", **more},
        start_new_session=True,
    )


def test_what_a_killed_compiler_left_is_thrown_away(tmp_path):
    folder, begun, slow = tmp_path / "code", tmp_path / "begun", tmp_path / "slow-g++"
    slow.write_text(HALF_A_COMPILER.format(begun=begun), "utf-8")
    slow.chmod(0o755)
    with compiling(folder, CXX=str(slow)) as killed:
        while not begun.exists():
            assert killed.poll() is None
            time.sleep(0.1)
        os.killpg(killed.pid, signal.SIGKILL)
    torn = [path for path in folder.rglob("*.so") if path.read_bytes() == b"half"]
    assert torn

    with whole_code_only(folder) as found:
        assert found == folder
        assert list(folder.iterdir()) == [folder / "lock"]


def test_what_was_compiled_is_kept(tmp_path):
    (tmp_path / "library.so").write_bytes(b"whole")

    with whole_code_only(tmp_path) as folder:
        assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(folder) == str(tmp_path)

    assert (tmp_path / "library.so").exists()
    assert "TORCHINDUCTOR_CACHE_DIR" not in os.environ


def test_a_folder_others_may_write_to_is_not_used(tmp_path):
    tmp_path.chmod(0o777)

    with whole_code_only(tmp_path) as folder:
        assert folder != tmp_path
    assert not folder.exists()


def test_the_folder_someone_has_chosen_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))

    with whole_code_only() as folder:
        assert folder == tmp_path
