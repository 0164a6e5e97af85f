"""The program `hunmin`: fast help, one-line errors, quiet ends."""

import os
import re
import signal
import subprocess
import sys

import pytest

from hunmin import __version__
from hunmin.__main__ import COMMANDS, load_command

RUN = [sys.executable, "-m", "hunmin"]


def _run(*words, **environment):
    return subprocess.run(
        [*RUN, *map(str, words)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_of_commands_says_what_each_command_says_itself(name):
    command = load_command(name)
    first_sentence = re.split(r"(?<=\.)\s", " ".join(command.help.split()), maxsplit=1)[0]

    assert first_sentence == COMMANDS[name][1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name):
    def walk(command, path):
        assert command.help, path
        for option in command.params:
            if option.param_type_name == "option":
                assert option.help, f"{path} {option.name}"
        for inner_name, inner in getattr(command, "commands", {}).items():
            walk(inner, f"{path} {inner_name}")

    walk(load_command(name), name)


def test_help_names_every_command_and_loads_no_room():
    program = (
        "import sys; sys.argv = ['hunmin', '--help']\n"
        "from hunmin.__main__ import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'torch', 'daft', 'transformers', 'openvino', 'sqlalchemy', 'fastapi', 'numpy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )

    assert said.returncode == 0, said.stderr
    for name in COMMANDS:
        assert re.search(rf"^  {name} ", said.stdout, re.MULTILINE)


def test_no_command_loads_torch_before_it_runs():
    program = (
        "import sys\n"
        "from hunmin.__main__ import COMMANDS, load_command\n"
        "for name in COMMANDS: load_command(name)\n"
        "heavy = {'torch', 'daft', 'transformers', 'openvino', 'lm_eval', 'ray'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )

    assert said.returncode == 0, said.stderr


def test_the_version_is_told():
    assert _run("--version").stdout == f"hunmin {__version__}\n"


def test_an_error_is_one_line_on_stderr_in_the_language_of_the_terminal():
    wrong = {"HUNMIN_WEB__PORT": "x"}
    english = _run("settings", **wrong)
    korean = _run("settings", LC_ALL="ko_KR.UTF-8", **wrong)

    assert english.returncode == korean.returncode == 1
    assert english.stdout == korean.stdout == ""
    assert english.stderr.startswith("hunmin: The setting web.port (environment) must be")
    assert english.stderr.endswith("(setting_wrong)\n")
    assert english.stderr.count("\n") == 1
    assert korean.stderr.startswith("hunmin: 설정 web.port(환경 변수)")


def test_an_unknown_command_or_option_is_status_2():
    assert _run("settigns").returncode == 2
    assert _run("settings", "--nonsense").returncode == 2


def test_a_reader_that_goes_away_is_no_fault():
    pipeline = f"{sys.executable} -m hunmin settings | head -n 1"
    said = subprocess.run(
        ["bash", "-o", "pipefail", "-c", pipeline], check=False, capture_output=True, text=True
    )

    assert "Traceback" not in said.stderr


_SLEEPING = """
import signal, sys, time
from hunmin import __main__
import hunmin.settings.commands as commands

def sleep():
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    time.sleep(60)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background ignores it
commands.register = lambda app: app.command("settings")(sleep)
sys.argv = ["hunmin", "settings"]
__main__.main()
"""


def test_ctrl_c_ends_quietly_with_status_130():
    with subprocess.Popen(
        [sys.executable, "-c", _SLEEPING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout.readline() == "ready\n"
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=120)

    assert running.returncode == 130
    assert "Traceback" not in said
