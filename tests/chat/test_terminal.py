"""`hunmin chat`: the same conversation in a terminal, with an engine inside or a server outside."""

import asyncio
import io
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from hunmin import documents
from hunmin.__main__ import load_command
from hunmin.chat import rules
from hunmin.chat.speakers import EngineSpeaker, HttpSpeaker
from hunmin.chat.terminal import Terminal
from hunmin.console import house_act_of
from hunmin.documents import PassageFound
from hunmin.errors import (
    CollectionBroken,
    CollectionNotFound,
    EngineStarting,
    EngineUnavailable,
    ServerUnreachable,
)
from hunmin.plugins import Message
from tests.fakes import ANSWER, ScriptedEngine
from tests.support.collections import make_laws
from tests.support.desk import make_app, make_key
from tests.support.serving import serve

INTERRUPT = "^C"


def talk(speaker, *lines, language="en", system="", look_up=None):
    """Let a person say lines, then leave."""
    said = list(lines)

    def read(_prompt):
        if not said:
            raise EOFError
        line = said.pop(0)
        if line == INTERRUPT:
            raise KeyboardInterrupt
        return line

    Terminal(speaker, language=language, system=system, look_up=look_up, read=read).run()


def embedded(engine, tokens_max=200):
    return EngineSpeaker(engine, tokens_max=tokens_max)


def asked(engine):
    return [[message.content for message in one.messages] for one in engine.generations]


def test_an_answer_goes_to_stdout_and_nothing_else_does(capsys):
    engine = ScriptedEngine()
    talk(embedded(engine), "전입신고는?")

    captured = capsys.readouterr()
    assert captured.out == ANSWER + "\n"
    assert engine.closed


def test_the_conversation_goes_on_until_a_new_one_begins():
    engine = ScriptedEngine(answer="네.")
    talk(embedded(engine), "하나", "둘", "/new", "셋", "/quit", "넷")

    assert asked(engine) == [["하나"], ["하나", "네.", "둘"], ["셋"]]


def test_a_system_prompt_comes_first():
    engine = ScriptedEngine(answer="네.")
    talk(embedded(engine), "하나", system="짧게 답하라.")

    assert asked(engine) == [["짧게 답하라.", "하나"]]


def test_a_line_that_ends_in_a_backslash_goes_on_and_blank_lines_are_nothing():
    engine = ScriptedEngine(answer="네.")
    talk(embedded(engine), "", "  ", "첫 줄\\", "둘째 줄")

    assert asked(engine) == [["첫 줄\n둘째 줄"]]


def test_control_c_at_the_prompt_only_forgets_the_line():
    engine = ScriptedEngine(answer="네.")
    talk(embedded(engine), "하나", "지울 줄\\", INTERRUPT, "둘")

    assert asked(engine) == [["하나"], ["하나", "네.", "둘"]]


def test_help_and_unknown_commands_are_answered_in_the_persons_language(capsys):
    talk(embedded(ScriptedEngine()), "/help", "/nonsense", language="ko")

    said = capsys.readouterr().err
    assert "새 대화를 시작합니다" in said
    assert "모르는 명령입니다" in said


def test_a_long_conversation_goes_on_without_its_oldest_part():
    engine = ScriptedEngine(answer="긴 답입니다. " * 20, context_tokens=300)
    talk(embedded(engine), *[f"질문 {number}" for number in range(5)])

    last = asked(engine)[-1]
    assert last[-1] == "질문 4"
    assert last[0].startswith("질문")
    assert len(last) < 9


def test_a_model_that_fails_ends_a_pipe_with_an_error():
    with pytest.raises(EngineUnavailable):
        talk(embedded(ScriptedEngine(fail_after=2)), "하나")


def test_a_server_answers_the_same_way(app):
    async def talk_to(speaker):
        await speaker.open()
        try:
            return [delta async for delta in speaker.answer([Message("user", "전입신고는?")])]
        finally:
            await speaker.close()

    with serve(app) as address:
        speaker = HttpSpeaker(f"{address}/v1/", key=make_key(app), model=None, tokens_max=200)
        deltas = asyncio.run(talk_to(speaker))

    assert speaker.model == "hunmin-reference"
    assert "".join(delta.text for delta in deltas) == ANSWER
    assert deltas[-1].completion_tokens > 0


@pytest.mark.parametrize(
    ("key", "model", "reason"),
    [("hm-wrong", None, "valid API key"), ("", "no-such-model", "No model of this name")],
)
def test_a_server_that_refuses_says_why(app, key, model, reason):
    with serve(app) as address:
        speaker = HttpSpeaker(address, key=key or make_key(app), model=model, tokens_max=200)
        with pytest.raises(ServerUnreachable, match=reason):
            talk(speaker, "안녕")


def test_a_question_waits_for_a_server_that_still_loads_its_model(settings, migrated_file, capsys):
    app = make_app(settings, ScriptedEngine(answer="네.", start_seconds=2), migrated_file)
    with serve(app, engine_ready=False) as address:
        talk(HttpSpeaker(address, key=make_key(app), model=None, tokens_max=200), "안녕")

    assert "네." in capsys.readouterr().out  # between lines of the server's log


def test_a_question_does_not_wait_for_ever(settings, migrated_file, monkeypatch):
    monkeypatch.setattr(rules, "ENGINE_WAIT_SECONDS", 0.5)
    app = make_app(settings, ScriptedEngine(start_seconds=60), migrated_file)
    with serve(app, engine_ready=False) as address, pytest.raises(EngineStarting):
        talk(HttpSpeaker(address, key=make_key(app), model=None, tokens_max=200), "안녕")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nonsense", "http://"])
def test_an_address_without_a_server_is_a_clear_error(url):
    with pytest.raises(ServerUnreachable) as refusal:
        talk(HttpSpeaker(url, key=None, model=None, tokens_max=200), "안녕")

    assert "주소와 키" in refusal.value.ko


def found(citation, text):
    return PassageFound(
        collection_id="c", file_id=None, key="k", source="법령", citation=citation, heading="",
        page=0, text=text,
    )  # fmt: skip


FINE = found("「주민등록법」 제40조", "5만원 이하의 과태료를 부과한다.")
MOVE = found("「주민등록법」 제16조", "14일 이내에 신고한다.")
LONG = found("「긴 법」 제1조", "길다. " * 400)


def test_a_question_is_looked_up_and_its_answer_followed_by_its_sources(capsys):
    engine = ScriptedEngine(answer="14일 안에 합니다 [2].")
    listed = [FINE, LONG, MOVE]
    talk(embedded(engine), "전입신고는?", "왜?", language="ko", look_up=lambda _: listed)

    captured = capsys.readouterr()
    assert captured.out == "14일 안에 합니다 [2].\n" * 2
    first, again = asked(engine)
    assert "\n[2]\n> 「주민등록법」 제16조\n> 14일 이내" in first[-1]
    assert "길다" not in first[-1]
    assert again[:2] == ["전입신고는?", "14일 안에 합니다 [2]."]
    assert captured.err.splitlines()[:4] == [
        "[1] 「주민등록법」 제40조 · 법령",
        "[2] 「주민등록법」 제16조 · 법령",
        "    14일 이내에 신고한다.",
        "「긴 법」 제1조 · 법령 (모델의 문맥에 들어가지 않아 모델이 읽지 못함)",
    ]


def test_where_an_answer_names_no_source_the_best_is_quoted_and_none_is_said(capsys):
    talk(embedded(ScriptedEngine(answer="네.")), "벌금?", look_up=lambda _: [FINE, MOVE])
    assert f"    {FINE.text}\n[2]" in capsys.readouterr().err

    talk(embedded(ScriptedEngine(answer="네.")), "벌금?", look_up=lambda _: [])
    assert "has no source" in capsys.readouterr().err


def test_a_collection_that_breaks_is_said_and_the_conversation_goes_on(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    def broken(question):
        if question == "하나":
            raise CollectionBroken(folder=Path("laws"), reason="gone")
        return []

    engine = ScriptedEngine(answer="네.")
    talk(embedded(engine), "하나", "둘", look_up=broken)

    assert asked(engine) == [["둘"]]
    assert "documents index" in capsys.readouterr().err


def test_passages_for_a_server_fit_what_it_says_its_model_takes_in(app, engine):
    engine.context_tokens = 300
    with serve(app) as address:
        speaker = HttpSpeaker(address, key=make_key(app), model=None, tokens_max=200)
        talk(speaker, "벌금?", look_up=lambda _: [FINE, found("「법」 제1조", "글" * 150)])

    assert speaker.context_tokens == 300
    (prompt,) = asked(engine)[0]
    assert FINE.text in prompt
    assert "글글" not in prompt


def test_the_command_looks_questions_up_in_published_collections(
    settings, tmp_path, migrated_file, monkeypatch
):
    settings.data.mkdir(parents=True, exist_ok=True)
    (settings.data / "hunmin.db").write_bytes(migrated_file.read_bytes())
    with house_act_of(settings) as act:
        documents.publish_collection(act, make_laws(tmp_path / "laws"), name="법령")
    engine = ScriptedEngine(answer="5만원 [1]")
    monkeypatch.setattr("hunmin.plugins.find_engine", lambda _: lambda *_, **__: engine)

    def chat(*names):
        options = [word for name in names for word in ("--collection", name)]
        command = [*options, "--data", str(settings.data)]
        return CliRunner().invoke(load_command("chat"), command, input="과태료는 얼마인가요?\n")

    done = chat("법령")
    assert done.stdout == "5만원 [1]\n"
    assert done.stderr.startswith("[1] 「주민등록법」 제40조 · 법령\n    정당한 사유 없이")
    assert isinstance(chat("법령", "규칙").exception, CollectionNotFound)


PROGRAM = """
import sys
from hunmin.chat.speakers import EngineSpeaker
from hunmin.chat.terminal import Terminal
from tests.fakes import ScriptedEngine
engine = ScriptedEngine(answer="천천히 " * 400, pause_seconds=0.02, context_tokens=4096)
Terminal(EngineSpeaker(engine, tokens_max=2000), language="ko").run()
"""


def test_control_c_stops_an_answer_and_the_conversation_goes_on():
    person, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=Path.cwd(),
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    os.close(terminal)
    try:
        heard = Listener(person)
        heard.until("나> ")
        os.write(person, "길게\n".encode())
        heard.until("천천히 천천히")
        process.send_signal(signal.SIGINT)
        heard.until("[멈췄습니다]")
        heard.until("나> ")
        os.write(person, b"/quit\n")
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(person)


class Listener:
    """Reads what a program shows on a terminal."""

    def __init__(self, handle):
        self.handle = handle
        self.text = ""

    def until(self, words, seconds=60):
        """Read until some words were shown, and forget what was before them."""
        deadline = time.monotonic() + seconds
        os.set_blocking(self.handle, False)
        decoder = io.IncrementalNewlineDecoder(None, translate=False)
        raw = b""
        while words not in self.text:
            assert time.monotonic() < deadline, f"never showed {words!r}: {self.text[-300:]!r}"
            try:
                raw += os.read(self.handle, 4096)
            except BlockingIOError:
                time.sleep(0.02)
            self.text += decoder.decode(raw.decode("utf-8", "ignore"))
            raw = b""
        self.text = self.text.partition(words)[2]


def test_the_command_says_what_it_takes():
    shown = subprocess.run(
        [sys.executable, "-m", "hunmin", "chat", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    for word in ("--model", "--url", "--key", "Ctrl-C"):
        assert word in shown


def test_a_folder_that_is_no_model_is_a_clear_error(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "hunmin", "chat", "--model", tmp_path],
        input="안녕\n",
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("hunmin: ")
    assert "model_folder_missing" in ended.stderr
    assert ended.stdout == ""
