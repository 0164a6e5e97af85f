"""A run as files that other programs show: TensorBoard, or Weights & Biases.

Nothing is sent anywhere: a folder is made, and that is all.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from hunmin.errors import OutputExists
from hunmin.journal import tensorboard, wandb
from hunmin.journal.log import LOG_NAME, read_log
from hunmin.journal.rows import Row, rows
from hunmin.journal.summary import summarize
from hunmin.progress import bar

Format = Literal["tensorboard", "wandb"]


def export_run(run: Path, out: Path, *, format_: Format, now: float) -> Path:
    """Write a run into a new folder, in the form of another program.

    Args:
        run: The run folder.
        out: The folder to make; it is whole or absent.
        format_: For which program.
        now: The moment, in seconds since 1970.

    Returns:
        What to give to the program: for TensorBoard `out`, for W&B the run's folder in it.

    Raises:
        RunMissing: It is not the folder of a run.
        OutputExists: `out` is there already.
    """
    summary = summarize(run, now=now)
    if out.exists():
        raise OutputExists(out=out)
    log = read_log(run)
    changed_at = (run / LOG_NAME).stat().st_mtime
    started_at = summary.started_at.timestamp() if summary.started_at else changed_at
    partial = out.absolute().with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    write = tensorboard.write if format_ == "tensorboard" else wandb.write
    with bar(f"export {summary.name}", total=len(log), unit="points") as shown:

        def told() -> Iterator[Row]:
            for row in rows(log, at_unknown=changed_at):
                yield row
                shown.advance(1 if "train/loss" in row.values else 0)

        name = write(partial, summary, told(), started_at=started_at)
    partial.rename(out)
    return out / name
