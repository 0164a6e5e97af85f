"""Which charts a run's page and the comparison have, in the words of the page."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from babel.numbers import format_compact_decimal, format_decimal

from hunmin.act import Language
from hunmin.faces import mark, translate
from hunmin.journal import HELDOUT, MEASURES, Axis, Event, words
from hunmin.runs.charts import Chart, Line, Mark, Points, chart

CHARTS: tuple[tuple[str, str, bool], ...] = (
    # series, title, whether the axis begins at zero
    ("loss", mark("Loss, nats a token"), False),
    ("tokens_per_second", mark("Tokens a second"), True),
    ("mfu", mark("MFU"), True),
    ("gradient_norm", mark("Gradient norm"), True),
    ("learning_rate", mark("Learning rate"), True),
)

_LOSSES: Mapping[str, str] = {
    "preference": mark("Loss, nats a pair"),
    "reinforce": mark("Loss"),
}
"""What the loss of a stage is called where it is no mean over tokens alone."""

_AXES: dict[Axis, str] = {"step": mark("Step"), "tokens_seen": mark("Tokens seen")}

_MARKED = ("started", "rollback", "skipped", "straggler", "replica_lost", "replica_joined")
"""Events that stand in the chart of the loss; each is a class of the stylesheet."""

_COMPACT_FROM = 10_000
_PLAIN_FROM = 0.001


def of_run(
    series: dict[str, Points],
    events: Sequence[Event],
    *,
    stage: str,
    steps: int | None,
    language: Language,
) -> list[Chart]:
    """Return the charts of a run, those without points left out."""
    marks = [
        Mark(one.step, one.event, words.say_kind(one.event, language))
        for one in events
        if one.event in _MARKED and one.step > 0  # the first start is where the chart begins
    ]
    charts = [
        (name, translate(language, _LOSSES.get(stage, title) if name == "loss" else title), zero)
        for name, title, zero in CHARTS
    ]
    charts += [(name, words.say_name(name, language), False) for name in MEASURES]
    drawn = []
    for name, said, from_zero in charts:
        lines = [Line(said, series.get(name, ()))]
        if heldout := series.get(HELDOUT + name):
            lines = [
                Line(translate(language, mark("Training")), series.get(name, ())),
                Line(translate(language, mark("Held out")), heldout, dotted=True),
            ]
        drawn.append(
            chart(
                name,
                said,
                lines,
                x_title=translate(language, _AXES["step"]),
                x_end=steps or 0,
                say_x=_say(language),
                say_y=_percent if name == "mfu" else _say(language),
                from_zero=from_zero,
                marks=marks if name == "loss" else (),
            )
        )
    return [one for one in drawn if one is not None]


def of_comparison(
    names: Sequence[str],
    lines: Sequence[Points],
    *,
    stages: AbstractSet[str],
    axis: Axis,
    language: Language,
) -> Chart | None:
    """Return the losses of runs over one another."""
    per_token = mark("Loss, nats a token")
    titles = {_LOSSES.get(stage, per_token) for stage in stages}
    return chart(
        "loss",
        translate(language, titles.pop() if len(titles) == 1 else mark("Loss")),
        [Line(name, points) for name, points in zip(names, lines, strict=True)],
        x_title=translate(language, _AXES[axis]),
        x_end=0,
        say_x=_say(language),
        say_y=_say(language),
        from_zero=False,
    )


def _say(language: Language) -> Callable[[float], str]:
    def say(value: float) -> str:
        if abs(value) >= _COMPACT_FROM:
            return format_compact_decimal(value, locale=language, fraction_digits=1)
        digits = "#,##0.####" if value == int(value) or abs(value) >= _PLAIN_FROM else "0.##E0"
        return format_decimal(value, digits, locale=language)

    return say


def _percent(value: float) -> str:
    return f"{100 * value:.3g}%"
