"""The report for people: `report.md` and `report.html`, Korean first, English beside.

A score is never shown without its error and its baseline. The page is one file with its own style
on the theme's values and no script, so it can be opened, mailed and printed anywhere.
"""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from hunmin.evaluation.results import MetricResult, Results, SourceResult, TaskResult, Verdict

VERDICTS: dict[Verdict, tuple[str, str]] = {
    "above": ("기준선보다 높음", "above the baseline"),
    "same": ("기준선과 구별되지 않음", "no different from the baseline"),
    "below": ("기준선보다 낮음", "below the baseline"),
    "unknown": ("기준선 없음", "no baseline"),
}

_PERCENT_METRICS = ("chrf", "bleu", "ter")
"""Metrics that run to 100; the others run to 1."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Where to draw a score, its interval and its baseline: 0 to 1."""

    score: float
    low: float
    high: float
    baseline: float | None


def write_reports(results: Results, folder: Path) -> None:
    """Write `report.md` and `report.html` into a folder."""
    (folder / "report.md").write_text(render(results, "report.md.jinja"), "utf-8")
    (folder / "report.html").write_text(render(results, "report.html.jinja"), "utf-8")


def render(results: Results, template: str) -> str:
    """Return a report of results by one of the two templates."""
    primary = list(results.tasks.items())
    return open_template(template).render(
        results=results,
        tasks=primary,
        others=[
            (name, task, metric, result)
            for name, task in primary
            for metric, result in task.metrics.items()
            if metric != task.primary
        ],
        verdicts=VERDICTS,
        bar=bar_of,
        tally=tally(results),
        worst_bits=max((s.bits_per_byte for s in _sources(results)), default=1.0),
        overlaps=any(task.overlap is not None for _, task in primary),
    )


def open_template(name: str) -> Template:
    """Return a template of this room, ready to be rendered."""
    environment = Environment(
        loader=PackageLoader("hunmin.evaluation", "templates"),
        autoescape=name.endswith("html.jinja"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"figure": figure, "count": lambda number: f"{number:,}"}
    return environment.get_template(name)


def figure(number: float | None) -> str:
    """Return a number with three decimals, or a dash."""
    return "–" if number is None else f"{number:.3f}"


def bar_of(task: TaskResult) -> Bar | None:
    """Return the bar of a task's primary metric; none for what does not begin at 0."""
    result, scale = task.main, 100.0 if task.primary in _PERCENT_METRICS else 1.0
    if result.low is None or result.high is None or not 0 <= result.score <= scale:
        return None
    baseline = None if result.baseline is None else _clip(result.baseline / scale)
    return Bar(
        _clip(result.score / scale), _clip(result.low / scale), _clip(result.high / scale), baseline
    )


def _clip(share: float) -> float:
    return min(max(share, 0.0), 1.0)


def tally(results: Results) -> dict[Verdict, int]:
    """Count the tasks by where they lie to their baseline."""
    found: list[MetricResult] = [task.main for task in results.tasks.values()]
    return {verdict: sum(one.verdict == verdict for one in found) for verdict in VERDICTS}


def _sources(results: Results) -> list[SourceResult]:
    return list(results.heldout.by_source.values()) if results.heldout else []
