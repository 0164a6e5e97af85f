"""A command that used Daft ends without taking Python down, and loses nothing by it."""

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, sys, types
import hunmin.__main__ as program

class Loud:
    def __del__(self):
        sys.__stderr__.write("taken down")

{daft}
keep = Loud()
atexit.register(lambda: print("asked for at the end"))
program.app = lambda: (print("done"), {end})
program.main()
"""


def end(ending, *, daft=True):
    loaded = 'sys.modules["daft"] = types.ModuleType("daft")' if daft else ""
    code = PROGRAM.format(daft=loaded, end=ending)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("ending", "status"), [("sys.exit()", 0), ("sys.exit(3)", 3)])
def test_what_was_printed_and_asked_for_is_kept_and_the_status_too(ending, status):
    done = end(ending)

    assert (done.returncode, done.stdout) == (status, "done\nasked for at the end\n")
    assert "taken down" not in done.stderr


def test_a_sentence_as_the_status_is_still_said():
    done = end('sys.exit("no such thing")')

    assert done.returncode == 1
    assert "no such thing" in done.stderr


def test_other_commands_end_as_python_does():
    done = end("sys.exit(3)", daft=False)

    assert (done.returncode, done.stdout) == (3, "done\nasked for at the end\n")
    assert "taken down" in done.stderr
