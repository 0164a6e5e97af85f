"""Batches are worked on to their end: every line is answered once, and charged once."""

import asyncio
import json
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from hunmin import accounts
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.batches import actions, holding, inputs, jobs, queries, rules, runner, store
from hunmin.batches.tables import BatchRow, FileRow, LineRow
from hunmin.errors import (
    DatabaseFull,
    DatabaseUnreachable,
    EngineFull,
    FileInUse,
    FileNotFound,
)
from hunmin.gateway import actions as gateway_actions
from hunmin.gateway.tables import AdmissionRow, SettlementRow
from hunmin.worker import Job
from tests.batches.conftest import bring, line, written
from tests.support.engines import vector_of


def shown(database, actor, batch_id):
    with open_act(database, actor) as act:
        return queries.show_batch(queries.batch_row(act, batch_id))


def content(house, database, actor, file_id) -> list[dict]:
    with open_act(database, actor) as act:
        row = queries.file_row(act, file_id)
        size, sha256 = row.size_bytes, row.blob_sha256
    told = b"".join(store.read(store.open_store(house), file_id=file_id, sha256=sha256))
    assert len(told) == size
    return [json.loads(one) for one in told.splitlines()]


def charged(database) -> Counter:
    """Return what was charged for each request."""
    with open_act(database, SYSTEM) as act:
        rows = act.session.execute(
            select(AdmissionRow.request_id, SettlementRow.prompt_tokens).join(
                SettlementRow, SettlementRow.admission_id == AdmissionRow.id
            )
        )
        return Counter(request_id for request_id, tokens in rows if tokens)


def let_leases_end(database) -> None:
    with open_act(database, SYSTEM) as act:
        past = act.now - timedelta(seconds=1)
        act.session.execute(update(BatchRow).values(due_at=past))


async def work(made, times: int = 40) -> None:
    for _ in range(times):
        if not await made.work():
            await asyncio.sleep(0.01)  # as long as a batch waits for the engine


async def test_lines_are_answered_in_their_order_and_what_is_wrong_stands_apart(
    ask, server, database, house, actor
):
    batch_id = ask(line(1), line(2, temperature=9), line(3), line(4, model="gpt-9"), line(5, n=2))
    assert shown(database, actor, batch_id).status == "validating"

    await work(await server())

    batch = shown(database, actor, batch_id)
    counts = batch.request_counts
    assert (batch.status, counts.total, counts.completed, counts.failed) == ("completed", 5, 2, 3)
    first, second = content(house, database, actor, batch.output_file_id)
    assert (first["custom_id"], second["custom_id"]) == ("line 1", "line 3")
    assert first["error"] is None
    assert first["response"]["status_code"] == 200
    assert first["response"]["body"]["choices"][0]["message"]["content"] == "훈민정"
    wrong = content(house, database, actor, batch.error_file_id)
    assert [(one["response"]["status_code"], one["response"]["body"]["error"]["param"])
            for one in wrong] == [(400, "temperature"), (404, "model"), (400, "n")]  # fmt: skip
    assert charged(database) == {rules.request_id_of(batch_id, number): 1 for number in (1, 3)}
    with open_act(database, SYSTEM) as act:
        assert act.session.scalars(select(LineRow)).all() == []


@pytest.mark.parametrize(
    ("url", "body", "told"),
    [
        ("/v1/completions", {"prompt": "옛날", "max_tokens": 3},
         lambda body: body["choices"][0]["text"] == "훈민정"),
        ("/v1/embeddings", {"input": "옛날"},
         lambda body: body["data"][0]["embedding"] == pytest.approx(vector_of("옛날"))),
        ("/v1/responses", {"input": "옛날", "max_output_tokens": 3},
         lambda body: body["output"][0]["content"][0]["text"] == "훈민정"),
    ],
)  # fmt: skip
async def test_each_address_is_answered_as_it_answers(
    ask, server, database, house, actor, url, body, told
):
    request = {"custom_id": "a", "method": "POST", "url": url, "body": {"model": "paper"} | body}
    batch_id = ask(request, endpoint=url)

    await work(await server())

    batch = shown(database, actor, batch_id)
    [answer] = content(house, database, actor, batch.output_file_id)
    assert told(answer["response"]["body"])


@pytest.mark.parametrize("answered", [0, 1, 3])
async def test_a_server_that_is_killed_leaves_nothing_unanswered_and_nothing_twice(
    ask, server, engine, database, house, actor, monkeypatch, answered
):
    batch_id = ask(*map(line, range(1, 6)))
    killed = await server()
    await killed.work()  # the file is read
    monkeypatch.setattr(killed, "_leave", lambda *_: None)  # nobody says that it is left
    engine.step_seconds = 0.01
    begun = asyncio.create_task(killed.work())
    while len(charged(database)) < answered or not engine.running:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    begun.cancel()
    await asyncio.wait({begun})
    with open_act(database, SYSTEM) as act:  # as a process that is killed leaves it
        act.session.execute(
            update(SettlementRow)
            .where(SettlementRow.outcome == "canceled")
            .values(outcome="lost", prompt_tokens=7)
        )
    let_leases_end(database)
    engine.step_seconds = 0

    await work(await server())

    batch = shown(database, actor, batch_id)
    assert (batch.status, batch.request_counts.completed) == ("completed", 5)
    told = content(house, database, actor, batch.output_file_id)
    assert [one["custom_id"] for one in told] == [f"line {number}" for number in range(1, 6)]
    assert charged(database) == {rules.request_id_of(batch_id, one): 1 for one in range(1, 6)}


async def test_a_server_that_lost_a_batch_keeps_and_charges_nothing_of_it(
    ask, server, engine, database, actor
):
    batch_id = ask(line(1))
    slow = await server()
    await slow.work()
    engine.step_seconds = 0.05
    begun = asyncio.create_task(slow.work())
    while not engine.running:  # noqa: ASYNC110 (it tells nobody)
        await asyncio.sleep(0.005)
    let_leases_end(database)
    with open_act(database, SYSTEM) as act:
        other = holding.take_batch(act, lease_seconds=60)
    await begun

    assert charged(database) == {}
    assert shown(database, actor, batch_id).request_counts.completed == 0
    with open_act(database, actor) as act:
        assert holding.keep_line(act, other, 1, status=200, body="{}")
        assert not holding.keep_line(act, other, 1, status=200, body="{}")


async def test_an_engine_that_fails_is_asked_again_and_then_its_failure_is_the_answer(
    ask, server, engine, database, house, actor
):
    batch_id = ask(line(1))
    engine.fails_after, engine.failure = 0, EngineFull(requests_max=1)

    await work(await server())

    batch = shown(database, actor, batch_id)
    assert (batch.status, batch.request_counts.failed) == ("completed", 1)
    assert len(engine.seen) == rules.TRIES_MAX
    [wrong] = content(house, database, actor, batch.error_file_id)
    assert wrong["response"]["body"]["error"]["code"] == "engine_full"


async def test_answers_beyond_what_a_disk_can_bear_are_refused_and_cost_nothing(
    ask, server, engine, database, house, actor, monkeypatch
):
    monkeypatch.setattr(rules, "ANSWERS_BYTES_MAX", 1_000)  # an answer has about 400
    monkeypatch.setattr(rules, "TOGETHER_MAX", 1)
    monkeypatch.setattr(runner, "SLICE_LINES", 4)
    batch_id = ask(*map(line, range(1, 9)))

    await work(await server())

    batch = shown(database, actor, batch_id)
    kept = batch.request_counts.completed
    assert (batch.status, batch.request_counts.failed) == ("completed", 8 - kept)
    assert 0 < kept < len(engine.seen) <= 4
    assert len(charged(database)) == kept
    wrong = content(house, database, actor, batch.error_file_id)
    assert {one["response"]["body"]["error"]["code"] for one in wrong} == {"batch_full"}


@pytest.mark.parametrize("away", [DatabaseFull, DatabaseUnreachable])
async def test_lines_wait_while_the_database_takes_nothing(
    ask, server, database, actor, monkeypatch, away
):
    batch_id = ask(line(1))
    made = await server()
    await made.work()  # the file is read
    admit, asked = gateway_actions.admit, []

    def refuse_at_first(act, **what):
        asked.append(what)
        if len(asked) == 1:
            raise away(address="somewhere")
        return admit(act, **what)

    monkeypatch.setattr(gateway_actions, "admit", refuse_at_first)
    await work(made)

    batch = shown(database, actor, batch_id)
    assert (batch.status, batch.request_counts.completed) == ("completed", 1)


async def test_a_batch_is_given_back_as_soon_as_the_database_is_there_again(
    ask, server, database, actor, monkeypatch
):
    monkeypatch.setattr(runner, "LEAVE_PAUSES_SECONDS", (0.01, 0.01))
    batch_id = ask(line(1))
    made = await server()
    leave, tried = made._leave, []

    def fail_at_first(held, pause_seconds):
        tried.append(held)
        if len(tried) < 3:
            raise DatabaseUnreachable(address="somewhere")
        leave(held, pause_seconds)

    monkeypatch.setattr(made, "_leave", fail_at_first)
    await work(made)

    assert shown(database, actor, batch_id).status == "completed"


async def test_a_batch_that_has_no_time_left_ends_with_what_it_has(
    ask, server, database, house, actor
):
    batch_id = ask(line(1), line(2))
    made = await server()
    await made.work()
    with open_act(database, SYSTEM) as act:
        act.session.execute(update(BatchRow).values(expires_at=act.now))

    await work(made)

    batch = shown(database, actor, batch_id)
    assert (batch.status, batch.output_file_id) == ("expired", None)
    wrong = content(house, database, actor, batch.error_file_id)
    assert [one["error"]["code"] for one in wrong] == ["batch_expired"] * 2


async def test_a_batch_that_is_canceled_begins_no_more(
    ask, server, engine, database, house, actor, monkeypatch
):
    monkeypatch.setattr(runner, "SLICE_LINES", 2)
    batch_id = ask(*map(line, range(1, 6)))
    made = await server()
    await work(made, times=2)  # the file is read, and two lines are answered
    with open_act(database, actor) as act:
        assert actions.cancel_batch(act, batch_id).status == "cancelling"

    await work(made)

    batch = shown(database, actor, batch_id)
    assert (batch.status, batch.error_file_id, len(engine.seen)) == ("cancelled", None, 2)
    assert len(content(house, database, actor, batch.output_file_id)) == 2


async def test_people_come_first(ask, server, engine, monkeypatch):
    ask(line(1))
    made = await server()
    monkeypatch.setattr(made._gateway, "has_room", lambda: False)

    await work(made)

    assert engine.seen == []


async def test_a_key_that_was_revoked_asks_nothing_more(
    ask, server, engine, database, house, actor
):
    batch_id = ask(line(1))
    with open_act(database, Actor(user_id=actor.user_id)) as act:
        accounts.revoke_key(act, actor.key_id)

    await work(await server())

    batch = shown(database, actor, batch_id)
    [wrong] = content(house, database, actor, batch.error_file_id)
    assert wrong["response"]["body"]["error"]["code"] == "invalid_api_key"
    assert engine.seen == []


@pytest.mark.parametrize(
    ("content", "code", "at"),
    [
        (b"", "empty_file", None),
        (b"\n \n", "empty_file", None),
        (written(line(1)) + b"nonsense\n", "invalid_json_line", 2),
        (written(line(1), line(1)), "duplicate_custom_id", 2),
        (b"\n" + written(line(1, url="/v1/embeddings")), "mismatched_url", 2),
    ],
)
async def test_a_file_that_is_not_as_it_should_be_is_told_line_by_line(
    ask, server, engine, database, actor, content, code, at
):
    batch_id = ask(content=content)

    await work(await server())

    batch = shown(database, actor, batch_id)
    assert batch.status == "failed"
    assert [(fault.code, fault.line) for fault in batch.errors.data] == [(code, at)]
    assert engine.seen == []


async def test_a_file_is_needed_until_its_batch_has_ended_and_goes_with_every_word(
    ask, server, database, house, actor
):
    file_id = shown(database, actor, ask(line(1))).input_file_id
    with open_act(database, actor) as act, pytest.raises(FileInUse):
        actions.delete_file(act, file_id)
    await work(await server())
    blobs = store.open_store(house)

    with open_act(database, actor) as act:
        blobs.delete(actions.delete_file(act, file_id))

    assert len(list(blobs.hashes())) == 1  # what came of it
    with open_act(database, actor) as act, pytest.raises(FileNotFound):
        queries.file_row(act, file_id)


def test_what_is_old_or_belongs_to_nobody_is_swept_away(house, database, actor):
    kept, old = (bring(house, database, actor, b"x") for _ in range(2))
    left = store.Bytes("0" * 26)
    left.put(store.open_store(house))
    left.close()
    with open_act(database, SYSTEM) as act:
        long_ago = act.now - timedelta(days=31)
        act.session.execute(update(FileRow).where(FileRow.id == old).values(made_at=long_ago))

    for _ in range(2):
        jobs.sweep(Job("j", "batches.file.sweep", {}, 1, "r", database, house))

    with open_act(database, SYSTEM) as act:
        [row] = act.session.scalars(select(FileRow)).all()
        assert row.id == kept
        assert list(store.open_store(house).hashes()) == [row.blob_sha256]


async def test_a_server_that_lost_a_batch_while_it_read_the_file_takes_no_line_away(
    ask, server, engine, database, house, actor
):
    batch_id = ask(line(1), line(2))
    with open_act(database, SYSTEM) as act:
        lost = holding.take_batch(act, lease_seconds=0)
    other = await server()
    await work(other, times=2)  # reads the file too, and has the lines answered

    inputs.read_in(database, house, lost)
    await work(other)

    batch = shown(database, actor, batch_id)
    assert (batch.status, batch.request_counts.completed) == ("completed", 2)
    assert len(engine.seen) == 2
