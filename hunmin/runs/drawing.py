"""Which charts a run's page and the comparison have, in the words of the page."""

from collections.abc import Callable, Sequence

from babel.numbers import format_compact_decimal, format_decimal

from hunmin.act import Language
from hunmin.faces import mark, translate
from hunmin.journal import Axis, Event, words
from hunmin.runs.charts import Chart, Line, Mark, Points, chart

CHARTS: tuple[tuple[str, str, bool], ...] = (
    # series, title, whether the axis begins at zero
    ("loss", mark("Loss, nats a token"), False),
    ("tokens_per_second", mark("Tokens a second"), True),
    ("mfu", mark("MFU"), True),
    ("gradient_norm", mark("Gradient norm"), True),
    ("learning_rate", mark("Learning rate"), True),
)

_AXES: dict[Axis, str] = {"step": mark("Step"), "tokens_seen": mark("Tokens seen")}

_MARKED = ("started", "rollback", "skipped", "straggler")
"""Events that stand in the chart of the loss; each is a class of the stylesheet."""

_COMPACT_FROM = 10_000
_PLAIN_FROM = 0.001


def of_run(
    series: dict[str, Points], events: Sequence[Event], *, steps: int | None, language: Language
) -> list[Chart]:
    """Return the charts of a run, those without points left out."""
    marks = [
        Mark(one.step, one.event, words.say_kind(one.event, language))
        for one in events
        if one.event in _MARKED and one.step > 0  # the first start is where the chart begins
    ]
    drawn = []
    for name, title, from_zero in CHARTS:
        said = translate(language, title)
        lines = [Line(said, series[name])]
        if name == "loss":
            lines = [
                Line(translate(language, mark("Training")), series["loss"]),
                Line(translate(language, mark("Held out")), series["heldout_loss"], dotted=True),
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
    names: Sequence[str], lines: Sequence[Points], *, axis: Axis, language: Language
) -> Chart | None:
    """Return the losses of runs over one another."""
    return chart(
        "loss",
        translate(language, mark("Loss, nats a token")),
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
