"""The losses of a run: a line of JSON for every few steps, and a plot of them."""

import json
from pathlib import Path
from typing import Any

from hunmin.steps import write_whole

LOG_NAME = "loss.jsonl"
PLOT_NAME = "loss.svg"


class LossLog:
    """`loss.jsonl` of a run folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG_NAME

    def rewind(self, step: int) -> None:
        """Forget lines of steps that a run continued from `step` will do again."""
        lines = [line for line in self.lines() if line["step"] <= step]
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

    def add(self, **values: float) -> None:
        """Append one line."""
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(values) + "\n")


def plot(folder: Path, *, title: str) -> None:
    """Draw `loss.svg` from `loss.jsonl`: training loss, and held-out loss where measured."""
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
    axes.set_ylabel("loss, nats a token")
    axes.set_title(title)
    axes.grid(visible=True, color="#cdd1d5", linewidth=0.5)
    axes.legend(frameon=False)
    partial = folder / f".{PLOT_NAME}.partial"
    figure.savefig(partial, format="svg")
    partial.replace(folder / PLOT_NAME)
