"""Usage: what was used, line by line and summed up. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel, ConfigDict


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


def by_project_and_model(lines: Iterable[UsageLine], names: Mapping[str, str]) -> list[UsageSum]:
    """Sum what was used up by project and model, in the order of their names.

    Args:
        lines: Of one organization.
        names: Of its projects, by id.
    """
    parts: dict[tuple[str, str], list[UsageLine]] = defaultdict(list)
    for line in lines:
        parts[line.project_id, line.model].append(line)
    sums = [
        UsageSum(
            project_id=project_id,
            project=names.get(project_id, ""),
            model=model,
            requests=sum(line.requests for line in part),
            failed=sum(line.failed for line in part),
            prompt_tokens=sum(line.prompt_tokens for line in part),
            cached_tokens=sum(line.cached_tokens for line in part),
            completion_tokens=sum(line.completion_tokens for line in part),
            micro_won=sum(line.micro_won for line in part),
        )
        for (project_id, model), part in parts.items()
    ]
    return sorted(sums, key=lambda one: (one.project, one.project_id, one.model))


def by_day(lines: Iterable[UsageLine]) -> list[tuple[date, int]]:
    """Return how many tokens were used on each day that has some, the first day first."""
    days: dict[date, int] = defaultdict(int)
    for line in lines:
        days[line.day] += line.tokens
    return sorted(days.items())
