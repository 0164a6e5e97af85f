"""A lab step's output folder: whole or absent, and resumed where it stopped."""

import errno
import fcntl
import signal
import subprocess
import sys

import pytest

from hunmin import steps
from hunmin.errors import DiskFull, ManifestMissing, OutputBusy, OutputExists, OutputUnwritable
from hunmin.manifest import (
    LINEAGE_NAME,
    MANIFEST_NAME,
    Manifest,
    ancestors,
    manifest_sha256,
    verify_files,
)
from hunmin.steps import open_step, write_whole


def _make(out, recipe=None, inputs=None, text="text"):
    with open_step(out, kind="corpus", name=out.name, recipe=recipe or {}, inputs=inputs) as step:
        if step.finished:
            return step.finished
        (step.folder / "sub").mkdir(exist_ok=True)
        (step.folder / "sub" / "file.txt").write_text(text)
        return step.finish(facts={"n": 1})


def test_a_finished_step_is_whole_and_its_manifest_names_every_file(tmp_path):
    manifest = _make(tmp_path / "out", {"seed": 1})

    assert set(manifest.files) == {"sub/file.txt"}
    assert manifest.recipe == {"seed": 1}
    assert verify_files(tmp_path / "out") == manifest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_a_step_that_is_finished_is_not_done_again(tmp_path):
    first = _make(tmp_path / "out", text="first")
    second = _make(tmp_path / "out", text="second")

    assert second == first
    assert (tmp_path / "out" / "sub" / "file.txt").read_text() == "first"


def test_a_folder_made_from_something_else_is_never_touched(tmp_path):
    _make(tmp_path / "out", {"seed": 1})
    with pytest.raises(OutputExists):
        _make(tmp_path / "out", {"seed": 2})

    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "precious.txt").write_text("mine")
    with pytest.raises(OutputExists):
        _make(foreign)
    assert (foreign / "precious.txt").read_text() == "mine"


def _stop_half_way(out, recipe):
    with open_step(out, kind="corpus", name="x", recipe=recipe) as step:
        (step.folder / "half.txt").write_text("half")
        (step.scratch / "state").write_text("state")
        raise KeyboardInterrupt


def test_half_done_work_of_the_same_plan_is_gone_on_with(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        _stop_half_way(out, {"seed": 1})
    assert not out.exists()

    with open_step(out, kind="corpus", name="x", recipe={"seed": 1}) as step:
        assert (step.folder / "half.txt").read_text() == "half"
        assert (step.scratch / "state").read_text() == "state"
        manifest = step.finish(facts={})

    assert set(manifest.files) == {"half.txt"}


def test_half_done_work_of_another_plan_is_thrown_away(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        _stop_half_way(out, {"seed": 1})

    with open_step(out, kind="corpus", name="x", recipe={"seed": 2}) as step:
        assert not (step.folder / "half.txt").exists()
        assert not (step.scratch / "state").exists()


def test_the_inputs_decide_too_whether_work_is_gone_on_with(tmp_path):
    for name, text in (("a", "one"), ("b", "two")):
        _make(tmp_path / name, text=text)
    _make(tmp_path / "out", inputs={"corpus": tmp_path / "a"})

    with pytest.raises(OutputExists):
        _make(tmp_path / "out", inputs={"corpus": tmp_path / "b"})


def test_an_input_that_is_not_finished_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "unfinished").mkdir()

    with pytest.raises(ManifestMissing):
        _make(tmp_path / "out", inputs={"corpus": tmp_path / "unfinished"})
    assert [path.name for path in tmp_path.iterdir()] == ["unfinished"]


def test_lineage_is_carried_along_the_whole_line(tmp_path):
    _make(tmp_path / "a")
    _make(tmp_path / "b", inputs={"corpus": tmp_path / "a"})
    _make(tmp_path / "c", inputs={"corpus": tmp_path / "b"})

    assert [record.sha256 for record, _ in ancestors(tmp_path / "c")] == [
        manifest_sha256(tmp_path / "b"),
        manifest_sha256(tmp_path / "a"),
    ]


def test_two_processes_never_make_one_output(tmp_path):
    out = tmp_path / "out"
    with (
        open_step(out, kind="corpus", name="x", recipe={}),
        pytest.raises(OutputBusy),
        open_step(out, kind="corpus", name="x", recipe={}),
    ):
        pass


def test_a_lock_that_another_process_removes_meanwhile_locks_nothing(tmp_path, monkeypatch):
    """Between opening the lock and taking it, the process that held it ended and removed it."""
    out, lock = tmp_path / "out", fcntl.flock

    def remove_then_lock(handle, how):
        (tmp_path / ".out.lock").unlink()
        lock(handle, how)

    monkeypatch.setattr(steps.fcntl, "flock", remove_then_lock)
    with pytest.raises(OutputBusy), open_step(out, kind="corpus", name="x", recipe={}):
        pass
    monkeypatch.undo()
    _make(out)


def test_a_full_disk_is_said_and_what_was_done_is_kept(tmp_path):
    out = tmp_path / "out"

    def fill():
        with open_step(out, kind="corpus", name="x", recipe={}) as step:
            (step.folder / "half.txt").write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFull):
        fill()

    assert not out.exists()
    with open_step(out, kind="corpus", name="x", recipe={}) as step:
        assert (step.folder / "half.txt").exists()


@pytest.mark.parametrize("name", ["file/out", "file/deeper/out", "x" * 300])
def test_an_output_that_cannot_be_written_is_said(tmp_path, name):
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(OutputUnwritable):
        _make(tmp_path / name)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError("1000 requested and 12 written"),  # NumPy
        RuntimeError("I/O error: No space left on device (os error 28)"),  # safetensors
    ],
)
def test_a_full_disk_is_known_in_every_librarys_words(tmp_path, error):
    with pytest.raises(DiskFull), open_step(tmp_path / "x", kind="corpus", name="x", recipe={}):
        raise error


def test_killed_while_it_hashes_a_step_keeps_what_helps_to_resume(tmp_path, monkeypatch):
    def begin(kept):
        with open_step(tmp_path / "out", kind="corpus", name="x", recipe={}) as step:
            assert (step.scratch / "state").exists() == kept
            (step.scratch / "state").write_text("state")
            (step.folder / "file.txt").write_text("text")
            step.finish(facts={})

    def killed(_path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("hunmin.manifest.file_sha256", killed)
        with pytest.raises(KeyboardInterrupt):
            begin(kept=False)

    begin(kept=True)
    assert verify_files(tmp_path / "out").files.keys() == {"file.txt"}


def test_work_that_was_removed_by_half_is_not_gone_on_with(tmp_path, monkeypatch):
    def leave(name, recipe):
        with open_step(tmp_path / "out", kind="corpus", name="x", recipe=recipe) as step:
            found = {path.name for path in step.folder.iterdir()}
            (step.folder / name).write_text(name)
            return found

    def killed(_folder, **_):
        raise KeyboardInterrupt

    leave("first", {"seed": 1})
    with monkeypatch.context() as patched:
        patched.setattr(steps.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            leave("second", {"seed": 2})

    assert leave("third", {"seed": 1}) == {steps.SCRATCH_NAME}


_KILLED = """
import os, signal, sys
from pathlib import Path
from hunmin import steps

kill_at = int(sys.argv[2])
count = 0

def counted(function):
    def call(*args, **kwargs):
        global count
        count += 1
        if count == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)
    return call

os.fsync = counted(os.fsync)
Path.rename = counted(Path.rename)
Path.mkdir = counted(Path.mkdir)
Path.write_bytes = counted(Path.write_bytes)
with steps.open_step(Path(sys.argv[1]), kind="corpus", name="x", recipe={"seed": 1}) as step:
    if not step.finished:
        (step.folder / "file.txt").write_text("text")
        step.finish(facts={})
print(count)
"""


def test_killed_at_any_moment_it_leaves_a_whole_output_or_none_and_goes_on(tmp_path):
    """Kill it at each of its writes in turn; then let it end."""
    killed = whole = 0
    for moment in range(1, 100):
        out = tmp_path / f"out-{moment}"
        run = [sys.executable, "-c", _KILLED, str(out)]
        ended = subprocess.run([*run, str(moment)], check=False, capture_output=True)
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        killed += 1
        if out.exists():
            verify_files(out)
            whole += 1
        if moment % 3 == 0:
            subprocess.run([*run, "0"], check=True, capture_output=True)
            assert set(verify_files(out).files) == {"file.txt"}

    assert killed >= 8
    assert whole >= 1


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path):
    path = tmp_path / "file.json"
    write_whole(path, b"one")
    write_whole(path, b"two")

    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_the_scratch_of_a_step_is_no_output(tmp_path):
    with open_step(tmp_path / "out", kind="corpus", name="x", recipe={}) as step:
        (step.scratch / "state").write_text("state")
        (step.folder / "file.txt").write_text("text")
        step.finish(facts={})

    assert Manifest.read(tmp_path / "out").files.keys() == {"file.txt"}
    assert {path.name for path in (tmp_path / "out").iterdir()} <= {
        "file.txt",
        MANIFEST_NAME,
        LINEAGE_NAME,
    }
