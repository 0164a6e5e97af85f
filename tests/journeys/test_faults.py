"""The whole service when something below it fails, in real processes: what is told, what is kept.

In the end the books balance: each answer let in came to one end, what was spent is what was
answered, nothing stays set aside, and the audit log is whole.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator

import httpx2
import pytest

from tests.fakes import ANSWER
from tests.inference.conftest import parrot
from tests.support import postgres
from tests.support.books import check_books
from tests.support.service import PATIENCE_SECONDS, Disk, ask, serving

__all__ = ["parrot"]

STREAMS = 12
SHORT = 4
"""Tokens of an answer that is over at once."""

FILE = {
    "data": {"purpose": "batch"},
    "files": {"file": ("a.txt", "전입신고는 14일 안에 합니다.\n".encode() * 20_000)},
}
FULL = (507, "database_full")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@pytest.fixture
def disk(tmp_path) -> Iterator[Disk]:
    """Give the folder of a service's data as a disk of its own."""
    (tmp_path / "data").mkdir()
    try:
        made = Disk(tmp_path / "data", bytes_max=12 << 20)
    except OSError:
        pytest.skip("this machine gives nobody a disk")
    yield made
    made.close()


async def until(says, *, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not says():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        await asyncio.sleep(0.05)


class Program:
    """A program that asks for one short answer after the other, until it is told to stop."""

    def __init__(self, client: httpx2.AsyncClient, model: str) -> None:
        self.ends: list = []
        self._client = client
        self._model = model
        self._stopping = False
        self._task = asyncio.create_task(self._ask())

    @property
    def refusals(self) -> Counter:
        return Counter((end.status, end.code) for end in self.ends if not end.done)

    async def _ask(self) -> None:
        while not self._stopping:
            end = await ask(self._client, self._model, max_tokens=SHORT)
            self.ends.append(end)
            if not end.done:
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        self._stopping = True
        await self._task


async def refused(client: httpx2.AsyncClient, address: str, **sent) -> tuple[int, str]:
    """Send something until it is refused: a disk is full when what is left of it is used up."""
    for _ in range(100):
        async with client.stream("POST", address, **sent) as answer:
            if answer.status_code >= 400:
                told = json.loads(await answer.aread())
                return answer.status_code, told.get("error", told)["code"]
    return pytest.fail("it was never refused")


async def streams(client: httpx2.AsyncClient, model: str, **body) -> list[asyncio.Task]:
    """Begin answers, and return when each has said something."""
    begun = [asyncio.Event() for _ in range(STREAMS)]
    asking = [asyncio.create_task(ask(client, model, begun=one, **body)) for one in begun]
    await asyncio.gather(*(one.wait() for one in begun))
    return asking


async def hand_in(client: httpx2.AsyncClient, model: str, *, lines: int) -> httpx2.Response:
    """Hand in a batch, and return what was said to it."""
    said = [{"role": "user", "content": "안녕"}]
    body = {"model": model, "messages": said, "max_tokens": SHORT}
    asked = [
        {"custom_id": str(n), "method": "POST", "url": "/v1/chat/completions", "body": body}
        for n in range(lines)
    ]
    content = "".join(json.dumps(one) + "\n" for one in asked).encode()
    files = {"file": ("in.jsonl", content)}
    brought = await client.post("/v1/files", files=files, data={"purpose": "batch"})
    batch = {
        "input_file_id": brought.json()["id"],
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    }
    return await client.post("/v1/batches", json=batch)


async def ended(client: httpx2.AsyncClient, batch: httpx2.Response) -> dict:
    """Return a batch once it has ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = (await client.get(f"/v1/batches/{batch.json()['id']}")).json()
        if found.get("status") in {"completed", "failed", "expired", "cancelled"}:
            return found
        await asyncio.sleep(0.2)
    return pytest.fail("the batch did not end")


@pytest.mark.postgres
async def test_a_database_that_crashes_under_load_costs_no_answer_no_budget_and_no_place(tmp_path):
    programs = postgres.find_programs()
    if programs is None:
        pytest.skip(postgres.MISSING)
    with (
        postgres.run_server(programs, **postgres.LOSES_NOTHING) as cluster,
        serving(tmp_path, database_url=cluster.url("postgres"), pause_seconds=0.05) as service,
    ):
        async with service.client() as client:
            batch = await hand_in(client, service.model, lines=10)
            asking = await streams(client, service.model)
            program = Program(client, service.model)
            await until(lambda: len(program.ends) > 2, what="answers before")
            cluster.stop()
            await until(lambda: any(one.done() for one in asking), what="streams that end")
            await until(lambda: program.refusals, what="refusals")
            cluster.start()
            answered = len(program.ends)
            await until(lambda: any(end.done for end in program.ends[answered:]), what="after")
            whole = await asyncio.gather(*asking)
            await program.stop()
            counts = (await ended(client, batch))["request_counts"]

        assert [(end.done, end.text) for end in whole] == [(True, ANSWER)] * STREAMS
        assert set(program.refusals) <= {(503, "database_unreachable")}
        assert (counts["completed"], counts["failed"]) == (10, 0)
        service.end()
        with service.database() as database:
            ends = check_books(database)
    assert ends["stop"] >= STREAMS
    assert "Traceback" not in service.log()


async def test_a_model_killed_under_streams_ends_them_clearly_and_comes_back(tmp_path, parrot):
    with serving(tmp_path, engine="child", model=parrot, pause_seconds=0.02) as service:
        (child,) = service.children()
        async with service.client() as client:
            asking = await streams(client, service.model, max_tokens=200)
            os.kill(child, signal.SIGKILL)
            broken = await asyncio.gather(*asking)
            program = Program(client, service.model)
            await until(lambda: any(end.done for end in program.ends), what="after")
            await program.stop()

        assert {(end.status, end.code, end.done) for end in broken} == {
            (200, "engine_crashed", False)
        }
        assert all(end.text for end in broken)
        assert set(program.refusals) <= {(503, "engine_starting")}
        assert service.children() != [child]
        service.end()
        with service.database() as database:
            ends = check_books(database)
    assert ends == {"failed": STREAMS, "length": sum(end.done for end in program.ends)}
    assert "Traceback" not in service.log()


async def test_a_full_disk_refuses_clearly_tears_nothing_and_goes_on_when_there_is_room(
    tmp_path, disk
):
    with serving(tmp_path, disk=disk, pause_seconds=0.05) as service:
        async with (
            service.client() as client,
            httpx2.AsyncClient(base_url=service.address, timeout=60) as person,
        ):
            batch = await hand_in(client, service.model, lines=20)
            asking = await streams(client, service.model)
            program = Program(client, service.model)
            disk.fill()
            await until(lambda: program.refusals, what="refusals")
            said = {"text": "훈민정음 " * 3_000}
            assert await refused(client, "/v1/files", **FILE) in (FULL, (507, "disk_full"))
            assert await refused(person, "/chat/api/conversations", json=said) == FULL
            assert (await person.get("/chat")).status_code == 200
            await until(lambda: any(one.done() for one in asking), what="streams that end")
            disk.free()
            answered = len(program.ends)
            await until(lambda: any(end.done for end in program.ends[answered:]), what="after")
            whole = await asyncio.gather(*asking)
            await program.stop()
            counts = (await ended(client, batch))["request_counts"]
            assert (await client.post("/v1/files", **FILE)).status_code == 200
            names = {one["filename"] for one in (await client.get("/v1/files")).json()["data"]}

        assert [(end.done, end.text) for end in whole] == [(True, ANSWER)] * STREAMS
        assert set(program.refusals) == {FULL}
        assert (counts["completed"], counts["failed"]) == (20, 0)
        assert names == {"in.jsonl", "a.txt", f"{batch.json()['id']}_output.jsonl"}
        service.end()
        assert list(disk.folder.rglob(".partial/*")) == []
        with service.database() as database:
            ends = check_books(database)
    assert ends["stop"] >= STREAMS
    assert "Traceback" not in service.log()
