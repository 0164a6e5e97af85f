"""How fast the engines answer one, eight and sixteen people, beside plain Transformers.

    python benchmarks/engine_speed.py --model models/reference > result.json

In one run, on one machine: the OpenVINO engine, the Transformers engine, and as the peer what most
people write first, `model.generate` on a batch in PyTorch. All get the same prompts and generate up
to the same number of tokens with the same sampling. Each round runs all of them one after another,
so that what else the machine does hits all alike. Tokens a second count every token of every
answer, and the prompt's time too. Data goes to stdout, progress to stderr. Kept
results lie in `benchmarks/results/`.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hunmin import logs
from hunmin.inference import EmbeddedEngine, openvino, transformers
from hunmin.inference.folder import ModelFolder
from hunmin.inference.ways import core_count
from hunmin.model import PAD_ID
from hunmin.plugins import Generation, Sampling

STREAMS = (1, 8, 16)
PROMPT_TOKENS = 128
NEW_TOKENS = 100
SAMPLING = Sampling(max_tokens=NEW_TOKENS, temperature=0.7, top_p=0.9)
TEXT = (
    "세종대왕은 백성이 쉽게 배우고 쓸 수 있도록 훈민정음을 만들었다. 이 글자는 소리를 내는 "
    "기관의 모양을 본떠 만들었고, 누구나 며칠이면 익힐 수 있다고 하였다. "
)


def prompts(model: ModelFolder, count: int, salt: int) -> list[str]:
    """Return texts of about `PROMPT_TOKENS` tokens that differ from the first token on."""
    texts = []
    for number in range(count):
        text = f"{salt}-{number}. " + TEXT * 40
        size = len(text)
        while len(model.encode(Generation("", "m", SAMPLING, prompt=text[:size]))) > PROMPT_TOKENS:
            size = int(size * 0.95)
        texts.append(text[:size])
    return texts


async def ask(engine: EmbeddedEngine, text: str, seed: int) -> tuple[float, int]:
    """Return the seconds to the first text, and the tokens of one answer."""
    sampling = Sampling(NEW_TOKENS, SAMPLING.temperature, SAMPLING.top_p, seed=seed)
    started = time.perf_counter()
    first = tokens = 0.0
    async for delta in engine.stream(Generation("r", "m", sampling, prompt=text)):
        first = first or time.perf_counter() - started
        tokens = delta.completion_tokens
    return first, int(tokens)


async def measure(engine: EmbeddedEngine, texts: list[str]) -> dict[str, float]:
    started = time.perf_counter()
    answers = await asyncio.gather(*(ask(engine, text, n) for n, text in enumerate(texts)))
    return summary(started, [tokens for _, tokens in answers], [first for first, _ in answers])


def summary(started: float, tokens: list[int], firsts: list[float]) -> dict[str, float]:
    seconds = time.perf_counter() - started
    return {
        "tokens": sum(tokens),
        "seconds": round(seconds, 4),
        "tokens_per_second": round(sum(tokens) / seconds, 1),
        "first_text_seconds": round(statistics.median(firsts), 4) if firsts else 0.0,
    }


def peer(folder: Path, threads: int, pipe: Connection) -> None:
    """Serve batches with `model.generate` until told to stop."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}  # as ours
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(threads)
    started = time.perf_counter()
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    pipe.send(round(time.perf_counter() - started, 3))
    while (batch := pipe.recv()) is not None:
        longest = max(map(len, batch["prompts"]))
        ids = torch.tensor([[PAD_ID] * (longest - len(row)) + row for row in batch["prompts"]])
        mask = torch.tensor(
            [[0] * (longest - len(row)) + [1] * len(row) for row in batch["prompts"]]
        )
        torch.manual_seed(0)
        started = time.perf_counter()
        output = model.generate(
            ids,
            attention_mask=mask,
            max_new_tokens=NEW_TOKENS,
            do_sample=True,
            temperature=SAMPLING.temperature,
            top_p=SAMPLING.top_p,
            top_k=0,
            eos_token_id=batch["stop_ids"],
            pad_token_id=PAD_ID,
        )[:, longest:]
        tokens = [int((row != PAD_ID).sum()) for row in output]
        pipe.send(summary(started, tokens, []))


def run(folder: Path, *, rounds: int, threads: int) -> dict[str, Any]:
    model = ModelFolder("m", folder)
    loop = asyncio.new_event_loop()
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    result: dict[str, Any] = {"about": about(folder, threads), "engines": {}, "rounds": []}
    with tempfile.TemporaryDirectory() as cache:
        engines = {}
        for name, maker in (("openvino", openvino), ("transformers", transformers)):
            started = time.perf_counter()
            engine = maker.open_engine({"m": folder}, cache=Path(cache) / name, threads=threads)
            loop.run_until_complete(engine.start())
            ready_seconds = round(time.perf_counter() - started, 3)
            engines[name] = engine
            result["engines"][name] = {"ready_seconds": ready_seconds, **engine.host("m").facts}
        process = context.Process(target=peer, args=(folder, threads, theirs), daemon=True)
        process.start()
        result["engines"]["generate"] = {"load_seconds": ours.recv()}
        for number in range(rounds):
            for streams in STREAMS:
                row: dict[str, Any] = {"streams": streams, "load_average": os.getloadavg()[0]}
                for place, (name, engine) in enumerate(engines.items()):
                    texts = prompts(model, streams, salt=number * 10 + place)
                    row[name] = loop.run_until_complete(measure(engine, texts))
                texts = prompts(model, streams, salt=number * 10 + 9)
                encoded = [model.encode(Generation("", "m", SAMPLING, prompt=t)) for t in texts]
                ours.send({"prompts": encoded, "stop_ids": model.stop_ids})
                row["generate"] = ours.recv()
                result["rounds"].append(row)
                print(json.dumps(row), file=sys.stderr)
        ours.send(None)
        process.join()
        for engine in engines.values():
            loop.run_until_complete(engine.close())
    result["median_tokens_per_second"] = {
        name: {
            streams: statistics.median(
                row[name]["tokens_per_second"]
                for row in result["rounds"]
                if row["streams"] == streams
            )
            for streams in STREAMS
        }
        for name in ("openvino", "transformers", "generate")
    }
    return result


def about(folder: Path, threads: int) -> dict[str, Any]:
    config = json.loads((folder / "config.json").read_text())
    packages = ("openvino-genai", "transformers", "torch")
    return {
        "model": folder.name,
        "shape": {key: config[key] for key in ("hidden_size", "num_hidden_layers", "vocab_size")},
        "prompt_tokens": PROMPT_TOKENS,
        "new_tokens_max": NEW_TOKENS,
        "threads": threads,
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "versions": {package: version(package) for package in packages},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("models/reference"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    logs.set_up()
    result = run(arguments.model, rounds=arguments.rounds, threads=core_count(arguments.threads))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
