"""Training tokens a second: ours beside the Hugging Face Trainer, torchtitan and nanochat.

    python benchmarks/train_systems.py CORPUS TOKENIZER [--size S] [--steps 12] [--rounds 2]

The peers are no part of Hunmin. They are found on `PYTHONPATH`: `accelerate`, which the Trainer
needs; `torchtitan==0.2.2`, the last that runs on PyTorch 2.11, with `torchdata`, `tyro`, `einops`
and `psutil`; a checkout of nanochat. Who is missing is left out, and said to be.

One Qwen3 shape, one set of weights to start from, the same tokens in the same order, AdamW with
the same settings, bfloat16 where the machine has it. nanochat has a model and an optimizer of its
own: it is compared by floating-point operations a second. Each contender runs in a process of its
own, in turn, for the given rounds; the first steps, which compile, are left out. A row whose
losses are more than half a percent from ours is void. Memory is the most the process held: of the
GPU, or else of the machine. One JSON line is printed and appended to `results/train_systems.jsonl`.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from train_contenders import CONTENDERS, Task, is_installed

from hunmin.ledger import Order
from hunmin.model import ModelConfig, flops_per_token
from hunmin.model.sizes import SIZES, shape_of
from hunmin.train import TrainConfig
from hunmin.train.device import find_device
from hunmin.train.pace import peak_flops_per_second
from hunmin.train.tokens import prepare

RESULTS = Path(__file__).parent / "results" / "train_systems.jsonl"
LAPTOP = {
    "context_tokens": 512,
    "layers": 6,
    "width": 320,
    "heads": 5,
    "key_value_heads": 5,
    "head_width": 64,
    "feed_forward_width": 896,
}
WARM_STEPS = 4
LOSS_DISTANCE_MAX = 0.005
OTHER_MODELS = ("nanochat",)


def task_of(asked: argparse.Namespace, folder: Path) -> Task:
    """Return what all contenders do."""
    manifest = json.loads((asked.tokenizer / "manifest.json").read_text("utf-8"))
    vocab_size = manifest["facts"]["vocab_size"]
    if asked.size == "laptop":
        model = ModelConfig(**LAPTOP, vocab_size=vocab_size)
    else:
        model = shape_of(asked.size, vocab_size=vocab_size)
    stage = TrainConfig(
        stage="pretrain",
        steps=asked.steps,
        batch_sequences=asked.batch,
        sequence_tokens=model.context_tokens,
        learning_rate=1e-3,
        checkpoint_every_steps=10**9,
        heldout_sequences=0,
    )

    def batches() -> Iterator[Tensor]:
        sequences = prepare(
            asked.corpus,
            asked.tokenizer,
            folder / "tokens",
            kind="text",
            sequence_tokens=stage.sequence_tokens,
        )
        order = Order(stage.seed, len(sequences), stage.samples_per_step)
        for step in range(stage.steps):
            yield torch.from_numpy(sequences.ids_ST[order.of_step(step)].astype("int64"))

    return Task(model, stage, batches, asked.corpus, asked.tokenizer, folder)


def one(asked: argparse.Namespace) -> None:
    """Time one contender in this process, and print what it came to."""
    with tempfile.TemporaryDirectory() as folder:
        task = task_of(asked, Path(folder))
        timing = CONTENDERS[asked.only](task)
    if torch.cuda.is_available():
        memory_bytes = torch.cuda.max_memory_allocated()
    else:
        memory_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    ours = flops_per_token(task.shape, task.stage.sequence_tokens)
    print(
        json.dumps(
            {
                "seconds": timing.seconds[WARM_STEPS:],
                "first_step_seconds": timing.seconds[0],
                "losses": timing.losses,
                "flops_per_token": timing.flops_per_token or ours,
                "memory_bytes": memory_bytes,
            }
        )
    )


def in_a_process(who: str, arguments: list[str]) -> dict | None:
    """Run one contender in a process of its own, and return what it printed last; None if it fails.

    Why it failed stands in what it wrote.
    """
    done = subprocess.run(
        [sys.executable, __file__, *arguments, "--only", who],
        check=False,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def summary(rounds: list[dict], tokens: int, *, ours: list[dict] | None) -> dict:
    """Return the row of one contender."""
    seconds = [second for each in rounds for second in each["seconds"]]
    rate = tokens / statistics.median(seconds)
    quarters = statistics.quantiles(seconds, n=4)
    peak = peak_flops_per_second(find_device())
    row = {
        "tokens_per_second": round(rate),
        "quartiles": [round(tokens / second) for second in (quarters[2], quarters[0])],
        "tflops_per_second": round(rate * rounds[0]["flops_per_token"] / 1e12, 4),
        "memory_mb": round(max(each["memory_bytes"] for each in rounds) / 1e6),
        "first_step_seconds": round(rounds[0]["first_step_seconds"], 1),
        "steps_measured": len(seconds),
    }
    if peak is not None:
        row["mfu"] = round(rate * rounds[0]["flops_per_token"] / peak, 4)
    if ours is not None:
        mine = statistics.fmean(ours[0]["losses"][WARM_STEPS:])
        its = statistics.fmean(rounds[0]["losses"][WARM_STEPS:])
        row["loss_distance"] = round(abs(its - mine) / mine, 5)
        row["void"] = row["loss_distance"] > LOSS_DISTANCE_MAX
    return row


def main() -> None:
    """Run each in turn and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("--size", choices=("laptop", *SIZES), default="laptop")
    parser.add_argument("--batch", type=int, default=16, help="sequences a step")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        one(asked)
        return
    missing = [who for who in CONTENDERS if not is_installed(who)]
    failed: list[str] = []
    found: dict[str, list[dict]] = {who: [] for who in CONTENDERS if who not in missing}
    for _ in range(asked.rounds):
        for who in [who for who in found if who not in failed]:
            result = in_a_process(who, sys.argv[1:])
            if result is None:
                failed.append(who)
            else:
                found[who].append(result)
    found = {who: rounds for who, rounds in found.items() if who not in failed}
    tokens = asked.batch * task_of(asked, Path()).shape.context_tokens
    rows = {
        who: summary(
            rounds, tokens, ours=None if who in ("hunmin", *OTHER_MODELS) else found["hunmin"]
        )
        for who, rounds in found.items()
    }
    mine = rows["hunmin"]["tokens_per_second"]
    line = json.dumps(
        {
            "question": "training tokens a second",
            "size": asked.size,
            "batch_sequences": asked.batch,
            "machine": find_device().describe(),
            "torch": torch.__version__,
            "python": platform.python_version(),
            "contenders": rows,
            "ours_over": {
                who: round(mine / row["tokens_per_second"], 2)
                for who, row in rows.items()
                if who not in ("hunmin", *OTHER_MODELS)
            },
            "missing": missing,
            "failed": failed,
        },
        ensure_ascii=False,
    )
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    print(line)


if __name__ == "__main__":
    main()
