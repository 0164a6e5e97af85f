"""Those whom `gateway_overhead.py` asks: servers in processes of their own, on one engine of paper.

`hunmin` is the whole application with its worker, its log lines in a file, and every limit at its
default but the number of answers at once. `bare` is a Starlette route that only hands on what the
engine says: no key, no limit, no record. `litellm` is LiteLLM's proxy with a master key and no
database, so with fewer checks; it has an engine of paper of its own, `mock_response`.
"""

import asyncio
import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from hunmin import accounts, logs
from hunmin.act import SYSTEM, open_act
from hunmin.db import open_database
from hunmin.plugins import Delta, Generation, ModelCard, Sampling
from hunmin.settings import Settings
from hunmin.web import create_app, serving

PATH = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "훈민정음이 무엇인가요? " * 10}]
WORD = "소리"

SLOW_SECONDS = 0.05
"""How long `slow` thinks before its first token."""
ENDLESS_SECONDS = 1.0
"""How long `endless` takes for a token."""

KEYS = 200
"""Programs that ask in turns, so that each stays within its own limits."""
STREAMS_MAX = 1_100
FILES_MAX = 8_192
MASTER_KEY = "sk-not-a-secret-5f0c3b7d9a1e48268c7f1b3d5e7a9c02"
OK = 200


class PaperEngine:
    """Says the same word, a piece a token: `paper` at once, `slow` and `endless` after a while."""

    async def start(self) -> None:
        """Nothing to load."""

    def models(self) -> list[ModelCard]:
        """Return its models."""
        can = frozenset({"chat", "completion"})
        return [ModelCard(name, None, 100_000, 0, can) for name in ("paper", "slow", "endless")]

    async def count_prompt_tokens(self, generation: Generation) -> int:
        """Count each character."""
        return sum(len(message.content) for message in generation.messages)

    async def stream(self, generation: Generation) -> AsyncIterator[Delta]:
        """Say the word as often as asked."""
        if generation.model == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        for token in range(1, generation.sampling.max_tokens + 1):
            await asyncio.sleep(ENDLESS_SECONDS if generation.model == "endless" else 0)
            yield Delta(WORD, None, 140, token)
        yield Delta("", "length", 140, generation.sampling.max_tokens)

    def healthy(self, model: str | None = None) -> bool:  # noqa: ARG002
        """Return that it is."""
        return True

    async def close(self) -> None:
        """Nothing to free."""


def bare_app() -> Starlette:
    """Return the server that keeps no promise."""
    engine = PaperEngine()

    async def answer(request: Request) -> Response:
        body = await request.json()
        generation = Generation("r", body["model"], Sampling(body["max_tokens"]))
        pieces = engine.stream(generation)
        if not body.get("stream"):
            text = "".join([piece.text async for piece in pieces])
            return JSONResponse({"choices": [{"message": {"content": text}}]})

        async def events() -> AsyncIterator[str]:
            async for piece in pieces:
                chunk = {"choices": [{"delta": {"content": piece.text}}]}
                yield f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"
            yield "data: [DONE]\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    return Starlette(routes=[Route(PATH, answer, methods=["POST"])])


def hunmin_app(data: Path) -> FastAPI:
    """Return the whole application, with a key for each program in the file `keys`."""
    settings = Settings.load(config=None, data=data, gateway__concurrent_requests_max=STREAMS_MAX)
    database = open_database(settings.database_url)
    database.migrate()
    keys = []
    for number in range(KEYS):
        with open_act(database, SYSTEM) as act:
            user = accounts.create_user(act, name=f"program {number}")
            keys.append(accounts.create_key(act, name="benchmark", user_id=user.id).secret)
    database.close()
    (data / "keys.new").write_text("\n".join(keys))
    (data / "keys.new").rename(data / "keys")
    return create_app(settings, engine=PaperEngine())


def serve(kind: str, data: Path, listening: int) -> None:
    """Serve `bare` or `hunmin` at an inherited socket, until ended."""
    allow_files()
    sock = socket.socket(fileno=listening)
    logs.set_up(format="json", level="info", stream=(data / "log").open("w"))
    app: Any = bare_app() if kind == "bare" else hunmin_app(data)
    config = uvicorn.Config(app, access_log=False, log_config=None)
    serving.keep_what_is_loaded()
    uvicorn.Server(config).run(sockets=[sock])


def allow_files() -> None:
    """Let this process have a connection for each stream."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = most == resource.RLIM_INFINITY
    wanted = FILES_MAX if unlimited else min(FILES_MAX, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


class Contender:
    """One server in a process of its own."""

    def __init__(
        self,
        kind: str,
        folder: Path,
        *,
        litellm: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it, perhaps with settings in its environment; `ready` waits for it."""
        self.kind = kind
        self.data = folder / kind
        self.data.mkdir()
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}{PATH}"
        self.keys: Iterator[str] = cycle([MASTER_KEY])
        if litellm is None:
            command = [
                sys.executable, str(Path(__file__).with_name("gateway_overhead.py")),
                "--serve", kind, "--data", str(self.data), "--listening", str(listening.fileno()),
            ]  # fmt: skip
            self.process = subprocess.Popen(
                command,
                pass_fds=[listening.fileno()],
                env={**os.environ, **(environment or {})},
            )
            listening.close()
        else:
            listening.close()
            self.process = self._start_litellm(litellm, port)

    def _start_litellm(self, program: Path, port: int) -> subprocess.Popen[bytes]:
        settings = {
            "model_list": [
                {
                    "model_name": "paper",
                    "litellm_params": {
                        "model": "openai/paper",
                        "api_key": "none",
                        "mock_response": WORD,
                    },
                }
            ],
            "general_settings": {"master_key": MASTER_KEY},
        }
        (self.data / "config.yaml").write_text(json.dumps(settings))  # JSON is YAML
        quiet = {
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # it fetches nothing
            "LITELLM_TELEMETRY": "False",
            "LITELLM_LOG": "ERROR",
        }
        return subprocess.Popen(
            [program, "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)],
            cwd=self.data,
            env={**os.environ, **quiet},
            stdout=(self.data / "log").open("w"),
            stderr=subprocess.STDOUT,
        )

    async def ready(self, session: aiohttp.ClientSession) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise SystemExit(f"{self.kind} ended while it started")
            if self.kind == "hunmin" and (self.data / "keys").exists():
                self.keys = cycle((self.data / "keys").read_text().split())
            try:
                async with self.post(session, model="paper", max_tokens=1) as response:
                    if response.status == OK:
                        return
            except aiohttp.ClientError:
                pass  # it does not listen yet
            await asyncio.sleep(0.2)
        raise SystemExit(f"{self.kind} did not start")

    def post(
        self, session: aiohttp.ClientSession, **fields: str | int
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Return a request with the next key, to be entered."""
        headers = {"Authorization": f"Bearer {next(self.keys)}"}
        return session.post(self.url, json={"messages": MESSAGES, **fields}, headers=headers)

    async def ask(self, session: aiohttp.ClientSession) -> None:
        """Ask for an answer of one token, and read it."""
        async with self.post(session, model="paper", max_tokens=1) as response:
            assert response.status == OK, await response.text()
            await response.read()

    def cpu_seconds(self) -> float:
        """Return the processor time of the server so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self) -> int:
        """Return the memory the server holds now."""
        return self._told("status", "VmRSS:")

    def share_bytes(self) -> int:
        """Return the same, of what other processes have too only its share."""
        return self._told("smaps_rollup", "Pss:")

    def _told(self, file: str, name: str) -> int:
        lines = Path(f"/proc/{self.process.pid}/{file}").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024

    def end(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
