"""What the gateway adds to a request: key, limits, two transactions, audit events, typed JSON.

    python benchmarks/gateway_overhead.py > result.json

Two servers answer the same requests in one run, in turns, with the same engine made of paper: the
whole of Hunmin, and as the peer a bare Starlette route that only streams what the engine says: no
key, no limit, no record. The difference is what Hunmin's promises cost. Time is as a client sees
it; processor time is the server's own, which a busy machine changes less. Data goes to stdout,
progress to stderr. Kept results lie in `benchmarks/results/`.
"""

import argparse
import asyncio
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from hunmin import accounts, logs
from hunmin.act import SYSTEM, open_act
from hunmin.db import open_database
from hunmin.plugins import Delta, Generation, ModelCard, Sampling
from hunmin.settings import Settings
from hunmin.web import create_app

TOKENS = 50
PATH = "/v1/chat/completions"
BODY = {
    "model": "paper",
    "max_tokens": TOKENS,
    "messages": [{"role": "user", "content": "훈민정음이 무엇인가요? " * 10}],
}


class PaperEngine:
    """Says the same word at once, a piece a token, so that only the way costs time."""

    async def start(self) -> None:
        """Nothing to load."""

    def models(self) -> list[ModelCard]:
        """Return its one model."""
        return [ModelCard("paper", None, 100_000, 0, frozenset({"chat", "completion"}))]

    def count_prompt_tokens(self, generation: Generation) -> int:
        """Count each character."""
        return sum(len(message.content) for message in generation.messages)

    async def stream(self, generation: Generation) -> AsyncIterator[Delta]:
        """Say the word as often as asked."""
        for token in range(1, generation.sampling.max_tokens + 1):
            await asyncio.sleep(0)
            yield Delta("소리", None, 140, token)
        yield Delta("", "length", 140, generation.sampling.max_tokens)

    def healthy(self) -> bool:
        """Return that it is."""
        return True

    async def close(self) -> None:
        """Nothing to free."""


def bare_app() -> Starlette:
    """Return the peer: it streams, and keeps no promise."""
    engine = PaperEngine()

    async def answer(request: Request) -> Response:
        body = await request.json()
        pieces = engine.stream(Generation("r", "paper", Sampling(body["max_tokens"])))
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


def serve(kind: str, data: Path, listening: int) -> None:
    """Serve one contender at an inherited socket, until ended."""
    sock = socket.socket(fileno=listening)
    logs.set_up(format="json", level="error")
    if kind == "bare":
        app: Any = bare_app()
    else:
        settings = Settings.load(
            config=None, data=data, gateway__requests_per_minute_max=10**9,
            gateway__concurrent_per_key_max=1000, gateway__concurrent_requests_max=1000,
        )  # fmt: skip
        database = open_database(settings.database_url)
        database.migrate()
        with open_act(database, SYSTEM) as act:
            user = accounts.create_user(act, name="benchmark")
            secret = accounts.create_key(act, name="benchmark", user_id=user.id).secret
        database.close()
        (data / "key").write_text(secret)
        app = create_app(settings, engine=PaperEngine())
    config = uvicorn.Config(app, access_log=False, log_config=None)
    uvicorn.Server(config).run(sockets=[sock])


class Contender:
    """One server in a process of its own."""

    def __init__(self, kind: str, data: Path) -> None:
        self.kind = kind
        self.data = data / kind
        self.data.mkdir()
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}{PATH}"
        self.process = subprocess.Popen(
            [
                sys.executable, __file__, "--serve", kind, "--data", str(self.data),
                "--listening", str(listening.fileno()),
            ],
            pass_fds=[listening.fileno()],
        )  # fmt: skip
        listening.close()
        self.ms: list[float] = []
        self.per_second: list[float] = []
        self.cpu_ms: list[float] = []
        self.headers = {"Authorization": "Bearer none"}

    async def ready(self, session: aiohttp.ClientSession) -> None:
        """Wait until it answers; the answers warm it up."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            key = self.data / "key"
            if key.exists():
                self.headers = {"Authorization": f"Bearer {key.read_text()}"}
            async with session.post(self.url, json=BODY, headers=self.headers) as response:
                if response.status == 200:  # noqa: PLR2004
                    return
            await asyncio.sleep(0.2)
        raise SystemExit(f"{self.kind} did not start")

    async def ask(self, session: aiohttp.ClientSession, *, stream: bool) -> float:
        """Return the milliseconds one request took."""
        began = time.perf_counter()
        body = {**BODY, "stream": stream}
        async with session.post(self.url, json=body, headers=self.headers) as response:
            assert response.status == 200, await response.text()  # noqa: PLR2004
            await response.read()
        return (time.perf_counter() - began) * 1000

    def cpu_seconds(self) -> float:
        """Return the processor time of the server so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def summary(self) -> dict[str, Any]:
        """Return what was measured."""
        return {
            "one_at_a_time_ms": {
                "median": round(statistics.median(self.ms), 2),
                "p99": round(statistics.quantiles(self.ms, n=100)[98], 2),
            },
            "streams_per_second": round(statistics.median(self.per_second), 1),
            "streams_per_second_rounds": [round(value, 1) for value in self.per_second],
            "cpu_ms_per_request": round(statistics.median(self.cpu_ms), 2),
        }


async def measure(contenders: list[Contender], *, rounds: int, requests: int, at_once: int) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        for contender in contenders:
            await contender.ready(session)
        for number in range(rounds):
            for contender in contenders:
                cpu = contender.cpu_seconds()
                contender.ms += [
                    await contender.ask(session, stream=False) for _ in range(requests)
                ]
                began = time.perf_counter()
                for _ in range(requests // at_once):
                    together = [contender.ask(session, stream=True) for _ in range(at_once)]
                    await asyncio.gather(*together)
                streams = requests // at_once * at_once
                contender.per_second.append(streams / (time.perf_counter() - began))
                spent = contender.cpu_seconds() - cpu
                contender.cpu_ms.append(spent * 1000 / (requests + streams))
            print(f"round {number + 1} of {rounds}", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=200, help="of each sort, in each round")
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--serve", choices=["bare", "hunmin"], help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--listening", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.data, options.listening)
        return
    with tempfile.TemporaryDirectory() as folder:
        contenders = [Contender(kind, Path(folder)) for kind in ("bare", "hunmin")]
        try:
            asyncio.run(
                measure(
                    contenders,
                    rounds=options.rounds,
                    requests=options.requests,
                    at_once=options.at_once,
                )
            )
        finally:
            for contender in contenders:
                contender.process.terminate()
                contender.process.wait(30)
    bare, hunmin = contenders
    result = {
        "machine": {
            "cpu": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "load_average_1min": round(os.getloadavg()[0], 2),
            "python": platform.python_version(),
        },
        "versions": {name: version(name) for name in ("fastapi", "starlette", "uvicorn")},
        "tokens_per_answer": TOKENS,
        "rounds": options.rounds,
        "requests_per_round": options.requests,
        "streams_at_once": options.at_once,
        "added_ms": {
            "median": round(statistics.median(hunmin.ms) - statistics.median(bare.ms), 2),
            "p99": round(
                statistics.quantiles(hunmin.ms, n=100)[98]
                - statistics.quantiles(bare.ms, n=100)[98],
                2,
            ),
        },
        "contenders": {contender.kind: contender.summary() for contender in contenders},
    }
    json.dump(result, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
