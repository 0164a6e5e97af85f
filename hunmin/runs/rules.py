"""Who may watch runs, and how a chart's axes are divided. Pure."""

import math

from hunmin.actor import Actor
from hunmin.errors import RoleNeeded

WATCHERS = frozenset({"administrator", "auditor"})
"""A run tells sources, licenses and what training costs: no secret, and nothing for passers-by."""

_LEAST = 1e-300
"""Less than this apart is a flat line: such numbers have no powers of ten to be divided by."""

COMPARED_MAX = 6
"""More lines in one chart cannot be told apart."""

_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


def check_may_watch(actor: Actor) -> None:
    """Raise `RoleNeeded` unless the actor may see runs."""
    if not actor.has_role(*WATCHERS):
        raise RoleNeeded(roles=WATCHERS)


def ticks(low: float, high: float, *, parts_max: int) -> list[float]:
    """Return places to label an axis at: round numbers, evenly apart, that enclose what is shown.

    Args:
        low: The least value shown.
        high: The greatest.
        parts_max: Into how many parts the axis is divided at most.
    """
    if high - low < _LEAST:
        high = low + (abs(low) if abs(low) > _LEAST else 1.0)
    rough = (high - low) / parts_max
    power = 10.0 ** math.floor(math.log10(rough))
    steps = [nice * scale for scale in (power, 10 * power) for nice in _NICE]
    for step in steps:
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first <= parts_max:
            return [number * step for number in range(first, last + 1)]
    raise AssertionError("ten times the power of ten above is always wide enough")
