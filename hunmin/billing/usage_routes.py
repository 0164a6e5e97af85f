"""Usage and costs in OpenAI's administration API, for keys of an organization.

What cannot be told here (hours, persons, batches) is no parameter, and refused.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from hunmin import organizations
from hunmin.act import Act
from hunmin.billing import money, usage_queries, usage_wire
from hunmin.billing.usage import UsageLine
from hunmin.billing.usage_wire import CompletionsUsage, Costs, Days
from hunmin.organizations import AdminAct

router = APIRouter(
    prefix="/v1/organization", tags=["OpenAI API"], responses=organizations.ADMIN_REFUSED
)

CompletionsGroup = Literal["project_id", "api_key_id", "model"]
CostsGroup = Literal["project_id", "api_key_id", "line_item"]
Moment = Annotated[int, Field(ge=0, lt=4_102_444_800)]
"""Unix seconds before 2100."""
Names = Annotated[list[str], Field(max_length=100)]


class _Wanted(BaseModel):
    """Which usage is meant. OpenAI's clients write a list as `name[]`, people as `name`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    start_time: Moment
    """The day it lies in, in Seoul, is the first one."""
    end_time: Moment | None = None
    """Days that begin before it; by default up to today."""
    bucket_width: Literal["1d"] = "1d"
    page: date | None = None
    """The `next_page` of the answer before."""
    project_ids: Names = []
    project_ids_listed: Names = Field(default_factory=list, alias="project_ids[]")
    api_key_ids: Names = []
    api_key_ids_listed: Names = Field(default_factory=list, alias="api_key_ids[]")

    def days(self, act: Act, *, limit: int) -> Days:
        """Return the days of the page that is asked for."""
        end = act.now if self.end_time is None else _moment(self.end_time)
        last = money.day_of(end)
        until = last if money.midnight_of(last) == end else money.day_after(last)
        since = money.day_of(_moment(self.start_time))
        return Days.of(since=since, until=until, limit=limit, page=self.page)

    def lines(self, act: Act, days: Days, models: list[str]) -> list[UsageLine]:
        """Return what was used on these days of what is meant."""
        projects = {*self.project_ids, *self.project_ids_listed}
        keys = {*self.api_key_ids, *self.api_key_ids_listed}
        organization_id = organizations.organization_of_key(act)
        return [
            line
            for line in usage_queries.usage_of(
                act, organization_id, since=days.first, until=days.end
            )
            if (not projects or line.project_id in projects)
            and (not keys or line.key_id in keys)
            and (not models or line.model in models)
        ]


class CompletionsWanted(_Wanted):
    """Which usage is meant, and how it is told apart."""

    limit: Annotated[int, Field(ge=1, le=31)] = 7
    """How many days."""
    group_by: list[CompletionsGroup] = []
    group_by_listed: list[CompletionsGroup] = Field(default_factory=list, alias="group_by[]")
    models: Names = []
    models_listed: Names = Field(default_factory=list, alias="models[]")


class CostsWanted(_Wanted):
    """Which costs are meant, and how they are told apart."""

    limit: Annotated[int, Field(ge=1, le=180)] = 7
    """How many days."""
    group_by: list[CostsGroup] = []
    group_by_listed: list[CostsGroup] = Field(default_factory=list, alias="group_by[]")
    line_items: Names = []
    """Models."""
    line_items_listed: Names = Field(default_factory=list, alias="line_items[]")


@router.get("/usage/completions", operation_id="usageCompletions")
def read_usage(act: AdminAct, wanted: Annotated[CompletionsWanted, Query()]) -> CompletionsUsage:
    """Tell what the organization used day by day, embeddings included. Days are Seoul's."""
    days = wanted.days(act, limit=wanted.limit)
    lines = wanted.lines(act, days, [*wanted.models, *wanted.models_listed])
    return usage_wire.completions_of(lines, days, {*wanted.group_by, *wanted.group_by_listed})


@router.get("/costs", operation_id="usageCosts")
def read_costs(act: AdminAct, wanted: Annotated[CostsWanted, Query()]) -> Costs:
    """Tell what it cost the organization day by day, in won without tax. Days are Seoul's."""
    days = wanted.days(act, limit=wanted.limit)
    lines = wanted.lines(act, days, [*wanted.line_items, *wanted.line_items_listed])
    return usage_wire.costs_of(lines, days, {*wanted.group_by, *wanted.group_by_listed})


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
