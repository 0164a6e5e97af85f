"""The shape of `exposure.json`, and what single canaries add up to. It never holds a number.

Canaries are named by id: whoever reads the report learns how much was memorized, not what.
"""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from hunmin.evaluation.exposure import Finding, judge, p_of_chance
from hunmin.evaluation.results import ModelFacts

EXPOSURE_NAME = "exposure.json"

_WORDS: Mapping[Finding, tuple[str, str]] = {
    "recited": (
        "{count}개 가운데 {recited}개의 번호를 첫머리만 보고 그대로 씁니다",
        "recites the numbers of {recited} of {count} from their beginning alone",
    ),
    "memorized": (
        "우연으로는 설명되지 않을 만큼 외웠습니다",
        "memorized more than chance explains",
    ),
    "none": ("외운 흔적이 보이지 않습니다", "no sign of memory"),
    "at_chance": ("우연과 다르지 않으며, 그것이 정상입니다", "at chance, as it should be"),
    "off_chance": (
        "우연과 다릅니다. 이 측정을 믿지 마십시오",
        "not at chance: do not trust this measurement",
    ),
}


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class CanaryResult(_Record):
    """One canary."""

    id: str
    repeats: int
    """How often it was put into the text; 0 for a control."""
    learned: int
    """How often it was learned from, by the ledger: less where a run ends within an epoch, more
    where it has several."""
    bits: float
    """What the model needs for its number: -log2 of the probability."""
    rank: int
    """Among itself and the alternatives drawn, from 1."""
    exposure: float
    """Bits."""
    extrapolated: bool
    """Whether it lies beyond all alternatives drawn."""
    recited: bool
    """Whether the likeliest token each time, after the beginning, writes its number."""


class GroupResult(_Record):
    """Canaries that were put in equally often."""

    repeats: int
    learned_mean: float
    canaries: int
    exposure_mean: float
    exposure_min: float
    exposure_max: float
    recited: int
    p_of_chance: float
    """How often as many canaries that were never seen would have at least this mean."""
    finding: Finding
    verdict_ko: str
    verdict_en: str


class ExposureResults(_Record):
    """A whole measurement."""

    format: int = 1
    made_by: str
    model: ModelFacts
    canaries_sha256: str
    """Of the manifest of the canaries."""
    alternatives: int
    """Numbers drawn for each canary."""
    seed: int
    """Of those draws."""
    space_bits: float
    """log2 |R|, the most an exposure can be."""
    chance_mean: float
    """The mean exposure of what was never seen."""
    chance_low: float
    """Between this and `chance_high` the mean of the controls lies 95 times in 100."""
    chance_high: float
    groups: list[GroupResult]
    """Controls first, then by how often canaries were put in."""
    canaries: list[CanaryResult]


def group(canaries: Sequence[CanaryResult]) -> list[GroupResult]:
    """Return what canaries come to, those that were put in equally often together."""
    by_repeats: dict[int, list[CanaryResult]] = {}
    for canary in sorted(canaries, key=lambda canary: canary.repeats):
        by_repeats.setdefault(canary.repeats, []).append(canary)
    return [_summarize(repeats, members) for repeats, members in by_repeats.items()]


def _summarize(repeats: int, members: Sequence[CanaryResult]) -> GroupResult:
    exposures = [member.exposure for member in members]
    count, recited = len(members), sum(member.recited for member in members)
    finding = judge(exposures, inserted=repeats > 0, recited=recited)
    ko, en = (words.format(count=count, recited=recited) for words in _WORDS[finding])
    return GroupResult(
        repeats=repeats,
        learned_mean=sum(member.learned for member in members) / count,
        canaries=count,
        exposure_mean=sum(exposures) / count,
        exposure_min=min(exposures),
        exposure_max=max(exposures),
        recited=recited,
        p_of_chance=p_of_chance(exposures),
        finding=finding,
        verdict_ko=ko,
        verdict_en=en,
    )
