"""How long training stands still for a checkpoint, beside writing it at once.

    python benchmarks/checkpoint_stall.py CORPUS TOKENIZER [--steps 40] [--every 10]

Trains a model of 10 million parameters with AdamW and writes a checkpoint every few steps, as
`hunmin train` does, and measures what each step takes, while a checkpoint is written and while
none is; how long training waits for the copy of its tensors; and how long the disk then works.
Beside it, in turn, the same tensors are saved with `torch.save` and forced to the disk while
training waits.
One JSON line is printed and appended to `benchmarks/results/checkpoint_stall.jsonl`.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from train_systems import LAPTOP

from hunmin import model, train
from hunmin.train.checkpoints import state_tensors
from hunmin.train.stepping import Outcome, Stepper
from hunmin.train.writing import CheckpointWriter

RESULTS = Path(__file__).parent / "results" / "checkpoint_stall.jsonl"


def measure(corpus: Path, tokenizer: Path, *, steps: int, every: int) -> dict[str, object]:
    """Train, and return the medians in seconds."""
    import torch

    quiet: list[float] = []
    while_writing: list[float] = []
    stall: list[float] = []
    writing: list[float] = []
    at_once: list[float] = []
    state_bytes = 0
    step_on, begin = Stepper.step, CheckpointWriter.begin
    writers: list[CheckpointWriter] = []

    def step(stepper: Stepper, *data: object, **more: object) -> Outcome:
        busy = bool(writers) and writers[0].is_writing
        began = time.perf_counter()
        outcome = step_on(stepper, *data, **more)
        (while_writing if busy else quiet).append(time.perf_counter() - began)
        return outcome

    def begin_timed(writer: CheckpointWriter, course, learner, optimizers, content, **more) -> None:  # noqa: ANN001, ANN003
        nonlocal state_bytes
        writers[:] = [writer]
        tensors = state_tensors(learner, optimizers)
        state_bytes = sum(tensor.nbytes for tensor in tensors.values())
        with tempfile.TemporaryDirectory(dir=corpus.parent) as folder:
            began = time.perf_counter()
            with (Path(folder) / "state.pt").open("wb") as stream:
                torch.save(tensors, stream)
                stream.flush()
                os.fsync(stream.fileno())
            at_once.append(time.perf_counter() - began)
        began = time.perf_counter()
        begin(writer, course, learner, optimizers, content, **more)
        stall.append(time.perf_counter() - began)
        writer._job.add_done_callback(lambda _: writing.append(time.perf_counter() - began))

    Stepper.step, CheckpointWriter.begin = step, begin_timed
    facts = json.loads((tokenizer / "manifest.json").read_text("utf-8"))["facts"]
    with tempfile.TemporaryDirectory(dir=corpus.parent) as folder:
        train.run(
            train.TrainConfig(
                stage="pretrain",
                steps=steps,
                batch_sequences=8,
                sequence_tokens=512,
                learning_rate=1e-3,
                checkpoint_every_steps=every,
                heldout_sequences=0,
            ),
            model.ModelConfig(vocab_size=facts["vocab_size"], **LAPTOP),
            corpus=corpus,
            tokenizer=tokenizer,
            out=Path(folder) / "run",
        )
    step_seconds = statistics.median(quiet[4:])
    return {
        "state_mb": round(state_bytes / 1e6, 1),
        "step_seconds": round(step_seconds, 4),
        "step_while_writing_ratio": round(statistics.median(while_writing) / step_seconds, 3),
        "stall_seconds": round(statistics.median(stall[1:]), 4),
        "stall_share_of_a_step": round(statistics.median(stall[1:]) / step_seconds, 4),
        "writing_seconds": round(statistics.median(writing), 3),
        "at_once_seconds": round(statistics.median(at_once), 3),
        "checkpoints": len(stall),
    }


def main() -> None:
    """Measure and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--every", type=int, default=10)
    asked = parser.parse_args()
    result = measure(asked.corpus, asked.tokenizer, steps=asked.steps, every=asked.every)
    line = json.dumps({"at": time.strftime("%Y-%m-%d"), "cores": os.cpu_count(), **result})
    print(line)
    with RESULTS.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


if __name__ == "__main__":
    main()
