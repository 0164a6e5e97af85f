"""What was used and what it cost, in the shapes of OpenAI's administration API. No decisions.

Its buckets are days of UTC, those here days of Seoul, as everywhere in billing; so each begins at
15:00 UTC. Amounts are in won.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from hunmin.billing import money, usage
from hunmin.billing.usage import Field, UsageLine

Group = Literal["project_id", "api_key_id", "model", "line_item"]
"""What OpenAI calls that which usage can be told apart by."""

FIELD_OF: dict[Group, Field] = {
    "project_id": "project_id",
    "api_key_id": "key_id",
    "model": "model",
    "line_item": "model",
}


class _Reply(BaseModel):
    model_config = ConfigDict(frozen=True)


class CompletionsResult(_Reply):
    """What was used in a bucket, by what it was asked to be told apart by."""

    object: Literal["organization.usage.completions.result"] = (
        "organization.usage.completions.result"
    )
    input_tokens: int
    """Cached ones included."""
    input_cached_tokens: int
    output_tokens: int
    num_model_requests: int
    project_id: str | None
    """None where it was not asked for, and of keys of no project."""
    api_key_id: str | None
    model: str | None

    @classmethod
    def of(cls, line: UsageLine) -> Self:
        """Return a sum as OpenAI writes it."""
        return cls(
            input_tokens=line.prompt_tokens,
            input_cached_tokens=line.cached_tokens,
            output_tokens=line.completion_tokens,
            num_model_requests=line.requests,
            project_id=line.project_id or None,
            api_key_id=line.key_id or None,
            model=line.model or None,
        )


class Amount(_Reply):
    """An amount of money."""

    value: float
    currency: Literal["krw"] = "krw"


class CostsResult(_Reply):
    """What was spent in a bucket, by what it was asked to be told apart by."""

    object: Literal["organization.costs.result"] = "organization.costs.result"
    amount: Amount
    """Without value added tax."""
    line_item: str | None
    """The model, where it was asked for."""
    project_id: str | None
    api_key_id: str | None

    @classmethod
    def of(cls, line: UsageLine) -> Self:
        """Return a sum as OpenAI writes it."""
        return cls(
            amount=Amount(value=line.micro_won / money.MICRO_WON),
            line_item=line.model or None,
            project_id=line.project_id or None,
            api_key_id=line.key_id or None,
        )


class _Bucket(_Reply):
    object: Literal["bucket"] = "bucket"
    start_time: int
    """Unix seconds at which the day begins in Seoul."""
    end_time: int


class _Page(_Reply):
    object: Literal["page"] = "page"
    has_more: bool
    next_page: str | None
    """Where to read on: what to send as `page`."""


class CompletionsBucket(_Bucket):
    """One day of usage."""

    results: list[CompletionsResult]


class CostsBucket(_Bucket):
    """One day of costs."""

    results: list[CostsResult]


class CompletionsUsage(_Page):
    """Usage day by day."""

    data: list[CompletionsBucket]


class Costs(_Page):
    """Costs day by day."""

    data: list[CostsBucket]


@dataclass(frozen=True, slots=True)
class Days:
    """The days of one page of an answer, and whether more come after them."""

    first: date
    end: date
    """The day after the last one."""
    until: date
    """The day after the last one of all pages."""

    @classmethod
    def of(cls, *, since: date, until: date, limit: int, page: date | None) -> Self:
        """Return the first so many days since a day, or since the page where there is one."""
        first = max(since, page or since)
        return cls(first, max(first, min(until, first + timedelta(days=limit))), until)

    @property
    def next_page(self) -> str | None:
        """Return the cursor of the page after; None where there is none."""
        return self.end.isoformat() if self.end < self.until else None

    def each(self) -> list[tuple[date, int, int]]:
        """Return each day with the Unix seconds of its begin and its end."""
        days = [self.first + timedelta(days=n) for n in range((self.end - self.first).days)]
        return [(day, _begin(day), _begin(day + timedelta(days=1))) for day in days]


def completions_of(
    lines: Iterable[UsageLine], days: Days, by: Collection[Group]
) -> CompletionsUsage:
    """Return what was used on some days."""
    found = _by_day(lines, by)
    return CompletionsUsage(
        data=[
            CompletionsBucket(
                start_time=begin,
                end_time=end,
                results=[CompletionsResult.of(line) for line in found[day]],
            )
            for day, begin, end in days.each()
        ],
        has_more=days.next_page is not None,
        next_page=days.next_page,
    )


def costs_of(lines: Iterable[UsageLine], days: Days, by: Collection[Group]) -> Costs:
    """Return what was spent on some days."""
    found = _by_day(lines, by)
    return Costs(
        data=[
            CostsBucket(
                start_time=begin,
                end_time=end,
                results=[CostsResult.of(line) for line in found[day]],
            )
            for day, begin, end in days.each()
        ],
        has_more=days.next_page is not None,
        next_page=days.next_page,
    )


def _by_day(
    lines: Iterable[UsageLine], by: Collection[Group]
) -> defaultdict[date, list[UsageLine]]:
    found: defaultdict[date, list[UsageLine]] = defaultdict(list)
    for line in usage.merged(lines, by={"day", *(FIELD_OF[group] for group in by)}):
        found[line.day].append(line)
    return found


def _begin(day: date) -> int:
    return int(money.midnight_of(day).timestamp())
