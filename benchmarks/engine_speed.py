"""How fast the engines answer one, eight and sixteen people, beside llama.cpp and Transformers.

    python benchmarks/engine_speed.py --model models/reference > result.json
    python benchmarks/engine_speed.py --random > result.json

In one run, on one machine: the engines of Hunmin, and as peers llama.cpp's own server and what most
people write first, `model.generate` on a batch in PyTorch (`engine_contenders.py`). OpenVINO and
llama.cpp read the same GGUF, in eight bits and in four. `--random` takes a model of 60 million
random weights, and always the most probable token. All get the same prompts and generate up to the
same number of tokens with the same sampling. Each round runs all of them one after another, so that
what else the machine does hits all alike. Tokens a second count every token of every answer, and
the prompt's time too; tokens a second of processor time hardly depend on what else runs. Data goes
to stdout, progress to stderr. Kept results lie in `benchmarks/results/`.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine_contenders import (
    GREEDY,
    NEW_TOKENS,
    SAMPLING,
    Contender,
    Generate,
    LlamaCpp,
    Ours,
)
from engine_models import write_four_bits, write_random

from hunmin import logs
from hunmin.inference import llama_cpp, openvino, transformers
from hunmin.inference.folder import ModelFolder
from hunmin.inference.ways import core_count
from hunmin.plugins import Generation, Sampling

STREAMS = (1, 8, 16)
PROMPT_TOKENS = 128
TEXT = (
    "세종대왕은 백성이 쉽게 배우고 쓸 수 있도록 훈민정음을 만들었다. 이 글자는 소리를 내는 "
    "기관의 모양을 본떠 만들었고, 누구나 며칠이면 익힐 수 있다고 하였다. "
)


def prompts(model: ModelFolder, count: int, salt: int) -> list[list[int]]:
    """Return prompts of `PROMPT_TOKENS` tokens that differ from the first words on."""
    texts = (f"{salt}-{number}. " + TEXT * 8 for number in range(count))
    encoded = (model.encode(Generation("", "m", SAMPLING, prompt=text)) for text in texts)
    return [tokens[:PROMPT_TOKENS] for tokens in encoded]


def contenders(
    folder: Path, scratch: Path, *, sampling: Sampling, threads: int
) -> dict[str, Contender]:
    four = write_four_bits(folder, scratch / "four-bits")

    def ours(maker: Any, name: str, of: Path) -> Ours:  # noqa: ANN401 (a module)
        return Ours(maker, of, sampling=sampling, cache=scratch / name, threads=threads)

    def server(of: Path) -> LlamaCpp:
        return LlamaCpp(of, sampling=sampling, threads=threads)

    return {
        "openvino": ours(openvino, "openvino", folder),
        "llama.cpp": ours(llama_cpp, "llama.cpp", folder),
        "llama.cpp's server": server(folder),
        "openvino, 4 bits": ours(openvino, "openvino-4", four),
        "llama.cpp, 4 bits": ours(llama_cpp, "llama.cpp-4", four),
        "llama.cpp's server, 4 bits": server(four),
        "transformers": ours(transformers, "transformers", folder),
        "generate": Generate(folder, sampling=sampling, threads=threads),
    }


async def run(
    folder: Path,
    scratch: Path,
    *,
    rounds: int,
    threads: int,
    streams: list[int],
    engines: list[str],
    sampling: Sampling,
) -> dict[str, Any]:
    model = ModelFolder("m", folder)
    result: dict[str, Any] = {"about": about(folder, threads), "engines": {}, "rounds": []}
    known = contenders(folder, scratch, sampling=sampling, threads=threads)
    racing = {name: contender for name, contender in known.items() if name in (engines or known)}
    for name, contender in racing.items():
        result["engines"][name] = await contender.open()
        await contender.measure(prompts(model, 1, salt=99), model.stop_ids)  # it warms up
    for number in range(rounds):
        for count in streams:
            row: dict[str, Any] = {"streams": count, "load_average": os.getloadavg()[0]}
            for place, (name, contender) in enumerate(racing.items()):
                asked = prompts(model, count, salt=number * 10 + place)
                row[name] = await contender.measure(asked, model.stop_ids)
            result["rounds"].append(row)
            print(json.dumps(row), file=sys.stderr)
    for contender in racing.values():
        await contender.close()
    for key in ("tokens_per_second", "tokens_per_cpu_second"):
        result[f"median_{key}"] = {
            name: {
                count: statistics.median(
                    row[name][key] for row in result["rounds"] if row["streams"] == count
                )
                for count in streams
            }
            for name in racing
        }
    return result


def about(folder: Path, threads: int) -> dict[str, Any]:
    config = json.loads((folder / "config.json").read_text())
    packages = ("openvino-genai", "transformers", "torch", "xllamacpp")
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
    parser.add_argument("--random", action="store_true", help="60 million random weights")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--streams", type=int, nargs="+", default=list(STREAMS))
    parser.add_argument("--engines", nargs="*", default=[], help="Names; all where none is said.")
    arguments = parser.parse_args()
    logs.set_up()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.model
        if arguments.random:
            folder = write_random(Path(scratch) / "random-60m", like=folder)
        result = asyncio.run(
            run(
                folder,
                Path(scratch),
                rounds=arguments.rounds,
                threads=core_count(arguments.threads),
                streams=arguments.streams,
                engines=arguments.engines,
                sampling=GREEDY if arguments.random else SAMPLING,
            )
        )
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
