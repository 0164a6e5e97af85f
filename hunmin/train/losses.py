"""The log of a run: a line of JSON for every few steps and every event, and a plot of the losses.

`hunmin.journal` reads it for people who watch the run.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hunmin.journal import LIFE_EVENTS, LOG_NAME
from hunmin.steps import write_whole

PLOT_NAME = "loss.svg"


class LossLog:
    """`loss.jsonl` of a run folder."""

    def __init__(self, folder: Path, *, writes: bool = True) -> None:
        """Open the log of a run; of its processes one alone writes."""
        self._path = folder / LOG_NAME
        self.writes = writes
        self._unwritten = ""

    def rewind(self, step: int) -> None:
        """Forget lines of steps that a run continued from `step` will do again.

        When the run was started and how it ended stays: that did happen.
        """
        if not self.writes:
            return
        self._unwritten = ""
        lines = [
            line
            for line in self.lines()
            if line.get("event") in LIFE_EVENTS or line.get("from_step", line["step"]) <= step
        ]
        with suppress(OSError):  # a full disk: the lines stay, and are done again beside
            write_whole(self._path, "".join(json.dumps(line) + "\n" for line in lines).encode())

    def lines(self) -> list[dict[str, Any]]:
        """Return every whole line; one torn by a crash is left out."""
        if not self._path.is_file():
            return []
        lines = []
        for line in self._path.read_text("utf-8").splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                continue
        return lines

    def add(self, **values: object) -> None:
        """Append one line with the moment; where the disk is full, later, with the next one."""
        if not self.writes:
            return
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._unwritten += json.dumps({**values, "at": at}) + "\n"
        with suppress(OSError), self._path.open("a", encoding="utf-8") as stream:
            stream.write(self._unwritten)
            stream.flush()
            self._unwritten = ""

    @contextmanager
    def life(self, step: Callable[[], int], **run: object) -> Iterator[None]:
        """Write down that the run starts, and what it is; and in the end how it ended."""
        self.add(step=step(), event="started", **run)
        try:
            yield
        except KeyboardInterrupt:
            self.add(step=step(), event="stopped")
            raise
        except BaseException as error:
            self.add(step=step(), event="failed", reason=f"{type(error).__name__}: {error}")
            raise
        self.add(step=step(), event="finished")


def plot(folder: Path, *, title: str, unit: str = "token") -> None:
    """Draw `loss.svg` from `loss.jsonl`: training loss, and held-out loss where measured.

    Args:
        folder: The run folder.
        title: What stands above it.
        unit: What the loss is a mean over.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 (slow to import, used at checkpoints only)

    lines = LossLog(folder).lines()
    training = [(line["step"], line["loss"]) for line in lines if "loss" in line]
    heldout = [(line["step"], line["heldout_loss"]) for line in lines if "heldout_loss" in line]
    if not training:
        return
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(*zip(*training, strict=True), color="#256ef4", linewidth=1, label="training")
    if heldout:
        axes.plot(*zip(*heldout, strict=True), "o-", color="#1e2124", label="held out")
    axes.set_xlabel("step")
    axes.set_ylabel(f"loss, nats a {unit}")
    axes.set_title(title)
    axes.grid(visible=True, color="#cdd1d5", linewidth=0.5)
    axes.legend(frameon=False)
    partial = folder / f".{PLOT_NAME}.partial"
    figure.savefig(partial, format="svg")
    partial.replace(folder / PLOT_NAME)
