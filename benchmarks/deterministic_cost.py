"""What `--deterministic` costs: steps of the same model with it and without, in turn.

    python benchmarks/deterministic_cost.py [SIZE] [--sequence N] [--sequences 8] [--rounds 20]

SIZE is S, M, L or a depth; by default S on a GPU and 4 on a CPU, with sequences of 256 there. Both
models begin with the same weights and learn the same tokens, of documents kept apart, with Muon;
one takes the attention kernel that is fastest, the other the one a deterministic run takes. cuBLAS
has the workspace of a deterministic run for both: it is set once in a process. The first three
rounds, in which layers are compiled, are left out; the ratio is the median of the pairs. Whether
two ways back through one batch give the same bits is told of both. One JSON line is printed and
appended to `benchmarks/results/deterministic_cost.jsonl`.
"""

import argparse
import dataclasses
import json
import os
import statistics
import time
from pathlib import Path

import torch

from hunmin import model, train
from hunmin.train.attention_choice import choose
from hunmin.train.attention_timing import Case
from hunmin.train.determinism import same_bits
from hunmin.train.device import find_device
from hunmin.train.learner import build_learner, initialize
from hunmin.train.optimizers import build_optimizers
from hunmin.train.world import World

RESULTS = Path(__file__).parent / "results" / "deterministic_cost.jsonl"
WARM = 3
DOCUMENTS = 4


class Runner:
    """A model that learns one batch again and again, deterministically or not."""

    def __init__(self, shape: model.ModelConfig, *, sequences: int, deterministic: bool) -> None:
        stage = train.TrainConfig(
            stage="pretrain",
            steps=1000,
            batch_sequences=sequences,
            sequence_tokens=shape.context_tokens,
            learning_rate=1e-4,
            optimizer="muon",
            documents_apart=True,
        )
        device = find_device(deterministic=deterministic)
        case = Case.of(stage, shape, device, tensor=1)
        with same_bits(wanted=deterministic):
            kernel = choose(case, device.device, deterministic=deterministic)
        self.device = dataclasses.replace(device, attention=kernel)
        self.learner = build_learner(shape, self.device, World())
        initialize(self.learner, 1)
        self.optimizers = build_optimizers(
            self.learner.transformer, stage, bfloat16=device.bfloat16
        )
        chance = torch.Generator().manual_seed(1)
        length = stage.sequence_tokens
        ids = torch.randint(0, shape.vocab_size, (sequences, length + 1), generator=chance)
        self.inputs = ids[:, :-1].to(device.device)
        self.targets = ids[:, 1:].to(device.device)
        segments = (torch.arange(length) * DOCUMENTS // length).expand(sequences, -1)
        self.segments = segments.contiguous().to(device.device)

    def gradients(self) -> list[torch.Tensor]:
        """Go forward and back, and return what the weights would learn."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        with same_bits(wanted=self.device.deterministic):
            with self.device.precision():
                loss, _ = self.learner(self.inputs, self.targets, self.segments)
            (loss / self.targets.numel()).backward()
        return [weight.grad for weight in self.learner.parameters()]

    def step_seconds(self) -> float:
        """Do one step."""
        self._wait()
        began = time.perf_counter()
        self.gradients()
        with same_bits(wanted=self.device.deterministic):
            for optimizer in self.optimizers:
                optimizer.step()
        self._wait()
        return time.perf_counter() - began

    def gives_the_same_bits(self) -> bool:
        """Whether the same batch gives the same gradients again."""
        first = [one.clone() for one in self.gradients()]
        return all(map(torch.equal, first, self.gradients()))

    def _wait(self) -> None:
        if self.device.device.type == "cuda":
            torch.cuda.synchronize()


def measure(size: str, *, sequence: int | None, sequences: int, rounds: int) -> dict[str, object]:
    """Let both learn in turn, and return medians."""
    shape = model.shape_of(size, context_tokens=sequence)
    usual, deterministic = both = [
        Runner(shape, sequences=sequences, deterministic=wanted) for wanted in (False, True)
    ]
    same = [one.gives_the_same_bits() for one in both]
    pairs = []
    for number in range(WARM + rounds):
        turn = both if number % 2 else both[::-1]  # neither is always the first
        taken = {one: one.step_seconds() for one in turn}
        pairs.append((taken[usual], taken[deterministic]))
    pairs = pairs[WARM:]
    return {
        "question": "what --deterministic costs",
        "size": size.upper(),
        "sequence": shape.context_tokens,
        "sequences": sequences,
        "usual": usual.device.describe(),
        "deterministic": deterministic.device.describe(),
        "step_seconds": [round(statistics.median(times), 4) for times in zip(*pairs, strict=True)],
        "slowdown": round(statistics.median(slow / fast for fast, slow in pairs), 3),
        "same_bits_again": same,
        "rounds": rounds,
    }


def main() -> None:
    """Measure and write down."""
    has_gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", nargs="?", default="S" if has_gpu else "4")
    parser.add_argument("--sequence", type=int, default=None if has_gpu else 256)
    parser.add_argument("--sequences", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    with same_bits(wanted=True):
        pass
    result = measure(
        asked.size, sequence=asked.sequence, sequences=asked.sequences, rounds=asked.rounds
    )
    line = json.dumps({"at": time.strftime("%Y-%m-%d"), "cores": os.cpu_count(), **result})
    print(line)
    with RESULTS.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


if __name__ == "__main__":
    main()
