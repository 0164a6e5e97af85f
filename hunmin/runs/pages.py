"""The list of runs, one run, and runs beside each other. They read well before any script runs."""

import pathlib
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from fastapi import Path, Query
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from typing_extensions import override

from hunmin import faces, journal
from hunmin.accounts import PersonAct
from hunmin.act import Language
from hunmin.journal import words
from hunmin.runs import drawing, queries, rules
from hunmin.settings import Settings

router = faces.PageRouter(tags=["runs"])

SERIES = ("loss", "tokens_per_second", "gradient_norm", "learning_rate")
REFRESH_SECONDS = 5

_BUCKETS = 200
"""So many parts of a series keep their first, least, greatest and last value."""

Name = Annotated[str, Path(max_length=500)]
Names = Annotated[list[str], Query(max_length=rules.COMPARED_MAX)]
Over = Literal["steps", "tokens"]


class _RunsPage(faces.View):
    """What the pages of this room share."""

    language: Language

    @override
    def values(self) -> dict[str, Any]:
        said = self.language
        return {
            **super().values(),
            "say_state": lambda state: words.say_state(state, said),
            "say_stage": lambda stage: words.say_stage(stage, said),
            "say_event": lambda event: words.say_event(event, said),
            "say_straggler": lambda straggler: words.say_straggler(straggler, said),
            "say_name": lambda name: words.say_name(name, said),
            "say_layout": lambda layout: words.say_layout(layout, said),
            "say_filling": lambda run: words.say_filling(run.drop_share, run.pad_share, said),
            "say_duration": lambda seconds: words.say_duration(seconds, said),
            "say_number": words.say_number,
            "say_share": words.say_share,
            "say_bytes": words.say_bytes,
        }


class RunsView(_RunsPage):
    """Every run."""

    template: ClassVar[str] = "runs/list.html"

    runs: list[journal.Summary]

    @override
    def values(self) -> dict[str, Any]:
        return {**super().values(), "compared_max": rules.COMPARED_MAX}


class RunView(_RunsPage):
    """One run."""

    template: ClassVar[str] = "runs/run.html"

    run: journal.Summary
    series: dict[str, list[tuple[float, float]]]
    """Step and value of each series; where there are very many, those that shape the line."""

    @override
    def values(self) -> dict[str, Any]:
        charts = drawing.of_run(
            dict(self.series),
            self.run.events,
            stage=self.run.stage,
            steps=self.run.steps,
            language=self.language,
        )
        is_live = self.run.state in {"running", "stalled"}
        return {
            **super().values(),
            "charts": charts,
            "refresh_seconds": REFRESH_SECONDS if is_live else None,
        }


class DifferenceView(BaseModel):
    """A value of the recipes that is not the same in all runs."""

    model_config = ConfigDict(frozen=True)

    key: str
    values: list[str]


class CompareView(_RunsPage):
    """Runs beside each other."""

    template: ClassVar[str] = "runs/compare.html"

    over: Over
    runs: list[journal.Summary]
    lines: list[list[tuple[float, float]]]
    """Of each run, step or tokens and loss."""
    places: list[float]
    """Steps or tokens that every run has reached."""
    losses: list[list[float | None]]
    """Of each run, at these places."""
    differences: list[DifferenceView]

    @override
    def values(self) -> dict[str, Any]:
        names = [one.name for one in self.runs]
        axis = _axis(self.over)
        drawn = drawing.of_comparison(
            names,
            self.lines,
            stages={one.stage for one in self.runs},
            axis=axis,
            language=self.language,
        )
        return {
            **super().values(),
            "charts": [drawn] if drawn else [],
            "names": names,
            "rows": list(zip(self.places, zip(*self.losses, strict=True), strict=True)),
        }


@router.get("/runs")
def show_runs(request: Request, act: PersonAct) -> RunsView:
    """Show every run, those that go on first."""
    return RunsView(language=act.language, runs=queries.list_runs(act, _folder(request)))


@router.get("/runs/compare")
def show_comparison(
    request: Request, act: PersonAct, run: Names, over: Over = "steps"
) -> CompareView:
    """Show runs beside each other: losses at the same steps or tokens, and what differs."""
    names = list(dict.fromkeys(run))
    compared = queries.compare_runs(act, _folder(request), names, axis=_axis(over))
    return CompareView(
        language=act.language,
        over=over,
        runs=compared.summaries,
        lines=[_points(x, y) for x, y in compared.lines],
        places=compared.places_X.tolist(),
        losses=[
            [None if np.isnan(loss) else loss for loss in losses.tolist()]
            for losses in compared.losses_RX
        ],
        differences=[
            DifferenceView(key=one.key, values=list(one.values)) for one in compared.differences
        ],
    )


@router.get("/runs/{name:path}")
def show_run(request: Request, act: PersonAct, name: Name) -> RunView:
    """Show one run: where it is, its charts, its data, and what happened to it."""
    run, log = queries.get_run(act, _folder(request), name)
    steps = log.points["step"]
    series = {series: _points(steps, log.points[series]) for series in SERIES}
    series["heldout_loss"] = _points(log.heldout["step"], log.heldout["heldout_loss"])
    for measure in journal.MEASURES:
        heldout = journal.HELDOUT + measure
        series |= _where_known(measure, _points(steps, log.points[measure]))
        series |= _where_known(heldout, _points(log.heldout["step"], log.heldout[heldout]))
    series["mfu"] = _points(steps, journal.mfu_of_points(log))
    return RunView(language=act.language, run=run, series=series)


def _where_known(
    name: str, points: list[tuple[float, float]]
) -> dict[str, list[tuple[float, float]]]:
    """Return a series by its name; nothing where the stage does not measure it."""
    return {name: points} if points else {}


def _folder(request: Request) -> pathlib.Path:
    settings: Settings = request.app.state.settings
    return settings.runs.folder


def _axis(over: Over) -> journal.Axis:
    return "step" if over == "steps" else "tokens_seen"


def _points(x_P: NDArray[np.float64], y_P: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Return the points of a series that are known, and of very many those that shape it."""
    known = ~(np.isnan(x_P) | np.isnan(y_P))
    x, y = x_P[known], y_P[known]
    kept = journal.keep_extremes(y, _BUCKETS)
    return list(zip(x[kept].tolist(), y[kept].tolist(), strict=True))
