"""How large a model's process is after so many requests: it may grow at first, and not for ever.

    python benchmarks/engine_memory.py --model models/reference > result.json

Requests of any length come eight at a time, and every fourth reader goes away after the first piece
of the answer. Told is the memory the process holds (resident), every hundred requests. There is no
peer. Data goes to stdout, progress to stderr.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
from contextlib import aclosing
from pathlib import Path

from hunmin import logs
from hunmin.inference import EmbeddedEngine, openvino
from hunmin.plugins import Generation, Sampling

AT_ONCE = 8
PIECE = 100
"""Requests between two looks."""


def resident_bytes(process_id: int) -> int:
    pages = Path(f"/proc/{process_id}/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def ask_many(engine: EmbeddedEngine, dice: random.Random, count: int) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def ask() -> None:
        prompt = "훈민정음은 백성을 가르치는 바른 소리라. " * dice.randrange(10)
        sampling = Sampling(max_tokens=dice.randint(1, 60))
        leaves = dice.random() < 1 / 4
        async with (
            places,
            aclosing(engine.stream(Generation("r", "m", sampling, prompt=prompt))) as deltas,  # type: ignore[type-var]
        ):
            async for _ in deltas:
                if leaves:
                    break

    await asyncio.gather(*(ask() for _ in range(count)))


async def run(folder: Path, requests: int) -> list[dict[str, float]]:
    dice = random.Random(7)  # noqa: S311 (the same each time)
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as cache:
        engine = openvino.open_engine({"m": folder}, cache=Path(cache))
        await engine.start()
        process_id = engine.host("m").process_id
        assert process_id is not None
        for done in range(0, requests + 1, PIECE):
            rows.append({"requests": done, "mb": round(resident_bytes(process_id) / 1e6, 1)})
            print(json.dumps(rows[-1]), file=sys.stderr)
            if done < requests:
                await ask_many(engine, dice, PIECE)
        await engine.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("models/reference"))
    parser.add_argument("--requests", type=int, default=1000)
    arguments = parser.parse_args()
    logs.set_up()
    rows = asyncio.run(run(arguments.model, arguments.requests))
    print(json.dumps({"model": arguments.model.name, "resident": rows}, indent=1))


if __name__ == "__main__":
    main()
