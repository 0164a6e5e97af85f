"""Whatever becomes of an answer, its admission is settled, its place free, its events there."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from hunmin.act import SYSTEM, Actor, open_act
from hunmin.audit.tables import EventRow
from hunmin.db import open_database
from hunmin.errors import HunminError
from hunmin.gateway import ChatMessage, ChatRequest, Gateway
from hunmin.gateway.tables import AdmissionRow, SettlementRow
from hunmin.settings import GatewaySettings
from tests.gateway.test_routes import CHAT, Http
from tests.support.engines import PaperEngine


@pytest.fixture
def database_url(sqlite_url):
    """Give one kind of database: the transactions themselves are tested on both elsewhere."""
    return sqlite_url


@dataclass(frozen=True)
class Fate:
    """What one reader does, and when."""

    deed: Literal["read", "leave", "cancel"]
    pieces: int
    """After how many pieces it leaves."""
    wait_ms: float
    """After what time it is canceled."""


FATES = st.lists(
    st.builds(
        Fate,
        deed=st.sampled_from(["read", "leave", "cancel"]),
        pieces=st.integers(0, 4),
        wait_ms=st.floats(0, 30),
    ),
    min_size=1,
    max_size=6,
)


async def read(gateway: Gateway, number: int, fate: Fate) -> None:
    request = ChatRequest(
        model="paper", messages=[ChatMessage(role="user", content="안녕")], max_tokens=40
    )
    answer = await gateway.open(Actor(user_id=f"u{number}"), request, request_id=f"r{number}")
    try:
        seen = 0
        async for _ in answer:
            seen += 1
            if fate.deed == "leave" and seen > fate.pieces:
                break
    finally:
        await answer.aclose()


async def live(database, fates: list[Fate], *, fails_after: int | None, closes_ms: float) -> None:
    """Let every reader meet its fate, then close the gateway."""
    engine = PaperEngine()
    engine.step_seconds = 0.001
    engine.fails_after = fails_after
    gateway = Gateway(engine, database, GatewaySettings())
    await gateway.ready()
    readers = [asyncio.create_task(read(gateway, n, fate)) for n, fate in enumerate(fates)]
    for reader, fate in zip(readers, fates, strict=True):
        if fate.deed == "cancel":
            asyncio.get_running_loop().call_later(fate.wait_ms / 1000, reader.cancel)
    if readers:
        await asyncio.wait(readers, timeout=closes_ms / 1000)
    await gateway.close()
    ends = await asyncio.gather(*readers, return_exceptions=True)
    assert all(end is None or isinstance(end, HunminError | asyncio.CancelledError) for end in ends)
    assert engine.running == set()


def check_ledger(database) -> None:
    with open_act(database, SYSTEM) as act:
        admitted = set(act.session.scalars(select(AdmissionRow.id)))
        settled = set(act.session.scalars(select(SettlementRow.admission_id)))
        assert admitted == settled
        assert act.session.query(AdmissionRow).filter_by(settled=False).count() == 0
        told = select(EventRow.kind, func.count()).where(EventRow.kind.startswith("gateway."))
        counts = dict(tuple(row) for row in act.session.execute(told.group_by(EventRow.kind)))
        ended = counts.get("gateway.request.settle", 0) + counts.get("gateway.request.lose", 0)
        assert counts.get("gateway.request.admit", 0) == ended == len(admitted)


@given(
    fates=FATES,
    fails_after=st.none() | st.integers(0, 30),
    closes_ms=st.sampled_from([5.0, 50.0, 2000.0]),
)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_admission_is_settled_whatever_readers_engine_and_server_do(
    database, fates, fails_after, closes_ms
):
    asyncio.run(live(database, fates, fails_after=fails_after, closes_ms=closes_ms))

    check_ledger(database)


SERVER = """
import sys
import uvicorn
from hunmin.db import Database
from hunmin.settings import Settings
from hunmin.web import create_app
from tests.support.engines import PaperEngine

data, url, port = sys.argv[1:]
Database.migrate = lambda self: None  # the tables are there already
engine = PaperEngine()
engine.step_seconds = 0.02
settings = Settings.load(config=None, data=data, database__url=url, worker__embedded=False)
uvicorn.run(create_app(settings, engine=engine), port=int(port), log_level="error")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a signal Windows lacks")
def test_what_a_killed_server_answered_is_kept_and_what_it_left_open_is_closed_later(
    database, database_url, key, tmp_path
):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVER, str(tmp_path), database_url, str(port)]
    server = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": "."})
    call = Http(f"http://127.0.0.1:{port}", key)
    wait_for(call, server)
    ask = {"model": "paper", "messages": [{"role": "user", "content": "안녕"}], "stream": True}
    whole = {**ask, "stream": False, "max_tokens": 2}
    assert [call("POST", CHAT, whole)[0] for _ in range(2)] == [200, 200]
    streams = [call.open(ask) for _ in range(3)]
    for stream in streams:
        assert b"data:" in stream.recv(4096) + stream.recv(4096)

    server.kill()
    server.wait(10)
    for stream in streams:
        stream.close()

    with open_act(database, SYSTEM) as act:
        assert act.session.query(AdmissionRow).filter_by(settled=False).count() == 3
        settled = act.session.execute(
            select(SettlementRow.outcome, SettlementRow.completion_tokens)
        )
        assert [tuple(row) for row in settled] == [("length", 2)] * 2
    asyncio.run(live(database, [], fails_after=None, closes_ms=0))
    check_ledger(database)
    with open_act(database, SYSTEM) as act:
        outcomes = Counter(act.session.scalars(select(SettlementRow.outcome)))
        assert outcomes == {"length": 2, "lost": 3}


def wait_for(call: Http, server: subprocess.Popen) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended while starting"
        try:
            if call("GET", "/healthz")[0] == 200:
                return
        except OSError:
            pass  # it does not listen yet
        time.sleep(0.05)
    pytest.fail("the server did not come up")


def test_a_server_that_starts_leaves_the_answers_of_others_alone(database_url):
    async def both() -> None:
        first_database, second_database = open_database(database_url), open_database(database_url)
        engine = PaperEngine()
        engine.step_seconds = 0.005
        first = Gateway(engine, first_database, GatewaySettings())
        first._records.server = "another-host/1/x"
        await first.ready()
        request = ChatRequest(
            model="paper", messages=[ChatMessage(role="user", content="안녕")], max_tokens=60
        )
        answer = await first.open(Actor(user_id="dana"), request, request_id="r")
        second = Gateway(PaperEngine(), second_database, GatewaySettings())
        await second.ready()
        pieces = [piece async for piece in answer]
        assert pieces[-1].finish_reason == "length"
        await answer.aclose()
        await first.close()
        await second.close()
        with open_act(first_database, SYSTEM) as act:
            assert act.session.scalars(select(SettlementRow.outcome)).all() == ["length"]
            assert act.session.query(EventRow).filter_by(kind="gateway.request.lose").count() == 0

    asyncio.run(both())
