"""What is left of a run when something goes wrong every half minute, and whether it ends the same.

    python benchmarks/soak.py CORPUS TOKENIZER [--minutes 30] [--seed 1446]

Four processes train a small model twice, for about so long each: once undisturbed but for two steps
whose gradient is no number; then with those and with a fault every 30 seconds or so. A process is
killed, or stopped as by SIGSTOP until the watchdog ends the run, or dies in the middle of writing a
checkpoint; all are then started again. Two runs beside each other must end with the same loss.

Goodput is the share of the disturbed run's steps that were kept; the others were done again. The
time from each fault until the next step, finding it out and starting, is not in it but stands
beside it (`standing_seconds`). Checkpoints are written as often as `hunmin.train.goodput` says for
a fault every 30 seconds.
One JSON line is printed and appended to `benchmarks/results/soak.jsonl`.
"""

import argparse
import importlib
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
RESULTS = ROOT / "benchmarks" / "results" / "soak.jsonl"
PROCESSES = 4
FAULTS = ("killed", "stopped", "torn")
TORN_BYTES = 5_000_000
"""A process that dies while it writes has written so many bytes of checkpoints at most."""

STEP_SECONDS = 0.5
"""What a step takes at least: without this the checkpoints would be most of the run."""


def planned(corpus: Path, tokenizer: Path, out: Path, *, steps: int) -> dict[str, Any]:
    """Return the run."""
    from hunmin import model, train
    from tests.support import worlds

    facts = json.loads((tokenizer / "manifest.json").read_text("utf-8"))["facts"]
    shape = model.ModelConfig(
        vocab_size=facts["vocab_size"],
        context_tokens=64,
        layers=2,
        width=64,
        heads=4,
        key_value_heads=2,
        head_width=16,
        feed_forward_width=128,
    )
    stage = train.TrainConfig(
        stage="pretrain",
        steps=steps,
        batch_sequences=8,
        sequence_tokens=48,
        learning_rate=1e-3,
        checkpoint_every_steps=5,
        heldout_sequences=0,
    )
    spoiled = {str(steps // 3): 1, str(steps // 2): 2}
    plan = worlds.planned(
        PROCESSES,
        stage,
        shape,
        corpus=corpus,
        tokenizer=tokenizer,
        out=out,
        faults=worlds.Faults(nan_gradient=spoiled),
        stalled_after_seconds=10.0,
    )
    return {**plan, "death": None, "torn": None}


def start_once(plan: dict[str, Any], chance: random.Random | None) -> tuple[bool, str, float]:
    """Start the processes and wait until all have ended.

    Returns:
        Whether they came to the end, what was to go wrong, and when it did; 0 if nobody knows.
    """
    from tests.support import worlds

    plan["torn"] = None
    if chance is None:
        return not any(worlds._until_they_end(worlds._start(plan))), "", 0.0
    kind, process = chance.choice(FAULTS), chance.randrange(PROCESSES)
    seconds, written = chance.uniform(15, 45), chance.randrange(1, TORN_BYTES)
    if kind == "torn":
        plan["torn"] = [written, process]
        return not any(worlds._until_they_end(worlds._start(plan))), kind, 0.0
    pids = worlds._start(plan)
    struck = [0.0]

    def strike() -> None:
        struck[0] = time.monotonic()
        with suppress(ProcessLookupError):  # it has ended
            os.kill(pids[process], signal.SIGKILL if kind == "killed" else signal.SIGSTOP)

    timer = threading.Timer(seconds, strike)
    timer.start()
    ends = worlds._until_they_end(pids)
    timer.cancel()
    return not any(ends), kind, struck[0]


def train_once(plan: dict[str, Any], log: Path, chance: random.Random | None) -> dict[str, Any]:
    """Train to the end; with a `chance` something goes wrong about every half minute."""
    os.environ["SOAK_STEPS"] = str(log)
    faults: Counter[str] = Counter()
    struck: list[float] = []
    while True:
        finished, kind, moment = start_once(plan, chance)
        ended = [float(line) for line in log.read_text("utf-8").splitlines()]
        if finished:
            break
        assert kind, "a run without faults came to no end"
        faults[kind] += 1
        struck.append(moment or ended[-1])  # writing a checkpoint it dies beside the next step
    standing = sum(min(end for end in ended if end > moment) - moment for moment in struck)
    return {
        "seconds": ended[-1] - ended[0],
        "standing_seconds": standing,
        "steps_done": len(ended),
        "faults": dict(faults),
    }


def log_steps() -> None:
    """Let the first process write down when each step ended; a step takes no less than it shall."""
    from hunmin.train.stepping import Outcome, Stepper

    step_on = Stepper.step

    def step(stepper: Stepper, number: int, *data: object, **more: object) -> Outcome:
        began = time.monotonic()
        outcome = step_on(stepper, number, *data, **more)
        time.sleep(max(0.0, STEP_SECONDS - (time.monotonic() - began)))
        if stepper._world.is_first:
            with Path(os.environ["SOAK_STEPS"]).open("a", encoding="utf-8") as stream:
                stream.write(f"{time.monotonic()}\n")
        return outcome

    Stepper.step = step


def measure(corpus: Path, tokenizer: Path, *, minutes: float, seed: int) -> dict[str, Any]:
    """Train twice and compare."""
    for slow_to_load in ("hunmin.train.runs", "matplotlib.backends.backend_svg", "pandas"):
        importlib.import_module(slow_to_load)
    from hunmin.train.losses import LossLog

    log_steps()
    steps = int(minutes * 60 / STEP_SECONDS)
    with tempfile.TemporaryDirectory(dir=corpus.parent) as folder:
        outs = {name: Path(folder) / name for name in ("steady", "shaken")}
        told = {
            name: train_once(
                planned(corpus, tokenizer, out, steps=steps),
                out.with_suffix(".log"),
                random.Random(seed) if name == "shaken" else None,  # noqa: S311
            )
            for name, out in outs.items()
        }
        losses = {
            name: {line["step"]: line["loss"] for line in LossLog(out).lines() if "loss" in line}
            for name, out in outs.items()
        }
    steady, shaken = told["steady"], told["shaken"]
    return {
        "steps": steps,
        "seconds": [round(steady["seconds"], 1), round(shaken["seconds"], 1)],
        "faults": shaken["faults"],
        "standing_seconds": round(shaken["standing_seconds"], 1),
        "steps_done_again": shaken["steps_done"] - steady["steps_done"],
        "goodput": round(steady["steps_done"] / shaken["steps_done"], 3),
        "loss_difference_max": max(
            abs(losses["shaken"][step] - loss) / loss for step, loss in losses["steady"].items()
        ),
    }


def main() -> None:
    """Measure and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("--minutes", type=float, default=30, help="of each of the two runs")
    parser.add_argument("--seed", type=int, default=1446)
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    result = measure(asked.corpus, asked.tokenizer, minutes=asked.minutes, seed=asked.seed)
    line = json.dumps({"at": time.strftime("%Y-%m-%d"), "cores": os.cpu_count(), **result})
    print(line)
    with RESULTS.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


if __name__ == "__main__":
    main()
