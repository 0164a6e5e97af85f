"""Run folders as training leaves them, written by hand: quick, and of any length and age."""

import json
import math
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from hunmin.ledger import TABLE_NAME, DocumentsTable
from hunmin.manifest import LedgerRecord
from hunmin.steps import lock_of, open_step

RECIPE = {
    "train": {
        "stage": "pretrain",
        "steps": 1000,
        "batch_sequences": 16,
        "sequence_tokens": 256,
        "learning_rate": 0.003,
        "optimizer": "muon",
    },
    "model": {"layers": 4, "width": 256, "vocab_size": 4096},
}
TOKENS_A_STEP = 16 * 256
PARTS = (
    ("kowiki", "CC-BY-SA-3.0", 60),
    ("kr-statutes", "KR-Copyright-Act-Art7", 25),
    ("pd-stories", "CC0-1.0", 15),
)


def point(step: int, at: datetime, **values) -> dict:
    """Return a line of the log as training writes it."""
    wave = math.sin(step / 37) / 12 + math.sin(step / 5) / 40
    return {
        "step": step,
        "loss": 4.2 + 5 * math.exp(-step / 160) + wave,
        "learning_rate": 0.003 * min(1, step / 20) * (0.1 + 0.9 * min(1, (1000 - step) / 400)),
        "gradient_norm": 0.8 + 1.4 * math.exp(-step / 90) + abs(wave),
        "tokens_seen": step * TOKENS_A_STEP,
        "tokens_per_second": 812_345.6 + 9_000 * math.sin(step / 60),
        "step_seconds": 0.005,
        "at": at.isoformat(timespec="milliseconds"),
        **values,
    }


def started(at: datetime, *, step: int = 0, recipe=RECIPE, **values) -> dict:
    """Return the line a run begins with."""
    return {
        "step": step,
        "event": "started",
        "stage": recipe["train"]["stage"],
        "steps": recipe["train"]["steps"],
        "processes": 8,
        "replicas": 1,
        "device": "NVIDIA H200, bfloat16, compiled",
        "parameters": 4_000_512,
        "tokens_per_step": TOKENS_A_STEP,
        "flops_per_token": 4_000_000_000,
        "peak_flops_per_second": 989e12,
        "recipe": recipe,
        "inputs": {"corpus": "c" * 64, "tokenizer": "d" * 64},
        "at": at.isoformat(timespec="milliseconds"),
        **values,
    }


def event(kind: str, step: int, at: datetime, **values) -> dict:
    return {"step": step, "event": kind, "at": at.isoformat(timespec="milliseconds"), **values}


def write_log(run: Path, lines: list[dict]) -> Path:
    run.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (run / "loss.jsonl").write_text(text, "utf-8")
    return run


def usual_lines(*, steps: int, now: datetime, seconds_a_step: float = 6.0, **more) -> list[dict]:
    """Return the lines of a run whose newest point was written now."""
    start = now - timedelta(seconds=seconds_a_step * steps)
    return [
        started(start, **more),
        *(
            point(step, start + timedelta(seconds=seconds_a_step * step))
            for step in range(10, steps + 1, 10)
        ),
    ]


def hold(run: Path, since: datetime) -> None:
    """Leave the lock that a process which trains the run holds."""
    lock_of(run).touch()
    os.utime(lock_of(run), (since.timestamp(), since.timestamp()))


def add_checkpoint(run: Path, step: int, *, finished: bool = False, recipe=RECIPE) -> Path:
    folder = run / f"step-{step:06}"
    table = _documents(run)
    name = f"{run.name}/{folder.name}"
    with open_step(folder, kind="checkpoint", name=name, recipe=recipe) as made:
        (made.folder / "model.safetensors").write_bytes(bytes(1234))
        made.finish(
            facts={
                "step": step,
                "finished": finished,
                "heldout_loss": 4.4 + 3 * math.exp(-step / 200),
            },
            ledger=LedgerRecord(
                sha256=table, seed=1446, samples=100, samples_per_step=16, steps=step
            ),
            documents=run / "tokens" / "text" / TABLE_NAME,
        )
    return folder


def _documents(run: Path) -> str:
    """Write the table of documents: each lies in one sample of its own."""
    path = run / "tokens" / "text" / TABLE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    table = DocumentsTable()
    rights = [(f"{part[0]}-{n}", *part[:2]) for part in PARTS for n in range(part[2])]
    names, sources, licenses = zip(*rights, strict=True)
    table.add(pa.record_batch({"id": names, "source": sources, "license": licenses}))
    first = np.arange(len(rights))
    return table.write(path, first_samples_D=first, samples_D=np.ones_like(first))


def make_run(folder: Path, name: str = "laptop/pretrain", *, now: datetime | None = None) -> Path:
    """Return a run that goes on: skipped, rolled back, resumed, with a straggler, at step 640."""
    now = now or datetime.now(UTC)
    run = folder / name
    lines = usual_lines(steps=640, now=now)
    lines += [{"step": 200, "heldout_loss": 5.6}, {"step": 400, "heldout_loss": 4.9},
              {"step": 600, "heldout_loss": 4.62}]  # fmt: skip
    moment = now - timedelta(minutes=20)
    lines += [
        event("skipped", 317, moment, skipped_loss=None, gradient_norm=812.5, samples=[1, 2, 3]),
        event("straggler", 452, moment, process=5, host="gpu-07", phase="data", seconds_over=0.21),
    ]
    write_log(run, sorted(lines, key=lambda line: line["step"]))
    add_checkpoint(run, 400)
    add_checkpoint(run, 600)
    hold(run, now - timedelta(hours=2))
    return run
