"""An answer that another server writes: stopped from here, and read as it is saved there."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx2 as httpx
import pytest
from sqlalchemy import select

from hunmin import chat
from hunmin.act import open_act
from hunmin.audit.tables import EventRow
from hunmin.chat import afar, live, rules
from hunmin.chat.afar import AnswerAfar
from hunmin.chat.views import Facts
from hunmin.errors import AnswerEnded, ConversationNotFound
from hunmin.web import create_app
from tests.chat.kept import LIMITS
from tests.chat.test_answers import (
    WAIT_SECONDS,
    WORDS,
    answer_of,
    asking,
    begun,
    deltas,
    engine,  # noqa: F401 (a fixture)
    path,
    read_events,
    wait_until,
)
from tests.fakes import ScriptedEngine
from tests.support.desk import make_key
from tests.support.serving import serve


@pytest.fixture(autouse=True)
def _quickly(monkeypatch):
    monkeypatch.setattr(live, "SAVE_SECONDS", 0.1)
    monkeypatch.setattr(afar, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(afar, "SIGN_SECONDS", 0.2)


@pytest.fixture
def servers(app, settings) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Give clients of one person at two servers on one database."""
    other = create_app(settings, engine=ScriptedEngine())
    with serve(app) as here, serve(other) as there:
        headers = {
            "Authorization": f"Bearer {make_key(app, scopes=['chat'])}",
            "Accept": "text/event-stream",
        }
        with client(here, headers) as first, client(there, headers) as second:
            yield first, second


def client(address: str, headers: dict[str, str]) -> httpx.Client:
    return httpx.Client(base_url=address, headers=headers, timeout=WAIT_SECONDS)


def test_stopping_at_another_server_stops_the_answer_and_keeps_what_was_written(
    servers,
    app,
    engine,  # noqa: F811 (the fixture)
):
    writer, other = servers
    with asking(writer) as (told, lines):
        assert other.post(f"{path(told)}/stop").status_code == 204
        answer = answer_of(other, told)
        rest = read_events("\n".join(lines))

    assert answer["state"] == "stopped"
    assert answer["text"]
    assert WORDS.startswith(answer["text"])
    assert rest.one("done") == {"state": "stopped"}
    assert engine.running == 0
    with app.state.database.session(read_only=True) as session:
        kinds = session.scalars(
            select(EventRow.kind).where(EventRow.subject == told.answer_id).order_by(EventRow.id)
        ).all()
    assert kinds == ["chat.answer.begin", "chat.answer.stop", "chat.answer.finish"]


def test_at_another_server_an_answer_is_read_as_it_is_saved(servers, app):
    writer, other = servers
    with asking(writer) as (told, _):
        written = app.state.chat_answers.find(told.answer_id)
    wait_until(lambda: written._readers == 0)
    left_at = written._read_at
    with other.stream("GET", f"{path(told)}/stream") as response:
        lines = response.iter_lines()
        first = begun(lines)
        wait_until(lambda: written._read_at > left_at)  # so nobody takes it for abandoned
        writer.post(f"{path(told)}/stop")
        rest = read_events("\n".join(lines))

    assert first.one("begin")["answer"]["id"] == told.answer_id
    assert first.text + deltas(rest) == answer_of(other, told)["text"]
    assert rest.one("facts")["completion_tokens"] > 0
    assert rest.names[-1] == "done"
    assert rest.one("done") == {"state": "stopped"}


def test_an_answer_that_nobody_reads_at_any_server_is_stopped(servers, monkeypatch):
    writer, other = servers
    with asking(writer) as (told, _):
        pass
    with other.stream("GET", f"{path(told)}/stream") as response:
        assert begun(response.iter_lines()).text

    monkeypatch.setattr(live, "READER_GRACE_SECONDS", 1)
    wait_until(lambda: answer_of(other, told)["state"] != "writing")
    assert answer_of(other, told)["state"] == "stopped"


def test_deleting_what_another_server_writes_ends_both_streams(servers, engine):  # noqa: F811
    writer, other = servers
    with (
        asking(writer) as (told, lines),
        other.stream("GET", f"{path(told)}/stream") as response,
    ):
        assert other.delete(f"/chat/api/conversations/{told.conversation_id}").status_code == 204
        assert read_events("\n".join(lines)).names[-1] == "done"
        assert read_events("\n".join(response.iter_lines())).names[-1] == "done"

    wait_until(lambda: engine.running == 0)


@contextmanager
def being_written(database, actor, words: str):
    """Give `save(words)` and what reads it: an answer that some server writes."""
    with open_act(database, actor) as act:
        asked = chat.start_conversation(act, text="질문", limits=LIMITS)

    def save(words: str, state: str = "writing") -> bool:
        with open_act(database, actor) as act:
            return chat.save_answer(
                act,
                answer_id=asked.answer.id,
                text=words,
                state=state,
                facts=Facts(model="m"),
                error_code="engine_crashed" if state == "failed" else None,
            )

    save(words)
    reads = AnswerAfar(
        asked.conversation.id,
        asked.answer.id,
        open_act=lambda read_only: open_act(database, actor, read_only=read_only),
        language="ko",
    )
    yield save, reads


async def test_a_syllable_is_shown_once_it_cannot_change_any_more(database, dana):
    with being_written(database, dana, "가") as (save, reads):
        events = reads.read(await reads.begin())
        assert (await anext(events)).data["answer"]["text"] == ""
        save("각나")
        assert (await anext(events)).data == {"text": "각"}
        save("각나다", "failed")
        rest = [event async for event in events]

    assert [event.name for event in rest] == ["delta", "facts", "error", "done"]
    assert rest[0].data == {"text": "나다"}
    assert rest[2].data["code"] == "engine_crashed"


async def test_where_a_text_turned_out_otherwise_the_stream_breaks_off(database, dana):
    with being_written(database, dana, "가나다") as (save, reads):
        events = reads.read(await reads.begin())
        await anext(events)
        save("라마바")

        assert [event.name async for event in events] == []


async def test_a_dead_writer_is_not_waited_for(database, dana):
    with being_written(database, dana, "가나") as (_, reads):
        now = datetime.now(UTC) + timedelta(seconds=rules.ALIVE_SECONDS + 1)
        dead = AnswerAfar(
            reads._conversation_id,
            reads._message_id,
            open_act=lambda read_only: open_act(database, dana, now=now, read_only=read_only),
            language="ko",
        )
        async with asyncio.timeout(5):
            await dead.stop()
        with pytest.raises(AnswerEnded):
            await dead.begin()


async def test_nobody_stops_or_reads_the_answer_of_another(database, dana, mino):
    with being_written(database, dana, "가나") as (save, reads):
        strange = AnswerAfar(
            reads._conversation_id,
            reads._message_id,
            open_act=lambda read_only: open_act(database, mino, read_only=read_only),
            language="ko",
        )
        with pytest.raises(ConversationNotFound):
            await strange.stop()
        with pytest.raises(ConversationNotFound):
            await strange.begin()

        assert save("가나다")
