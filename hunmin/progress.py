"""Progress of long work on the terminal: a bar with rate and time left, on stderr.

On a terminal the bar moves; into a file or pipe a plain line is written now and then, so that
logs of a cluster job show the same facts.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

_LINE_SECONDS = 10.0
"""Between two plain lines, where there is no terminal."""


class Bar:
    """One piece of long work. Made by `bar`."""

    def __init__(self, label: str, *, total: float | None, unit: str, visible: bool = True) -> None:
        self.visible = visible
        self.label = label
        self.total = total
        self.unit = unit
        self.done = 0.0
        self.note = ""
        self._started = time.monotonic()
        self._start_at = 0.0
        self._last_line = self._started
        self._rich: tuple[Progress, TaskID] | None = None

    def start_at(self, done: float) -> None:
        """Say that `done` units were finished by an earlier run; the rate leaves them out."""
        self.done = self._start_at = done
        self._show()

    def advance(self, amount: float = 1.0, *, note: str | None = None) -> None:
        """Add `amount` finished units; `note` is a short fact shown beside the bar."""
        self.done += amount
        if note is not None:
            self.note = note
        self._show()

    def say(self, line: str) -> None:
        """Write a line beside the bar: something people should know at once."""
        if not self.visible:
            return
        if self._rich is not None:
            self._rich[0].console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr, flush=True)  # noqa: T201 (this is the display)

    def rate(self) -> float:
        """Return units per second since this run began."""
        return (self.done - self._start_at) / max(time.monotonic() - self._started, 1e-9)

    def line(self) -> str:
        """Return one plain line: label, done of total, rate, time left, note."""
        rate = self.rate()
        parts = [f"{self.label}: {_number(self.done)}"]
        if self.total is not None:
            parts[0] += f"/{_number(self.total)}"
        parts[0] += f" {self.unit}"
        parts.append(f"{_number(rate)} {self.unit}/s")
        if self.total is not None and rate > 0:
            parts.append(f"{_clock((self.total - self.done) / rate)} left")
        if self.note:
            parts.append(self.note)
        return ", ".join(parts)

    def _show(self) -> None:
        if not self.visible:
            return
        if self._rich is not None:
            progress, task_id = self._rich
            progress.update(task_id, completed=self.done, note=self.note, rate=self.rate())
        elif time.monotonic() - self._last_line >= _LINE_SECONDS:
            self._last_line = time.monotonic()
            print(self.line(), file=sys.stderr, flush=True)  # noqa: T201 (this is the display)


@contextmanager
def bar(
    label: str, *, total: float | None = None, unit: str = "items", visible: bool = True
) -> Iterator[Bar]:
    """Show a progress bar while the block runs.

    Args:
        label: What is being done, a few words.
        total: Units in all, where known; without it there is no time left to show.
        unit: What is counted: `documents`, `steps`, `MB`, `tokens`.
        visible: Whether anything is shown: of several processes one alone shows the bar.
    """
    shown = Bar(label, total=total, unit=unit, visible=visible)
    if not visible:
        yield shown
        return
    if not sys.stderr.isatty():
        yield shown
        print(shown.line(), file=sys.stderr, flush=True)  # noqa: T201 (this is the display)
        return
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=Console(stderr=True),
    )
    with progress:
        task_id = progress.add_task(label, total=total, note="", rate=0.0)
        shown._rich = (progress, task_id)  # noqa: SLF001 (same module)
        yield shown


class _RateColumn(ProgressColumn):
    """Units a second, leaving out what an earlier run had finished."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        return Text(f"{_number(task.fields['rate'])} {self.unit}/s")


def _number(value: float) -> str:
    if value >= 100 or value == int(value):  # noqa: PLR2004 (three digits are enough)
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
