"""The child process that reads: what it gives back, what it may not do, and how it may end."""

import os
import subprocess
import sys

import pytest

from hunmin.errors import FileTooLarge, FileUnreadable, NoTextLayer
from hunmin.reading import Limits, Page, Reading, process, read, read_file
from tests.support import office_files


def test_what_the_child_read_comes_back_whole():
    assert read(office_files.pdf(["가", ""])) == Reading(
        "pdf", (Page(1, "가"), Page(2, "")), ("pages_without_text",)
    )


def test_what_the_child_refuses_comes_back_as_that_refusal():
    with pytest.raises(NoTextLayer):
        read(office_files.pdf([""]))


def test_too_large_a_file_starts_no_process(monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a process was started"))

    with pytest.raises(FileTooLarge) as refusal:
        read(b"12345", limits=Limits(bytes_max=4))

    assert (refusal.value.measure, refusal.value.limit) == ("bytes", 4)


def test_no_more_of_a_file_is_read_than_is_allowed(tmp_path):
    path = tmp_path / "endless.txt"
    path.touch()
    os.truncate(path, 10**12)

    with pytest.raises(FileTooLarge):
        read_file(path)


def test_a_file_that_takes_too_long_is_given_up():
    slow = ("가나다," * 4_000_000).encode()

    with pytest.raises(FileTooLarge) as refusal:
        read(slow, name="a.csv", limits=Limits(bytes_max=10**8, cpu_seconds_max=1))

    assert refusal.value.measure == "seconds"


def test_a_file_that_takes_too_much_memory_is_given_up():
    large = ("가나다 " * 6_000_000).encode()

    with pytest.raises((FileTooLarge, FileUnreadable)):
        read(large, limits=Limits(bytes_max=10**9, memory_bytes_max=150_000_000))


@pytest.mark.parametrize("said", [b"", b"[]", b"{}", b'{"refused": "x", "facts": {}}', b"\xff"])
def test_a_child_that_talks_nonsense_is_taken_for_crashed(monkeypatch, said):
    def talk(*_, **__):
        return subprocess.CompletedProcess([], 0, stdout=said)

    monkeypatch.setattr(process.subprocess, "run", talk)

    with pytest.raises(FileUnreadable, match="crashed"):
        read(b"text")


def test_a_child_that_dies_harms_nobody(monkeypatch):
    monkeypatch.setattr(process, "_CHILD_MODULE", "tests.reading.dying")

    with pytest.raises(FileUnreadable, match="crashed"):
        read(b"text")


def test_the_child_knows_no_setting(monkeypatch):
    monkeypatch.setenv("HUNMIN_DATABASE__URL", "postgresql://secret")

    assert "secret" not in str(process._environment())


_FORBIDDEN = {
    "another file": "open('/etc/passwd').read()",
    "a way out of a library": "open(sysconfig.get_path('stdlib') + '/../../../etc/passwd')",
    "writing": "open(sysconfig.get_path('stdlib') + '/new', 'w')",
    "a connection": "socket.create_connection(('127.0.0.1', 9))",
    "a program": "subprocess.run(['true'])",
    "a fork": "os.fork()",
    "removing": "os.remove('/tmp/none')",
    "a foreign library": "ctypes.CDLL(None)",
}


@pytest.fixture(scope="module")
def refused():
    """Ask a confined process for everything it may not do."""
    tries = "\n".join(
        f"try:\n    {code}\n    print({what!r}, 'done')\n"
        f"except PermissionError:\n    print({what!r}, 'refused')"
        for what, code in _FORBIDDEN.items()
    )
    program = (
        "import ctypes, os, socket, subprocess, sysconfig\n"
        "from hunmin.reading.confine import confine\n"
        f"confine(memory_bytes=1 << 30, cpu_seconds=10)\n{tries}\n"
        "import wave; print('a module', 'done')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return dict(line.rsplit(" ", 1) for line in ended.stdout.splitlines())


@pytest.mark.parametrize("what", _FORBIDDEN)
def test_the_child_may_not(refused, what):
    assert refused[what] == "refused"


def test_the_child_may_load_what_python_needs(refused):
    assert refused["a module"] == "done"
