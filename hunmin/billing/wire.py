"""The shapes of OpenAI's administration API, as far as they are about limits. No decisions."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hunmin.billing.rules import LIMIT_MAX, Limits

EVERY_MODEL = "all"
"""The id of the only limit a project has: it holds for all models together."""

Most = Annotated[int | None, Field(ge=1, le=LIMIT_MAX)]


class RateLimit(BaseModel):
    """How much a project may ask in any minute, of all models together."""

    model_config = ConfigDict(frozen=True)

    object: Literal["project.rate_limit"] = "project.rate_limit"
    id: Literal["all"] = EVERY_MODEL
    model: Literal["*"] = "*"
    max_requests_per_1_minute: int | None
    """Null: no limit of its own. OpenAI's is never null."""
    max_tokens_per_1_minute: int | None
    max_concurrent: int | None
    """Answers at the same time. Not OpenAI's."""

    @classmethod
    def of(cls, limits: Limits) -> "RateLimit":
        """Return limits as OpenAI writes them."""
        return cls(
            max_requests_per_1_minute=limits.requests_per_minute_max,
            max_tokens_per_1_minute=limits.tokens_per_minute_max,
            max_concurrent=limits.concurrent_max,
        )


class RateLimitList(BaseModel):
    """The limits of a project: one, or none where nothing is set."""

    model_config = ConfigDict(frozen=True)

    object: Literal["list"] = "list"
    data: list[RateLimit]
    first_id: str | None
    last_id: str | None
    has_more: Literal[False] = False

    @classmethod
    def of(cls, limits: Limits) -> "RateLimitList":
        """Return limits as a list of OpenAI's."""
        data = [RateLimit.of(limits)] if limits != Limits() else []
        only = EVERY_MODEL if data else None
        return cls(data=data, first_id=only, last_id=only)


class RateLimitBody(BaseModel):
    """What to change; null takes a limit back, and what is not named stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    max_requests_per_1_minute: Most = None
    max_tokens_per_1_minute: Most = None
    max_concurrent: Most = None

    def applied(self, limits: Limits) -> Limits:
        """Return limits with what is named here in their place."""
        named = self.model_dump(exclude_unset=True)
        return Limits(
            named.get("max_requests_per_1_minute", limits.requests_per_minute_max),
            named.get("max_tokens_per_1_minute", limits.tokens_per_minute_max),
            named.get("max_concurrent", limits.concurrent_max),
        )
