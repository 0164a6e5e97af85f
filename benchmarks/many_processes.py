"""How long many processes take to meet, to train one step, and to write it down.

    python benchmarks/many_processes.py CORPUS TOKENIZER [--processes 64]

The processes are forked from one that has PyTorch loaded, so that only what grows with their number
is measured: meeting, groups, the first step of a tiny model parted among all, a whole checkpoint.
One JSON line is printed and appended to `benchmarks/results/many_processes.jsonl`.
"""

import argparse
import importlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "many_processes.jsonl"


def measure(corpus: Path, tokenizer: Path, *, processes: int) -> dict[str, object]:
    """Start so many processes once, and return the seconds until each has happened."""
    sys.path.insert(0, str(ROOT))
    for slow_to_load in ("hunmin.train.runs", "matplotlib.backends.backend_svg", "pandas"):
        importlib.import_module(slow_to_load)
    from hunmin import model, train
    from hunmin.train.stepping import Outcome, Stepper
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
        steps=1,
        batch_sequences=processes,
        sequence_tokens=48,
        learning_rate=1e-3,
        heldout_sequences=0,
    )
    step_on = Stepper.step
    with tempfile.TemporaryDirectory(dir=corpus.parent) as folder:
        times = Path(folder) / "times"

        def step(stepper: Stepper, *data: object, **more: object) -> Outcome:
            met = time.monotonic()
            outcome = step_on(stepper, *data, **more)
            with times.open("a", encoding="utf-8") as stream:  # a short line is written whole
                stream.write(f"{met} {time.monotonic()}\n")
            return outcome

        Stepper.step = step
        plan = worlds.planned(
            processes, stage, shape, corpus=corpus, tokenizer=tokenizer, out=Path(folder) / "run"
        )
        began = time.monotonic()
        told = worlds._train(plan)
        ended = time.monotonic()
        moments = [tuple(map(float, line.split())) for line in times.read_text().splitlines()]
    assert told["ends"] == [0] * processes
    return {
        "processes": processes,
        "met_seconds": round(max(met for met, _ in moments) - began, 1),
        "first_step_seconds": round(max(done for _, done in moments) - began, 1),
        "checkpoint_and_end_seconds": round(ended - began, 1),
    }


def main() -> None:
    """Measure and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("--processes", type=int, default=64)
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    result = measure(asked.corpus, asked.tokenizer, processes=asked.processes)
    line = json.dumps({"at": time.strftime("%Y-%m-%d"), "cores": os.cpu_count(), **result})
    print(line)
    with RESULTS.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


if __name__ == "__main__":
    main()
