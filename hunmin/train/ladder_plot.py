"""The picture of a ladder: its runs, their law, and the prediction with its interval."""

from pathlib import Path

import numpy as np

from hunmin.train.rungs import LEVEL, Climbed, Rung
from hunmin.train.scaling import predict

PLOT_NAME = "ladder.svg"

_BAND_POINTS = 8
"""Each takes about a tenth of a second."""


def draw(folder: Path, climbed: Climbed, target: Rung) -> None:
    """Draw `ladder.svg`: compute to the right in logarithms, held-out loss upwards."""
    from matplotlib.figure import Figure  # noqa: PLC0415 (slow to import)

    law, flops = climbed.law(), [rung.flops for rung in climbed.rungs]
    line = np.geomspace(min(*flops, target.flops), max(*flops, target.flops), 100)
    ahead = np.geomspace(flops[-1], target.flops, _BAND_POINTS)
    band = [predict(flops, climbed.losses, target_flops=float(each), level=LEVEL) for each in ahead]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.fill_between(
        ahead,
        [each.low for each in band],
        [each.high for each in band],
        color="#d8e5fd",
        label=f"{LEVEL:.0%} interval of a run",
    )
    axes.plot(line, [law.loss(float(each)) for each in line], color="#256ef4", label="law")
    axes.plot(flops, climbed.losses, "o", color="#1e2124", label="runs")
    axes.plot([target.flops], [band[-1].loss], "D", color="#256ef4", label="prediction")
    for rung, loss in zip([*climbed.rungs, target], [*climbed.losses, band[-1].loss], strict=True):
        axes.annotate(rung.size, (rung.flops, loss), (4, 6), textcoords="offset points")
    axes.set_xlabel("training compute, FLOPs")
    axes.set_ylabel("held-out loss, nats a token")
    axes.grid(visible=True, color="#cdd1d5", linewidth=0.5)
    axes.legend(frameon=False)
    figure.savefig(folder / PLOT_NAME, format="svg")
