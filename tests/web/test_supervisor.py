"""`hunmin serve --servers`: servers are replaced without a gap, as real processes."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from hunmin import accounts
from hunmin.act import SYSTEM, open_act
from hunmin.db import open_database
from hunmin.web import supervisor as supervising
from hunmin.web.supervisor import Supervisor, _Server

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 200
STREAMS = 20


@pytest.fixture
def config(tmp_path) -> Path:
    path = tmp_path / "hunmin.toml"
    path.write_text(settings(installable=True))
    return path


def settings(*, installable: bool) -> str:
    return (
        f"[web]\ninstallable = {str(installable).lower()}\n"
        f"[gateway]\nconcurrent_per_key_max = {2 * STREAMS}\n[worker]\nembedded = false\n"
    )


@pytest.fixture
def serve(tmp_path, config):
    """Give `serve(servers)`: a supervisor, with its address once pages answer."""
    running: list[subprocess.Popen[str]] = []
    model = tmp_path / "tiny"
    model.mkdir()
    (model / "config.json").write_text("{}")

    def serve(**environment: str) -> tuple[subprocess.Popen[str], str]:
        options = {"servers": 1, "port": 0, "data": tmp_path / "data", "model": model}
        command = [f"--{name}={value}" for name, value in options.items()]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.demo", "serve", *command, f"--config={config}"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        said = process.stdout.readline() or pytest.fail(process.stderr.read())
        return process, re.search(r"http://\S+", said)[0]

    yield serve
    for process in running:
        process.kill()  # servers drain when their supervisor is gone
        process.communicate(timeout=PATIENCE_SECONDS)


class Scripted(Supervisor):
    """Starts no process: a server is well at once, and ends as often as was said."""

    def __init__(self, listening: socket.socket, *, ends: int) -> None:
        super().__init__(listening, [], servers=1)
        self.rests: list[float] = []
        self._ends = ends

    async def _start(self, number: int) -> _Server:
        self._server = _Server(None, number)
        self._server.opened, self._server.state = True, "ready"
        return self._server

    async def _hear(self) -> None:
        self._server.state = "ended"
        self._ends -= 1
        self._stopping = self._ends < 0

    async def _rest(self, seconds: float) -> None:
        self.rests.append(seconds)


async def test_a_server_that_was_well_again_is_started_soon_when_it_ends_later():
    with socket.socket() as listening:
        supervisor = Scripted(listening, ends=3)
        await supervisor.run(on_open=lambda: None, on_ready=lambda: None)

    assert supervisor.rests == [supervising.AGAIN_SECONDS_MIN] * 3


def wait_until_ready(address: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while httpx2.get(f"{address}/healthz", timeout=60).status_code != 200:
        assert time.monotonic() < deadline, "the model was not ready in time"
        time.sleep(0.05)


async def until(says, *, address: str) -> list[int]:
    """Ask again and again, each time anew, until an answer says so; return every status."""
    statuses = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        async with httpx2.AsyncClient(base_url=address, timeout=60) as client:
            answer = await client.get("/sw.js")
            statuses.append((await client.get("/healthz")).status_code)
        if says(answer.text):
            return statuses
        await asyncio.sleep(0.05)
    return pytest.fail("it was never said")


async def stream(client: httpx2.AsyncClient, begun: asyncio.Event) -> str:
    asked = {"model": "tiny", "stream": True, "messages": [{"role": "user", "content": "안녕"}]}
    async with client.stream("POST", "/v1/chat/completions", json=asked) as answer:
        lines = [await anext(pieces)] if (pieces := answer.aiter_lines()) else []
        begun.set()
        lines += [line async for line in pieces]
    return "\n".join(lines)


async def test_twenty_streams_go_on_while_the_server_is_replaced(serve, config, tmp_path):
    supervisor, address = serve(PAUSE_SECONDS="0.2")
    await until(lambda said: "KEEP" in said, address=address)
    database = open_database(f"sqlite:///{tmp_path / 'data' / 'hunmin.db'}")
    with open_act(database, SYSTEM) as act:
        user = accounts.create_user(act, name="dana")
        key = accounts.create_key(act, name="test", user_id=user.id).secret
    database.close()
    await asyncio.to_thread(wait_until_ready, address)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=address, timeout=120, headers=headers) as client:
        begun = [asyncio.Event() for _ in range(STREAMS)]
        streams = [asyncio.create_task(stream(client, one)) for one in begun]
        await asyncio.gather(*(one.wait() for one in begun))
        config.write_text(settings(installable=False))
        supervisor.send_signal(signal.SIGHUP)
        statuses = await until(lambda said: "KEEP" not in said, address=address)
        answers = await asyncio.gather(*streams)

    assert set(statuses) == {200}
    assert [one.rstrip().endswith("data: [DONE]") for one in answers] == [True] * STREAMS
    supervisor.send_signal(signal.SIGTERM)
    _, said = supervisor.communicate(timeout=PATIENCE_SECONDS)
    assert supervisor.returncode == 0
    assert "Traceback" not in said


def test_a_new_server_that_cannot_start_leaves_the_old_one_in_its_place(serve, config):
    supervisor, address = serve()
    wait_until_ready(address)
    config.write_text("[web]\nnonsense = 1\n")
    supervisor.send_signal(signal.SIGHUP)
    lines = []
    while not any("the old ones go on" in line for line in lines):
        lines.append(supervisor.stderr.readline())
        assert lines[-1], lines

    assert httpx2.get(f"{address}/healthz").status_code == 200
    supervisor.send_signal(signal.SIGKILL)  # and a server without its supervisor ends
    host, port = address.removeprefix("http://").split(":")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the server outlived its supervisor")
