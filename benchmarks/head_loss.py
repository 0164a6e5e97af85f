"""The head and its loss in parts, beside the same from all logits at once: time and memory.

    python benchmarks/head_loss.py [--tokens 2048] [--width 256] [--rounds 5] [--no-compile]

Forward and backward of the head alone, in the number format of `hunmin train` on this machine and
compiled as there. Times are medians of rounds in turn, in one process for each vocabulary, and the
ratio is the median of the ratios of each round: on a busy machine it alone says something. Memory
is by how much the highest resident set of a process of its own grows in one go, uncompiled, for
compilers take memory themselves.
A JSON line for each vocabulary is printed and appended to `benchmarks/results/head_loss.jsonl`.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from hunmin.train.device import Device, find_device
from hunmin.train.head_loss import HeadLoss

RESULTS = Path(__file__).parent / "results" / "head_loss.jsonl"
VOCABULARIES = (4_096, 32_768, 65_536)
WAYS = ("at once", "in parts")

AddUp = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def at_once(hidden_ND: Tensor, head_VD: Tensor, targets_N: Tensor) -> tuple[Tensor, Tensor]:
    """Return the summed loss from the logits of all tokens."""
    logits_NV = functional.linear(hidden_ND, head_VD).float()
    loss = functional.cross_entropy(logits_NV, targets_N, ignore_index=-100, reduction="sum")
    return loss, torch.zeros_like(loss)


def way_called(name: str, device: Device) -> AddUp:
    if name == "in parts":
        return HeadLoss(torch.compile if device.compiled else None).sum
    return torch.compile(at_once) if device.compiled else at_once


def go(add_up: AddUp, device: Device, problem: tuple[Tensor, Tensor, Tensor]) -> float:
    """Go forward and backward once, and return the seconds."""
    for tensor in problem[:2]:
        tensor.grad = None
    began = time.perf_counter()
    with device.precision():
        loss, _ = add_up(*problem)
    loss.backward()
    return time.perf_counter() - began


def problem_of(tokens: int, width: int, vocabulary: int) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(1)
    hidden_ND = torch.randn(tokens, width, requires_grad=True)
    head_VD = (torch.randn(vocabulary, width) * 0.02).requires_grad_()
    return hidden_ND, head_VD, torch.randint(0, vocabulary, (tokens,))


def one(asked: argparse.Namespace) -> None:
    """Measure what was asked for in this process, and print it."""
    device = find_device(compile_wanted=asked.compile)
    ways = {name: way_called(name, device) for name in WAYS if asked.only in ("times", name)}
    if asked.only == "times":
        problem = problem_of(asked.tokens, asked.width, asked.vocabulary)
        for add_up in ways.values():
            go(add_up, device, problem)
        rounds = [
            [go(add_up, device, problem) for add_up in ways.values()] for _ in range(asked.rounds)
        ]
        found = [round(statistics.median(some), 4) for some in zip(*rounds, strict=True)]
        ratio = statistics.median(parts / whole for whole, parts in rounds)
        print(json.dumps({**dict(zip(ways, found, strict=True)), "ratio": round(ratio, 2)}))
        return
    # A small problem first, so that what is loaded once is not counted.
    go(ways[asked.only], device, problem_of(32, asked.width, 64))
    problem = problem_of(asked.tokens, asked.width, asked.vocabulary)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    go(ways[asked.only], device, problem)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)


def child(asked: argparse.Namespace, vocabulary: int, only: str) -> object:
    words = ["--tokens", str(asked.tokens), "--width", str(asked.width)]
    words += ["--rounds", str(asked.rounds), "--vocabulary", str(vocabulary), "--only", only]
    words += ["--compile" if asked.compile and only == "times" else "--no-compile"]
    ended = subprocess.run(
        [sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(ended.stdout.splitlines()[-1])


def main() -> None:
    """Measure each vocabulary and write it down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--vocabulary", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        one(asked)
        return
    for vocabulary in VOCABULARIES:
        line = json.dumps(
            {
                "at": time.strftime("%Y-%m-%d"),
                "device": find_device(compile_wanted=asked.compile).describe(),
                "threads": torch.get_num_threads(),
                "cores": os.cpu_count(),
                "vocabulary": vocabulary,
                "tokens": asked.tokens,
                "width": asked.width,
                "seconds": child(asked, vocabulary, "times"),
                "bytes_more_uncompiled": {way: child(asked, vocabulary, way) for way in WAYS},
            }
        )
        print(line, flush=True)
        with RESULTS.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")


if __name__ == "__main__":
    main()
