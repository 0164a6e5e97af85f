"""An answer on its way: stopped, left, read again, deleted, and cut off with its server."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2 as httpx
import pytest

from hunmin import chat
from hunmin.act import Actor, open_act
from hunmin.chat import actions, keeper, live
from hunmin.db import open_database
from hunmin.errors import DatabaseUnreachable
from tests.chat.conftest import API, Told, read_events
from tests.fakes import ScriptedEngine
from tests.support.desk import make_key, make_link
from tests.support.serving import serve

WORDS = "천천히 한 글자씩 씁니다. " * 100
WAIT_SECONDS = 60


@pytest.fixture
def engine():
    """Give an engine that takes its time."""
    return ScriptedEngine(answer=WORDS, pause_seconds=0.02, context_tokens=4096)


@pytest.fixture
def server(app) -> Iterator[httpx.Client]:
    """Give a client of a live server; streams flow as they do to a browser."""
    with serve(app) as address, reader_of(app, address) as client:
        yield client


@contextmanager
def reader_of(app, address: str) -> Iterator[httpx.Client]:
    headers = {
        "Authorization": f"Bearer {make_key(app, scopes=['chat'])}",
        "Accept": "text/event-stream",
    }
    with httpx.Client(base_url=address, headers=headers, timeout=WAIT_SECONDS) as client:
        yield client


@contextmanager
def asking(client: httpx.Client) -> Iterator[tuple[Told, Iterator[str]]]:
    """Ask, and give what began and the lines that follow."""
    with client.stream("POST", API, json={"text": "길게 써 주세요"}) as response:
        lines = response.iter_lines()
        yield begun(lines), lines


def begun(lines: Iterator[str]) -> Told:
    """Read until the first words."""
    block: list[str] = []
    for line in lines:
        block.append(line)
        if line.startswith("data:") and "event: delta" in block:
            break
    return read_events("\n".join(block))


def path(told: Told) -> str:
    return f"{API}/{told.conversation_id}/messages/{told.answer_id}"


def answer_of(client: httpx.Client, told: Told) -> dict:
    messages = client.get(f"{API}/{told.conversation_id}").json()["messages"]
    return next(one for one in messages if one["id"] == told.answer_id)


def wait_until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not happens():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_stopping_keeps_what_was_written_and_frees_the_engine(server, engine):
    with asking(server) as (told, lines):
        assert server.post(f"{path(told)}/stop").status_code == 204
        rest = read_events("\n".join(lines))

    answer = answer_of(server, told)
    assert rest.one("done") == {"state": "stopped"}
    assert answer["state"] == "stopped"
    assert answer["text"]
    assert WORDS.startswith(answer["text"])
    assert answer["facts"]["completion_tokens"] > 0
    assert answer["facts"]["finish_reason"] is None
    assert engine.running == 0


def test_a_second_reader_reads_from_the_beginning_and_both_read_the_same(server):
    with (
        asking(server) as (told, lines),
        server.stream("GET", f"{path(told)}/stream") as response,
    ):
        others = response.iter_lines()
        second = begun(others)
        server.post(f"{path(told)}/stop")
        first_end = read_events("\n".join(lines))
        second_end = read_events("\n".join(others))

    whole = answer_of(server, told)["text"]
    assert second.one("begin")["answer"]["id"] == told.answer_id
    assert (second.text + deltas(second_end)).rstrip() == whole
    assert (told.text + deltas(first_end)).rstrip() == whole


def deltas(told: Told) -> str:
    return "".join(data["text"] for name, data in told.events if name == "delta")


def test_while_one_answer_is_written_the_conversation_takes_no_other(server):
    with asking(server) as (told, _):
        refused = server.post(
            f"{API}/{told.conversation_id}/messages",
            json={"text": "그리고?", "parent_id": told.answer_id},
        )
        server.post(f"{path(told)}/stop")

    assert refused.status_code == 409
    assert refused.json()["code"] == "answer_underway"


def test_an_answer_goes_on_when_its_reader_leaves_and_can_be_read_again(server):
    with asking(server) as (told, _):
        pass
    assert answer_of(server, told)["state"] == "writing"

    with server.stream("GET", f"{path(told)}/stream") as response:
        again = begun(response.iter_lines())
    server.post(f"{path(told)}/stop")

    assert again.text
    assert WORDS.startswith(again.text)


class TestWithLittlePatience:
    @pytest.fixture(autouse=True)
    def little_patience(self, monkeypatch):
        monkeypatch.setattr(live, "READER_GRACE_SECONDS", 0)

    def test_an_answer_nobody_reads_is_stopped_and_kept(self, server, engine):
        with asking(server) as (told, _):
            pass
        wait_until(lambda: answer_of(server, told)["state"] != "writing")

        assert answer_of(server, told)["state"] == "stopped"
        assert answer_of(server, told)["text"]
        assert engine.running == 0


def test_deleting_a_conversation_stops_its_answer_and_leaves_no_word(server, engine):
    with asking(server) as (told, lines):
        assert server.delete(f"{API}/{told.conversation_id}").status_code == 204
        assert read_events("\n".join(lines)).names[-1] == "done"

    wait_until(lambda: engine.running == 0)
    assert server.get(f"{API}/{told.conversation_id}").status_code == 404


def test_an_answer_goes_on_when_its_guest_signs_in_and_takes_it_along(app):
    with serve(app) as address, httpx.Client(base_url=address, timeout=WAIT_SECONDS) as guest:
        with asking(guest) as (told, lines):
            guest.post("/sign-in", data={"link": make_link(app), "adopt": "true"})
            written = len(answer_of(guest, told)["text"])
            wait_until(lambda: len(answer_of(guest, told)["text"]) > written)
            assert answer_of(guest, told)["state"] == "writing"
            guest.post(f"{path(told)}/stop")
            rest = read_events("\n".join(lines))

        answer = answer_of(guest, told)
    assert answer["state"] == "stopped"
    assert answer["text"] == (told.text + deltas(rest)).rstrip()


def test_readers_see_an_end_where_an_answer_cannot_be_kept(server, monkeypatch, capsys):
    def fail(*_, **__):
        raise RuntimeError(WORDS)

    monkeypatch.setattr(actions, "save_answer", fail)
    monkeypatch.setattr(keeper, "LAST_SAVE_PAUSES_SECONDS", (0.01, 0.01))
    with asking(server) as (told, lines):
        server.post(f"{path(told)}/stop")
        rest = read_events("\n".join(lines))

    assert rest.one("error")["code"] == "answer_failed"
    assert rest.names[-1] == "done"
    logged = capsys.readouterr().out
    assert "RuntimeError" in logged
    assert "천천히" not in logged


def test_a_whole_answer_is_kept_when_the_database_comes_back(server, monkeypatch):
    save, tries = actions.save_answer, []

    def fail_twice(*arguments, **options):
        if options["state"] != "writing":
            tries.append(options["state"])
            if len(tries) < 3:
                raise DatabaseUnreachable(address="away")
        return save(*arguments, **options)

    monkeypatch.setattr(actions, "save_answer", fail_twice)
    with asking(server) as (told, lines):
        server.post(f"{path(told)}/stop")
        rest = read_events("\n".join(lines))

    assert "error" not in rest.names
    assert answer_of(server, told)["state"] == "stopped"
    assert answer_of(server, told)["text"] == (told.text + deltas(rest)).rstrip()


def test_a_server_that_stops_keeps_what_was_written(app):
    with serve(app) as address, reader_of(app, address) as client:
        with asking(client) as (told, _):
            pass
        actor = Actor(user_id=owner_of(app.state.settings.database_url, told))

    answer = kept(app.state.settings.database_url, actor, told)
    assert answer.state == "interrupted"
    assert WORDS.startswith(answer.text)
    assert answer.text


def test_a_server_killed_while_it_writes_leaves_a_conversation_that_opens(tmp_path):
    with running(tmp_path) as (process, address), httpx.Client(base_url=address) as client:
        client.timeout = WAIT_SECONDS
        with client.stream("POST", API, json={"text": "길게 써 주세요"}) as response:
            told = begun(response.iter_lines())
            cookies = client.cookies
            url = f"sqlite:///{tmp_path / 'hunmin.db'}"
            actor = Actor(user_id=owner_of(url, told))
            wait_until(lambda: kept(url, actor, told, later=timedelta(0)).text != "")
            process.send_signal(signal.SIGKILL)
            process.wait()

    answer = kept(url, actor, told)
    assert answer.state == "interrupted"
    assert answer.text.startswith("천천히 씁니다.")

    with (
        running(tmp_path) as (_, address),
        httpx.Client(base_url=address, cookies=cookies, timeout=WAIT_SECONDS) as client,
    ):
        page = client.get(f"/chat/c/{told.conversation_id}", headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert "길게 써 주세요" in page.text
        assert "천천히 씁니다." in page.text


@contextmanager
def running(data: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    """Run a server of its own process."""
    script = Path(__file__).with_name("served.py")
    process = subprocess.Popen(
        [sys.executable, script, data],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, "the server did not start"
        yield process, address
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def kept(url: str, actor: Actor, told: Told, *, later: timedelta = timedelta(minutes=1)):
    """Return the answer as it is read from the database, a minute later by default."""
    database = open_database(url)
    try:
        now = datetime.now(UTC) + later
        with open_act(database, actor, now=now, read_only=True) as act:
            return chat.get_message(act, told.conversation_id, told.answer_id)
    finally:
        database.close()


def owner_of(url: str, told: Told) -> str:
    database = open_database(url)
    try:
        with database.session(read_only=True) as session:
            found = session.connection().exec_driver_sql(
                "SELECT owner_id FROM chat_conversations WHERE id = ?", (told.conversation_id,)
            )
            return found.scalar_one()
    finally:
        database.close()
