"""What speaking to an engine on another machine takes, beside a client that does nothing else.

    python benchmarks/upstream_overhead.py > result.json

A stand-in for vLLM (`tests/support/vllm.py`), in a process of its own, answers at once with a few
tokens. It is asked the same by `hunmin.upstreams`, which cuts the prompt into tokens, routes, reads
the events and makes text of them, and by a bare client of the same library, which sends a body made
beforehand and reads the bytes. They take turns, one request each; what ours takes more is what it
adds. No GPU is needed. Data goes to stdout, progress to stderr.
"""

import argparse
import asyncio
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

import aiohttp

sys.path.insert(0, str(Path(__file__).parents[1]))  # the stand-in lies among the tests

from hunmin import logs
from hunmin.inference.folder import ModelFolder
from hunmin.plugins import Generation, Message, Sampling
from hunmin.settings import UpstreamSettings
from hunmin.upstreams import open_engine
from hunmin.upstreams.dialects import DIALECTS
from hunmin.upstreams.wire import body
from tests.support.scripted_model import Parrot
from tests.support.vllm import VllmStandIn

TOKENS = 8
QUESTION = "훈민정음은 언제, 누가, 왜 만들었습니까? 세 문장으로 답해 주십시오. " * 4
SAMPLING = Sampling(max_tokens=TOKENS, temperature=0.0)
MODEL = "m"


async def stand_in(folder: Path) -> None:
    """Serve until the parent closes stdin; say where."""
    server = VllmStandIn({MODEL: Parrot(ModelFolder(MODEL, folder))})
    server.faults.token_seconds = 0.0
    async with server:
        print(server.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


def question() -> Generation:
    return Generation("r", MODEL, SAMPLING, tenant="t", messages=(Message("user", QUESTION),))


async def measure(url: str, folder: Path, data: Path, rounds: int) -> dict[str, Any]:
    """Return the median milliseconds of a request by both ways, and the processor time of each."""
    settings = UpstreamSettings(url=url, models={MODEL: MODEL}, tokenizer=folder)
    engine = open_engine({"up": settings}, data=data)
    await engine.start()
    sent = body(
        question(),
        DIALECTS["vllm"],
        model=MODEL,
        prompt=list(await engine.encode(question())),
        max_tokens=TOKENS,
        stop_ids=ModelFolder(MODEL, folder).stop_ids,
        salt="s" * 43,
    )
    connector = aiohttp.TCPConnector(limit=0)
    found: dict[str, list[tuple[float, float]]] = {"ours": [], "bare": []}
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ours() -> None:
            async with aclosing(engine.stream(question())) as deltas:
                async for _ in deltas:
                    pass

        async def bare() -> None:
            async with session.post(f"{url}/v1/completions", json=sent) as response:
                assert response.status == 200, await response.text()  # noqa: PLR2004
                async for _ in response.content.iter_any():
                    pass

        for number in range(rounds + rounds // 10):
            for name, ask in (("ours", ours), ("bare", bare)):
                began, cpu = time.perf_counter(), time.process_time()
                await ask()
                if number >= rounds // 10:  # the first ones warm up
                    took = time.perf_counter() - began, time.process_time() - cpu
                    found[name].append(took)
    await engine.close()
    medians = {
        name: {
            "wall_ms": round(statistics.median(wall for wall, _ in took) * 1000, 3),
            "cpu_ms": round(statistics.median(cpu for _, cpu in took) * 1000, 3),
        }
        for name, took in found.items()
    }
    adds = {key: round(medians["ours"][key] - medians["bare"][key], 3) for key in medians["ours"]}
    return {**medians, "ours_adds": adds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("models/reference"))
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--stand-in", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = arguments.model.absolute()
    if arguments.stand_in:
        asyncio.run(stand_in(folder))
        return
    logs.set_up()
    command = [sys.executable, __file__, "--stand-in", "--model", str(folder)]
    with (
        tempfile.TemporaryDirectory() as data,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server,
    ):
        assert server.stdout is not None
        assert server.stdin is not None
        url = server.stdout.readline().strip()
        gc.disable()
        found = asyncio.run(measure(url, folder, Path(data), arguments.rounds))
        server.stdin.close()
    about = {
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "tokens": TOKENS,
        "rounds": arguments.rounds,
        "load_average": os.getloadavg()[0],
    }
    print(json.dumps({"about": about, **found}, indent=1))


if __name__ == "__main__":
    main()
