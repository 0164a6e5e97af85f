"""The law by which a loss falls with compute, found on a few runs, and what it says of the next.

Pure: numbers in, numbers out. The law is `L = E + A (C / C0)^-alpha`: what no model can learn, and
a rest that falls by a power of the compute. Runs of a ladder lie on one line, tokens rising with
parameters, so that compute alone tells them apart; a law of parameters and of tokens (Hoffmann et
al., 2022, equation 2) has two more unknowns, which no runs on one line can tell.

The fit is the one of their approach 3: Huber's loss on differences of logarithms. The interval is
a profile, for with a handful of runs a bootstrap draws the same few over and over and is far too
narrow: a loss is believed as long as adding it to the runs does not spoil the best fit too much.

Letters in array names: R runs, G exponents tried at once, with a floor and without.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import stdtrit

LAW_PARAMETERS = 3

SEED_NOISE = 0.005
"""How far two runs that differ in their seed alone lie apart, about, as a share of their loss."""

_SEED_NOISE_RUNS = 2
"""As how many runs that belief counts, beside those that were made: three runs follow a law with
three unknowns exactly, and say nothing of how far they may be off.

Source:
    Smyth, "Linear models and empirical Bayes methods", 2004: the moderated variance.
"""

_HUBER = 0.01
"""A run that lies further off than this share of its loss pulls no harder for it."""

_ALPHA_MIN, _ALPHA_MAX = 1e-3, 2.0
_GRID = 40
_ZOOMS = 4
_ITERATIONS = 8
_LEAST = 1e-9
"""A share below which a number counts as this share: it keeps hopeless fits among the numbers."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Law:
    """A loss as a function of training compute."""

    floor: float
    """E: the loss that is left at infinite compute."""
    rest: float
    """A: what is above it at the reference compute."""
    alpha: float
    reference_flops: float
    """C0: the geometric mean of the runs it was found on."""
    noise: float
    """The standard deviation of a run around the law, as a share of its loss."""
    noise_runs: int
    """Of how many runs that deviation speaks, beside the unknowns of the law."""

    def loss(self, flops: float) -> float:
        """Return the loss the law gives a run of so much compute."""
        return self.floor + self.rest * (flops / self.reference_flops) ** -self.alpha


@dataclass(frozen=True, slots=True)
class Prediction:
    """The loss a run is expected to have."""

    loss: float
    low: float
    high: float


def fit(flops: Sequence[float], losses: Sequence[float]) -> Law:
    """Return the law that fits runs best.

    Args:
        flops: The compute of each run, more than 0.
        losses: The loss each ended with, more than 0.

    Raises:
        ValueError: There are fewer runs of different compute than the law has unknowns.
    """
    if len(set(flops)) < LAW_PARAMETERS:
        raise ValueError(f"a law with {LAW_PARAMETERS} unknowns needs as many runs")
    reference = math.exp(float(np.mean(np.log(flops))))
    best = _best(np.log(np.asarray(flops) / reference), np.asarray(losses))
    noise_runs = len(losses) - LAW_PARAMETERS + _SEED_NOISE_RUNS
    squares = best.squares + _SEED_NOISE_RUNS * SEED_NOISE**2
    return Law(
        floor=best.floor,
        rest=best.rest,
        alpha=best.alpha,
        reference_flops=reference,
        noise=math.sqrt(squares / noise_runs),
        noise_runs=noise_runs,
    )


def predict(
    flops: Sequence[float], losses: Sequence[float], *, target_flops: float, level: float = 0.9
) -> Prediction:
    """Return the loss of another run, and the interval it lies in at a rate of `level`.

    Args:
        flops: The compute of each run that was made.
        losses: The loss each ended with.
        target_flops: The compute of the run to be.
        level: How often the interval shall hold what comes.

    Raises:
        ValueError: There are fewer runs of different compute than the law has unknowns.
    """
    law = fit(flops, losses)
    logs_R = np.log(np.asarray(flops) / law.reference_flops)
    squares = _best(logs_R, np.asarray(losses)).squares
    logs_R = np.append(logs_R, math.log(target_flops / law.reference_flops))
    expected = law.loss(target_flops)
    spoiled_max = (law.noise * float(stdtrit(law.noise_runs, (1 + level) / 2))) ** 2

    def too_far(off: float) -> float:
        """Return by how much a loss so far off (in logarithms) spoils the fit more than it may."""
        believed_R = np.append(np.asarray(losses), expected * math.exp(off))
        return _best(logs_R, believed_R, whole_last=True).squares - squares - spoiled_max

    def edge(direction: int) -> float:
        off = direction * law.noise
        while too_far(off) < 0:
            off *= 2
        return expected * math.exp(cast("float", brentq(too_far, 0.0, off, xtol=1e-5)))

    return Prediction(loss=expected, low=edge(-1), high=edge(1))


@dataclass(frozen=True, slots=True)
class _Fit:
    floor: float
    rest: float
    alpha: float
    squares: float
    """What is left: squared differences of logarithms, those of far runs as Huber has them."""


def _best(logs_R: Floats, losses_R: Floats, *, whole_last: bool = False) -> _Fit:
    """Return the best fit: exponents are tried, ever closer around the best of them.

    Args:
        logs_R: The logarithm of each run's compute over the reference.
        losses_R: Their losses.
        whole_last: Whether the last run pulls with all its difference, however far off it is.
    """
    low, high = _ALPHA_MIN, _ALPHA_MAX
    best = _Fit(floor=0.0, rest=0.0, alpha=low, squares=math.inf)
    for _ in range(_ZOOMS):
        tried = np.geomspace(low, high, _GRID)
        alphas_G, has_floor_G = np.tile(tried, 2), np.repeat([0.0, 1.0], _GRID)
        floor_G, rest_G, squares_G = _fit_each(
            alphas_G, has_floor_G, logs_R, losses_R, whole_last=whole_last
        )
        index = int(np.argmin(squares_G))
        if squares_G[index] < best.squares:
            best = _Fit(
                floor=float(floor_G[index]),
                rest=float(rest_G[index]),
                alpha=float(alphas_G[index]),
                squares=float(squares_G[index]),
            )
        around = int(np.argmin(np.abs(tried - best.alpha)))
        low, high = tried[max(0, around - 1)], tried[min(_GRID - 1, around + 1)]
    return best


def _fit_each(
    alphas_G: Floats,
    has_floor_G: Floats,
    logs_R: Floats,
    losses_R: Floats,
    *,
    whole_last: bool,
) -> tuple[Floats, Floats, Floats]:
    """Return the best floor and rest for each exponent, and the squares that are left, `(G,)` each.

    Args:
        alphas_G: The exponents.
        has_floor_G: 1 where there is a floor, 0 where there is none: the best one if it may not be
            below 0 is often that.
        logs_R: As in `_best`.
        losses_R: As in `_best`.
        whole_last: As in `_best`.

    Returns:
        The squares are infinite where the floor would be below 0, or the loss would rise.

    Source:
        Gauss and Newton's steps, in each of which the runs are weighed anew: Huber, "Robust
        Estimation of a Location Parameter", 1964.
    """
    falls_GR = np.exp(-alphas_G[:, None] * logs_R)
    floor_G, rest_G = np.zeros(len(alphas_G)), np.zeros(len(alphas_G))
    # The first step goes from nothing to the least squares of shares of the losses.
    whole_GR, off_GR = np.broadcast_to(losses_R, falls_GR.shape), -np.ones_like(falls_GR)
    weights_GR = np.ones_like(falls_GR)
    for _ in range(_ITERATIONS):
        by_floor_GR, by_rest_GR = has_floor_G[:, None] / whole_GR, falls_GR / whole_GR
        pull_floor_G = (weights_GR * by_floor_GR * off_GR).sum(axis=1)
        pull_rest_G = (weights_GR * by_rest_GR * off_GR).sum(axis=1)
        # Without a floor its row of the equations says that it stays.
        bend_floor_G = (weights_GR * by_floor_GR**2).sum(axis=1) + (1 - has_floor_G)
        bend_rest_G = (weights_GR * by_rest_GR**2).sum(axis=1)
        bend_both_G = (weights_GR * by_floor_GR * by_rest_GR).sum(axis=1)
        product_G = bend_floor_G * bend_rest_G
        determinant_G = np.maximum(product_G - bend_both_G**2, _LEAST * product_G)
        floor_G = floor_G - (
            (bend_rest_G * pull_floor_G - bend_both_G * pull_rest_G) / determinant_G
        )
        rest_G = rest_G - (
            (bend_floor_G * pull_rest_G - bend_both_G * pull_floor_G) / determinant_G
        )
        whole_GR = np.maximum(floor_G[:, None] + rest_G[:, None] * falls_GR, _LEAST * losses_R)
        off_GR = np.log(whole_GR / losses_R)
        weights_GR = _HUBER / np.maximum(np.abs(off_GR), _HUBER)
        if whole_last:
            weights_GR[:, -1] = 1.0
    squares_GR = np.where(weights_GR < 1, _HUBER * (2 * np.abs(off_GR) - _HUBER), off_GR**2)
    is_possible_G = (floor_G >= 0) & (rest_G > 0)
    return floor_G, rest_G, np.where(is_possible_G, squares_GR.sum(axis=1), math.inf)
