"""A run, or several beside each other, in the terminal."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hunmin.journal import plots, words
from hunmin.journal.comparing import Comparison
from hunmin.journal.log import HELDOUT, Log, read_log
from hunmin.journal.rules import State
from hunmin.journal.summary import summarize
from hunmin.journal.values import Summary
from hunmin.journal.words import Language

LOOK_SECONDS = 2.0

_EVENTS_SHOWN = 6
_PARTS_SHOWN = 8
_SPARK_CHARACTERS = 48
_PLOT_ROWS = 14
_PLOT_CHARACTERS = 72
_VALUE_CHARACTERS = 24
_STYLES: dict[State, str] = {
    "running": "bold cyan",
    "finished": "bold green",
    "stopped": "bold",
    "failed": "bold red",
    "stalled": "bold yellow",
}
_LINES = ("cyan", "magenta", "green", "yellow", "red", "blue")

_WORDS: dict[str, dict[Language, str]] = {
    "differences": {"ko": "레시피에서 다른 값", "en": "What differs in the recipes"},
    "same": {"ko": "레시피와 자료가 같습니다.", "en": "Recipes and data are the same."},
    "losses_at": {"ko": "같은 {axis}에서의 손실", "en": "Loss at the same {axis}"},
    "none": {"ko": "실행이 없습니다.", "en": "There are no runs."},
    "quit": {"ko": "Ctrl-C로 보기를 끝냅니다. 실행은 계속됩니다.",
             "en": "Ctrl-C stops watching. The run goes on."},
}  # fmt: skip
_WATCHED: frozenset[State] = frozenset({"running", "stalled"})
"""A run that gives no sign of life may give one yet."""


def watch(run: Path, *, language: Language) -> None:
    """Show a run and keep the view up to date until it ends or somebody interrupts.

    Raises:
        RunMissing: It is not the folder of a run.
    """
    summary = summarize(run, now=time.time())
    with Live(view(summary, read_log(run), language), auto_refresh=False) as live:
        while summary.state in _WATCHED:
            note = Text(_WORDS["quit"][language], style="dim")
            live.update(Group(view(summary, read_log(run), language), note), refresh=True)
            time.sleep(LOOK_SECONDS)
            summary = summarize(run, now=time.time())
        live.update(view(summary, read_log(run), language), refresh=True)


def show(run: Path, *, language: Language) -> None:
    """Print a run as it is now.

    Raises:
        RunMissing: It is not the folder of a run.
    """
    _print(view(summarize(run, now=time.time()), read_log(run), language))


def show_list(runs: dict[str, Path], *, language: Language) -> None:
    """Print a line for each run."""
    if not runs:
        _print(_WORDS["none"][language])
        return
    now = time.time()
    table = _table(["run", "state", "step", "loss", "tokens_per_second", "seconds_left"], language)
    for name, run in runs.items():
        one = summarize(run, name=name, now=now)
        table.add_row(
            name,
            Text(words.say_state(one.state, language), style=_STYLES[one.state]),
            _of(one.step, one.steps),
            _number(one.loss),
            _number(one.tokens_per_second),
            words.say_duration(one.seconds_left, language) if one.seconds_left is not None else "",
        )
    _print(table)


def show_comparison(compared: Comparison, *, language: Language) -> None:
    """Print runs beside each other: facts, losses at the same places, and what differs."""
    names = [one.name for one in compared.summaries]
    parts: list[RenderableType] = [_facts_beside(compared.summaries, language), Text()]
    parts.append(_overlay_plot(compared, names))
    if len(compared.places_X):
        axis = words.say_name(compared.axis, language)
        title = _WORDS["losses_at"][language].format(axis=axis.lower())
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for column in (axis, *names):
            table.add_column(column, justify="right")
        for place, losses in zip(compared.places_X, compared.losses_RX.T, strict=True):
            cells = [f"{loss:.4f}" if not np.isnan(loss) else "" for loss in losses]
            table.add_row(f"{place:,.0f}", *cells)
        parts += [Text(), table]
    _print(Group(*parts, Text(), _differences(compared, language)))


def view(summary: Summary, log: Log, language: Language) -> RenderableType:
    """Return a run as something rich can print."""
    parts: list[RenderableType] = [_title(summary, language)]
    if summary.steps:
        parts.append(
            ProgressBar(total=summary.steps, completed=summary.step, width=_PLOT_CHARACTERS)
        )
    parts += [Text(summary.reason, style="red")] if summary.reason else []
    parts += [Text(), _numbers(summary, log, language)]
    if summary.mix:
        parts += [Text(), _mix(summary, language)]
    if summary.events:
        parts += [Text(), _events(summary, language)]
    return Group(*parts)


def _title(summary: Summary, language: Language) -> Text:
    title = Text(summary.name, style="bold")
    title.append(f"  {words.say_stage(summary.stage, language)}  ", style="dim")
    title.append(words.say_state(summary.state, language), style=_STYLES[summary.state])
    title.append(f"  {words.say_name('step', language)} {_of(summary.step, summary.steps)}")
    return title


def _numbers(summary: Summary, log: Log, language: Language) -> Table:
    table = Table.grid(padding=(0, 2))
    rows: list[tuple[str, str, str]] = [
        (
            name,
            _number(getattr(summary, name)),
            plots.sparkline(log.points[name], _SPARK_CHARACTERS),
        )
        for name in ("loss", "tokens_per_second", "gradient_norm", "learning_rate")
    ]
    rows.insert(1, ("heldout_loss", _number(summary.heldout_loss), ""))
    if summary.mfu is not None:
        rows.insert(3, ("mfu", words.say_share(summary.mfu), ""))
    rows += [
        (name, _number(value), plots.sparkline(_series(log, name), _SPARK_CHARACTERS))
        for name, value in summary.measures.items()
    ]
    rows.append(("tokens_seen", _of(summary.tokens_seen, summary.tokens_total), ""))
    if summary.seconds_left is not None:
        rows.append(("seconds_left", words.say_duration(summary.seconds_left, language), ""))
    rows.append(("device", _device(summary), ""))
    rows.append(("layout", words.say_layout(summary.layout, language), ""))
    filling = words.say_filling(summary.drop_share, summary.pad_share, language)
    rows.append(("filling", filling, ""))
    if summary.skipped or summary.rollbacks:
        rows.append(("skipped", str(summary.skipped), ""))
    if summary.stragglers:
        slow = "; ".join(words.say_straggler(one, language) for one in summary.stragglers)
        rows.append(("stragglers", slow, ""))
    rows.append(("checkpoints", ", ".join(one.name for one in summary.checkpoints), ""))
    if summary.head is not None:
        rows.append(("head", f"{summary.head.sha256} ({summary.head.step:,})", ""))
    for name, value, spark in rows:
        if value:
            label = Text(words.say_name(name, language), style="dim")
            shown = Text(value)
            if spark:
                shown.append(f"  {spark}", style="cyan")
            table.add_row(label, shown)
    return table


def _series(log: Log, name: str) -> NDArray[np.float64]:
    """Return a series, of held-out data or of training."""
    return (log.heldout if name.startswith(HELDOUT) else log.points)[name]


def _mix(summary: Summary, language: Language) -> Table:
    table = Table(
        title=words.say_name("mix", language), title_justify="left", show_header=False, box=None
    )
    for part in summary.mix[:_PARTS_SHOWN]:
        bar = "█" * max(1, round(part.share * 30))
        table.add_row(part.source, part.license, words.say_share(part.share), Text(bar, "cyan"))
    return table


def _events(summary: Summary, language: Language) -> Table:
    table = Table(title=words.say_name("events", language), title_justify="left", box=None)
    table.show_header = False
    for event in summary.events[-_EVENTS_SHOWN:]:
        moment = event.at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if event.at else ""
        table.add_row(moment, f"{event.step:,}", words.say_event(event, language))
    return table


def _facts_beside(summaries: Sequence[Summary], language: Language) -> Table:
    table = _table(["run", "state", "step", "loss", "heldout_loss", "tokens_seen",
                    "tokens_per_second", "mfu", "device"], language)  # fmt: skip
    for number, one in enumerate(summaries):
        table.add_row(
            Text(one.name, style=_LINES[number % len(_LINES)]),
            words.say_state(one.state, language),
            _of(one.step, one.steps),
            _number(one.loss),
            _number(one.heldout_loss),
            _number(one.tokens_seen),
            _number(one.tokens_per_second),
            words.say_share(one.mfu) if one.mfu is not None else "",
            _device(one),
        )
    return table


def _overlay_plot(compared: Comparison, names: Sequence[str]) -> Text:
    text = Text()
    for row in plots.dots(compared.lines, width=_PLOT_CHARACTERS, height=_PLOT_ROWS):
        for character, number in row:
            text.append(character, style=_LINES[number % len(_LINES)] if number >= 0 else "")
        text.append("\n")
    for number, name in enumerate(names):
        text.append(f"━━ {name}  ", style=_LINES[number % len(_LINES)])
    return text


def _differences(compared: Comparison, language: Language) -> RenderableType:
    if not compared.differences:
        return Text(_WORDS["same"][language])
    table = Table(title=_WORDS["differences"][language], title_justify="left", box=None)
    for column in ("", *(one.name for one in compared.summaries)):
        table.add_column(column, overflow="fold")
    for row in compared.differences:
        table.add_row(row.key, *(value[:_VALUE_CHARACTERS] for value in row.values))
    return table


def _table(columns: Sequence[str], language: Language) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in columns:
        is_number = name not in {"run", "state", "device"}
        table.add_column(words.say_name(name, language), justify="right" if is_number else "left")
    return table


def _device(summary: Summary) -> str:
    many = summary.processes and summary.processes > 1
    return f"{summary.processes} × {summary.device}" if many else summary.device


def _of(done: int | None, total: int | None) -> str:
    if done is None:
        return ""
    return f"{done:,} / {total:,}" if total else f"{done:,}"


def _number(value: float | None) -> str:
    return "" if value is None else words.say_number(value)


def _print(shown: RenderableType) -> None:
    """Print to stdout; into a file or pipe in lines as long as they need to be."""
    console = Console() if sys.stdout.isatty() else Console(width=160)
    console.print(shown, highlight=False)
