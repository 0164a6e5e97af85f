"""Usage: what was used, line by line and summed up. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

Field = Literal["day", "project_id", "key_id", "model"]
"""What a line of usage is of."""

FIELDS: tuple[Field, ...] = get_args(Field)


@dataclass(frozen=True, slots=True)
class UsageLine:
    """What one key used of one model on one day, in Seoul."""

    day: date
    project_id: str
    key_id: str
    model: str
    requests: int
    failed: int
    """Those that ended by a fault of the house; they cost nothing."""
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    micro_won: int

    @property
    def tokens(self) -> int:
        """Return how many there were of both kinds."""
        return self.prompt_tokens + self.completion_tokens


class UsageSum(BaseModel):
    """What one project used of one model in some time."""

    model_config = ConfigDict(frozen=True)

    project_id: str
    """Empty: keys of no project."""
    project: str
    """Its name at the time of the sum."""
    model: str
    requests: int
    failed: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    micro_won: int
    """What it cost, in millionths of a won."""


def merged(lines: Iterable[UsageLine], by: Collection[Field]) -> list[UsageLine]:
    """Add lines together that are alike in what they are asked `by`, in the order of these.

    What they are not asked by is empty in what comes out: the day is the first there could be.
    """
    kept = [name for name in FIELDS if name in by]
    parts: dict[tuple[object, ...], list[UsageLine]] = defaultdict(list)
    for line in lines:
        parts[tuple(getattr(line, name) for name in kept)].append(line)
    return [
        UsageLine(
            day=part[0].day if "day" in by else date.min,
            project_id=part[0].project_id if "project_id" in by else "",
            key_id=part[0].key_id if "key_id" in by else "",
            model=part[0].model if "model" in by else "",
            requests=sum(line.requests for line in part),
            failed=sum(line.failed for line in part),
            prompt_tokens=sum(line.prompt_tokens for line in part),
            cached_tokens=sum(line.cached_tokens for line in part),
            completion_tokens=sum(line.completion_tokens for line in part),
            micro_won=sum(line.micro_won for line in part),
        )
        for _, part in sorted(parts.items())
    ]


def by_project_and_model(lines: Iterable[UsageLine], names: Mapping[str, str]) -> list[UsageSum]:
    """Sum what was used up by project and model, in the order of their names.

    Args:
        lines: Of one organization.
        names: Of its projects, by id.
    """
    sums = [
        UsageSum(
            project_id=line.project_id,
            project=names.get(line.project_id, ""),
            model=line.model,
            requests=line.requests,
            failed=line.failed,
            prompt_tokens=line.prompt_tokens,
            cached_tokens=line.cached_tokens,
            completion_tokens=line.completion_tokens,
            micro_won=line.micro_won,
        )
        for line in merged(lines, by={"project_id", "model"})
    ]
    return sorted(sums, key=lambda one: (one.project, one.project_id, one.model))


def by_day(lines: Iterable[UsageLine]) -> list[tuple[date, int]]:
    """Return how many tokens were used on each day that has some, the first day first."""
    return [(line.day, line.tokens) for line in merged(lines, by={"day"})]
