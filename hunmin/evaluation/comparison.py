"""Two evaluations side by side: the difference, and whether it is more than luck.

Where both asked the same items, they are compared item by item, which sees much smaller
differences than comparing two averages. Tasks with another wording or other data do not compare.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from hunmin.errors import NothingToCompare
from hunmin.evaluation.results import HeldoutItems, Items, Results, TaskItems, read_results
from hunmin.evaluation.uncertainty import Z, normal_p, sign_test

SIGNIFICANT_P = 0.05

Better = Literal["first", "second", "neither"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of two evaluations."""

    name: str
    metric: str
    first: float
    second: float
    low: float
    """Lower end of the 95% interval of second less first."""
    high: float
    p: float
    """How often luck alone would make a difference this large."""
    paired: bool
    higher_is_better: bool

    @property
    def difference(self) -> float:
        """Second less first."""
        return self.second - self.first

    @property
    def better(self) -> Better:
        """Which is better by more than luck explains."""
        if self.p >= SIGNIFICANT_P or self.difference == 0:
            return "neither"
        return "second" if (self.difference > 0) == self.higher_is_better else "first"


def compare(first: Path, second: Path) -> list[Difference]:
    """Compare two finished evaluations.

    Raises:
        EvaluationBroken: A folder is not an evaluation.
        NothingToCompare: They have nothing in common.
    """
    found = list(_differences(read_results(first), read_results(second)))
    if not found:
        raise NothingToCompare(first=first, second=second)
    return found


def _differences(one: tuple[Results, Items], two: tuple[Results, Items]) -> Iterator[Difference]:
    (results, items), (other_results, other_items) = one, two
    if items.heldout and other_items.heldout:
        bits = _compare_heldout(items.heldout, other_items.heldout)
        if bits is not None:
            yield bits
    for name, task in results.tasks.items():
        other = other_results.tasks.get(name)
        asked = (task.task_sha256, task.data_sha256)
        if other is None or asked != (other.task_sha256, other.data_sha256):
            continue
        metric, a, b = task.primary, task.main, other.metrics[task.primary]
        pairs = _scalar_pairs(items.tasks[name], other_items.tasks[name], metric)
        if pairs is not None:
            low, high, p = _paired(pairs)
        else:
            error = math.hypot(a.stderr or 0.0, b.stderr or 0.0)
            gap = b.score - a.score
            low, high = gap - Z * error, gap + Z * error
            p = normal_p(gap / error) if error else float(gap == 0)
        yield Difference(
            name, metric, a.score, b.score, low, high, p, pairs is not None, a.higher_is_better
        )


def _compare_heldout(one: HeldoutItems, two: HeldoutItems) -> Difference | None:
    """Compare bits per byte on the documents both read to the same length."""
    other = {
        (name, size): bits
        for name, size, bits in zip(two.ids, two.text_bytes, two.bits, strict=True)
    }
    rows = [
        (bits, other[name, size], size)
        for name, size, bits in zip(one.ids, one.text_bytes, one.bits, strict=True)
        if (name, size) in other
    ]
    if len(rows) < 2:  # noqa: PLR2004 (an error needs two)
        return None
    a, b, sizes = np.array(rows).T
    first, second = a.sum() / sizes.sum(), b.sum() / sizes.sum()
    gap = second - first
    spread = (((b - a) - gap * sizes) ** 2).sum() / (len(rows) - 1)
    error = math.sqrt(spread / len(rows)) / sizes.mean()
    p = normal_p(gap / error) if error else float(gap == 0)
    return Difference(
        "heldout", "bits_per_byte", float(first), float(second),
        float(gap - Z * error), float(gap + Z * error), p, paired=True, higher_is_better=False,
    )  # fmt: skip


def _scalar_pairs(
    one: TaskItems, two: TaskItems, metric: str
) -> Sequence[tuple[float, float]] | None:
    """Return both models' numbers, item by item; None where items or the metric forbid it."""
    other = dict(zip(two.ids, two.metrics[metric], strict=True))
    pairs = [
        (part, other[name])
        for name, part in zip(one.ids, one.metrics[metric], strict=True)
        if name in other
    ]
    scalar = all(isinstance(part, (int, float)) for pair in pairs for part in pair)
    same = len(pairs) == len(one.ids) == len(two.ids)
    return pairs if scalar and same else None


def _paired(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    gaps = [b - a for a, b in pairs]
    count = len(gaps)
    mean = sum(gaps) / count
    error = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / max(count - 1, 1) / count)
    p = sign_test(sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps))
    return mean - Z * error, mean + Z * error, p


_WORDS: dict[Better, str] = {
    "first": "첫째가 나음 · first is better",
    "second": "둘째가 나음 · second is better",
    "neither": "차이를 말할 수 없음 · no difference shown",
}


def as_markdown(differences: Sequence[Difference], first: str, second: str) -> str:
    """Return a comparison as a Markdown table."""
    columns = ("과제 · task", "metric", first, second, "차이 · difference", "95%", "p")
    lines = [
        f"| {' | '.join(columns)} | 짝지음 · paired | |",
        "| --- | --- | ---: | ---: | ---: | --- | ---: | --- | --- |",
    ]
    lines += [
        f"| {d.name} | {d.metric} | {d.first:.3f} | {d.second:.3f} | {d.difference:+.3f} "
        f"| {d.low:+.3f} to {d.high:+.3f} | {d.p:.3f} | {'yes' if d.paired else 'no'} "
        f"| {_WORDS[d.better]} |"
        for d in differences
    ]
    return "\n".join(lines) + "\n"
