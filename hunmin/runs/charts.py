"""Charts as paths of SVG, drawn on the server, with the same numbers as a table behind each.

A chart is drawn in a square of its own units and stretched to the page; its labels are HTML, so
that they keep their size on a phone. Places on both axes are evenly apart for the same reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hunmin.runs.rules import ticks

WIDTH, HEIGHT = 1000.0, 300.0

_X_PARTS, _Y_PARTS = 5, 4
_TABLE_ROWS = 12

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """A series to draw."""

    name: str
    points: Points
    """x and y, x rising."""
    dotted: bool = False
    """Whether each point is a dot, rather than all of them a line."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the x axis where something happened."""

    x: float
    kind: str
    """A class of the stylesheet."""
    name: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A line as it stands in the SVG."""

    name: str
    number: int
    """Its color."""
    path: str
    dotted: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template shows."""

    id: str
    title: str
    x_title: str
    drawn: list[Drawn]
    marks: list[tuple[float, str]]
    kinds: dict[str, str]
    """The name of each kind of mark there is."""
    x_labels: list[str]
    y_labels: list[str]
    """From the top."""
    x_lines: list[float]
    y_lines: list[float]
    heads: list[str]
    rows: list[list[str]]
    """Of the table: x, then each line."""


def chart(
    id_: str,
    title: str,
    lines: Sequence[Line],
    *,
    x_title: str,
    x_end: float,
    say_x: Callable[[float], str],
    say_y: Callable[[float], str],
    from_zero: bool,
    marks: Sequence[Mark] = (),
) -> Chart | None:
    """Draw lines over one another.

    Args:
        id_: An id for the page.
        title: What the y axis shows.
        lines: What is drawn; those without points are left out.
        x_title: What the x axis shows.
        x_end: How far the x axis goes at least.
        say_x: Writes a number of the x axis.
        say_y: Writes a number of the y axis.
        from_zero: Whether the y axis begins at zero.
        marks: Where something happened.

    Returns:
        None where there is nothing to draw.
    """
    shown = [(number, line) for number, line in enumerate(lines) if line.points]
    if not shown:
        return None
    values = [y for _, line in shown for _, y in line.points]
    low = 0.0 if from_zero else min(values)
    y_ticks = ticks(low, max(values), parts_max=_Y_PARTS)
    x_last = max(x_end, *(line.points[-1][0] for _, line in shown))
    x_ticks = ticks(0.0, x_last, parts_max=_X_PARTS)

    def place_x(x: float) -> float:
        return round(x / x_ticks[-1] * WIDTH, 1)

    def place_y(y: float) -> float:
        return round((y_ticks[-1] - y) / (y_ticks[-1] - y_ticks[0]) * HEIGHT, 1)

    def path(line: Line) -> str:
        places = [f"{place_x(x):g} {place_y(y):g}" for x, y in line.points]
        if line.dotted:
            return "".join(f"M{place}h0" for place in places)
        return f"M{places[0]}h0" if len(places) == 1 else "M" + "L".join(places)

    inside = [mark for mark in marks if 0 <= mark.x <= x_ticks[-1]]
    return Chart(
        id=id_,
        title=title,
        x_title=x_title,
        drawn=[Drawn(line.name, number, path(line), line.dotted) for number, line in shown],
        marks=[(place_x(mark.x), mark.kind) for mark in inside],
        kinds={mark.kind: mark.name for mark in inside},
        x_labels=[say_x(tick) for tick in x_ticks],
        y_labels=[say_y(tick) for tick in reversed(y_ticks)],
        x_lines=[place_x(tick) for tick in x_ticks[1:-1]],
        y_lines=[place_y(tick) for tick in y_ticks],
        heads=[x_title, *(line.name for _, line in shown)],
        rows=_rows([line for _, line in shown], say_x, say_y),
    )


def _rows(
    lines: Sequence[Line], say_x: Callable[[float], str], say_y: Callable[[float], str]
) -> list[list[str]]:
    """Return a few points of each line, at places spread over all of them."""
    places = sorted({x for line in lines for x, _ in line.points})
    few = np.unique(np.linspace(0, len(places) - 1, min(_TABLE_ROWS, len(places))).astype(int))
    known = [dict(line.points) for line in lines]
    chosen = {places[place] for place in few}
    chosen |= {x for line in lines if line.dotted for x, _ in line.points[-_TABLE_ROWS:]}
    return [
        [say_x(x), *(say_y(values[x]) if x in values else "" for values in known)]
        for x in sorted(chosen)
    ]
