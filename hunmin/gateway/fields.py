"""Kinds of fields that several requests of the API have, and how large each may be."""

from typing import Annotated

from pydantic import BeforeValidator, Field

TEXT_CHARACTERS_MAX = 2_000_000
MESSAGES_MAX = 2_048
PROMPTS_MAX = 256
CHOICES_MAX = 16
LOGPROBS_MAX = 5
TOP_LOGPROBS_MAX = 20
BIASED_TOKENS_MAX = 300
PARTS_MAX = 256
TOKENS_MAX = 10_000_000
SEED_MAX = 9_223_372_036_854_776_000
"""As in OpenAI's schema: 2**63 as numbers without integers know it."""


def _whole(value: object) -> object:
    """Take 16.0 for 16, as JSON Schema does; clients in some languages know only one number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = BeforeValidator(_whole)
"""Stands last, so that the bounds before it are bounds of the integer, also in JSON Schema."""
Text = Annotated[str, Field(max_length=TEXT_CHARACTERS_MAX)]
StopText = Annotated[str, Field(min_length=1, max_length=256)]
Hint = Annotated[str, Field(max_length=512)]
Unsupported = Annotated[None, Field(description="Not supported; leave it out or send null.")]


TokenId = Annotated[int, Field(ge=0, lt=2**31), Whole]
TokenIds = Annotated[list[TokenId], Field(min_length=1, max_length=TEXT_CHARACTERS_MAX)]


def tag(value: object) -> str:
    """Return which of two forms is meant, so that an error speaks of that one only."""
    return "(text)" if isinstance(value, str) else "(parts)"


def prompt_tag(value: object) -> str:
    """Return which of the four forms of a prompt is meant."""
    if isinstance(value, str):
        return "(text)"
    first = value[0] if isinstance(value, list) and value else None
    if isinstance(first, list):
        return "(token lists)"
    return "(tokens)" if isinstance(first, int | float) else "(texts)"
