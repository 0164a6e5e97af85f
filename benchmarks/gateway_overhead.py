"""What the gateway adds to an answer, how many it takes, and what open streams cost.

    python benchmarks/gateway_overhead.py --litellm VENV/bin/litellm > result.json

The servers (`gateway_contenders.py`) are asked in turns in one run, on the same paper engine:

- at a steady pace, 200 requests a second: the time of an answer from the moment its request was
  due, so that waiting in line counts. What `hunmin` takes more than `bare` is what it adds.
- as many as it takes, 32 at a time: requests a second.
- streams on an engine that thinks for 50 ms: the time to the first token, through `hunmin` and
  through `bare`.
- a thousand streams that stay open: the memory of the server.

LiteLLM is no dependency: give it a virtual environment of its own, `pip install 'litellm[proxy]'`,
and not 1.82.7, 1.82.8 or 1.107.0, which held malware. Without `--litellm` it is left out. Data
goes to stdout, progress to stderr. Kept results lie in `benchmarks/results/`.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiohttp
from gateway_contenders import OK, SLOW_SECONDS, Contender, allow_files, serve

AT_ONCE = 32
TRIES_MAX = 60
BUSY = 503


async def at_pace(
    contender: Contender, session: aiohttp.ClientSession, *, per_second: int, seconds: float
) -> list[float]:
    """Return the milliseconds of each answer, counted from when its request was due."""
    loop = asyncio.get_running_loop()
    began = loop.time() + 0.1

    async def one(number: int) -> float:
        due = began + number / per_second
        await asyncio.sleep(due - loop.time())
        await contender.ask(session)
        return (loop.time() - due) * 1000

    return await asyncio.gather(*(one(n) for n in range(int(per_second * seconds))))


async def at_most(
    contender: Contender, session: aiohttp.ClientSession, *, seconds: float
) -> dict[str, float]:
    """Return how many answers a second it gives, and its processor time for each."""
    asked, cpu, began = 0, contender.cpu_seconds(), time.perf_counter()

    async def program() -> None:
        nonlocal asked
        while time.perf_counter() - began < seconds:
            await contender.ask(session)
            asked += 1

    await asyncio.gather(*(program() for _ in range(AT_ONCE)))
    return {
        "per_second": asked / (time.perf_counter() - began),
        "cpu_ms": (contender.cpu_seconds() - cpu) * 1000 / asked,
    }


async def first_token_ms(contender: Contender, session: aiohttp.ClientSession) -> float:
    """Return the milliseconds until a stream of the slow engine says its first word."""
    began = time.perf_counter()
    async with contender.post(session, model="slow", max_tokens=2, stream=True) as response:
        async for line in response.content:
            if b'"content":"' in line.replace(b": ", b":") and b'"content":""' not in line:
                return (time.perf_counter() - began) * 1000
    raise AssertionError("the stream said nothing")


async def streams_mib(
    contender: Contender, session: aiohttp.ClientSession, *, streams: int
) -> dict[str, float]:
    """Return the memory of a server before and with many open streams, each of which speaks."""
    before = contender.memory_bytes()
    async with AsyncExitStack() as open_streams:
        at_once = asyncio.Semaphore(AT_ONCE)  # who comes with more is refused for the moment

        async def begin() -> aiohttp.ClientResponse:
            async with at_once:
                for _ in range(TRIES_MAX):
                    asked = contender.post(session, model="endless", max_tokens=600, stream=True)
                    response: aiohttp.ClientResponse = await open_streams.enter_async_context(asked)
                    if response.status != BUSY:
                        break
                    await response.read()
                    await asyncio.sleep(1)
            assert response.status == OK, await response.text()
            return response

        opened = await asyncio.gather(*(begin() for _ in range(streams)))
        for response in opened:
            for _ in range(4):  # the opening and the first word, an empty line after each
                await response.content.readline()
        held, share = contender.memory_bytes(), contender.share_bytes()
        for response in opened:
            response.close()
    found = {"before": before, "with_streams": held, "with_streams_pss": share}
    return {f"{name}_mib": one / 2**20 for name, one in found.items()}


async def measure(contenders: list[Contender], options: argparse.Namespace) -> dict[str, Any]:
    """Return what each contender came to, over all rounds."""
    found: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=None)
    ) as session:
        for contender in contenders:
            await contender.ready(session)
            await at_most(contender, session, seconds=2)
        for number in range(options.rounds):
            for contender in contenders:
                kept = found[contender.kind]
                if contender.kind != "litellm":
                    paced = await at_pace(
                        contender, session, per_second=options.pace, seconds=options.seconds
                    )
                    kept["paced_ms"].append(paced)
                    kept["first_token_ms"] += [
                        await first_token_ms(contender, session) for _ in range(10)
                    ]
                kept["at_most"].append(await at_most(contender, session, seconds=options.seconds))
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        for contender in contenders:
            if contender.kind != "litellm":
                found[contender.kind]["streams"].append(
                    await streams_mib(contender, session, streams=options.streams)
                )
    return {kind: summary(kept) for kind, kept in found.items()}


def summary(kept: dict[str, list[Any]]) -> dict[str, Any]:
    """Return the medians of all rounds, and each round's."""
    told: dict[str, Any] = {}
    if kept["paced_ms"]:
        paced = [ms for one in kept["paced_ms"] for ms in one]
        told["paced_ms"] = {
            "median": round(statistics.median(paced), 2),
            "p99": round(p99(paced), 2),
            "median_rounds": [round(statistics.median(one), 2) for one in kept["paced_ms"]],
            "p99_rounds": [round(p99(one), 2) for one in kept["paced_ms"]],
        }
        told["first_token_ms"] = round(statistics.median(kept["first_token_ms"]), 2)
        told["streams"] = {name: round(mib, 1) for name, mib in kept["streams"][0].items()}
    for name in ("per_second", "cpu_ms"):
        values = [one[name] for one in kept["at_most"]]
        told[name] = round(statistics.median(values), 2)
        told[f"{name}_rounds"] = [round(value, 2) for value in values]
    return told


def p99(values: list[float]) -> float:
    """Return what 99 of 100 stay below."""
    return statistics.quantiles(values, n=100)[98]


def compare(found: dict[str, Any]) -> dict[str, float]:
    """Return what the question asks for."""
    hunmin, bare = found["hunmin"], found["bare"]
    asked = {
        "added_ms_median": round(hunmin["paced_ms"]["median"] - bare["paced_ms"]["median"], 2),
        "added_ms_p99": round(hunmin["paced_ms"]["p99"] - bare["paced_ms"]["p99"], 2),
        "first_token_ratio": round(hunmin["first_token_ms"] / bare["first_token_ms"], 3),
        "streams_mib": hunmin["streams"]["with_streams_mib"],
    }
    if "litellm" in found:
        ratio = hunmin["per_second"] / found["litellm"]["per_second"]
        asked["requests_per_second_against_litellm"] = round(ratio, 2)
    return asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10, help="of each part of a round")
    parser.add_argument("--pace", type=int, default=200, help="requests a second")
    parser.add_argument("--streams", type=int, default=1000, help="that stay open")
    parser.add_argument("--litellm", type=Path, help="LiteLLM's program")
    parser.add_argument("--serve", choices=["bare", "hunmin"], help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--listening", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.data, options.listening)
        return
    allow_files()
    contenders: list[Contender] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            contenders += [Contender(kind, Path(folder)) for kind in ("bare", "hunmin")]
            if options.litellm:
                program = options.litellm.absolute()
                contenders.append(Contender("litellm", Path(folder), litellm=program))
            found = asyncio.run(measure(contenders, options))
        finally:
            for contender in contenders:
                contender.end()
    result = {
        "machine": {
            "cpu": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "load_average_1min": round(os.getloadavg()[0], 2),
            "python": platform.python_version(),
        },
        "versions": versions(options.litellm),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "requests_per_second_paced": options.pace,
        "requests_at_once": AT_ONCE,
        "engine_first_token_ms": SLOW_SECONDS * 1000,
        "streams": options.streams,
        "asked": compare(found),
        "contenders": found,
    }
    json.dump(result, sys.stdout, indent=2)
    print()


def versions(litellm: Path | None) -> dict[str, str]:
    """Return the versions of what was measured."""
    found = {name: version(name) for name in ("fastapi", "starlette", "uvicorn", "sqlalchemy")}
    if litellm:
        ask = "from importlib.metadata import version; print(version('litellm'))"
        python = litellm.with_name("python")
        told = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True)
        found["litellm"] = told.stdout.strip()
    return found


if __name__ == "__main__":
    main()
