"""What the chat page sends, as JSON. No decisions: how long a message may be, `rules` says."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Path(pattern="^[0-9a-z]{26}$")]
IdField = Annotated[str, Field(pattern="^[0-9a-z]{26}$")]
Words = Annotated[str, Field(max_length=1_000_000)]
"""More than any setting allows; `rules` says how long a message may be, in people's words."""


class Body(BaseModel):
    """What a request says, as JSON."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )


class FirstQuestion(Body):
    """The question a conversation begins with."""

    text: Words
    model: Annotated[str | None, Field(max_length=256)] = None
    """Which model answers; the first one by default."""


class NextQuestion(FirstQuestion):
    """A question in a conversation."""

    parent_id: IdField | None
    """The answer it follows; null for another first question. An edited question follows what
    the old one followed."""


class Again(Body):
    """Another answer to the same question."""

    model: Annotated[str | None, Field(max_length=256)] = None
    """Which model answers; the first one by default."""


class NewTitle(Body):
    """Another title."""

    title: Annotated[str, Field(max_length=10_000)]


class Branch(Body):
    """A message on the branch to show."""

    message_id: IdField


class BranchShown(BaseModel):
    """The branch that is shown now."""

    model_config = ConfigDict(hide_input_in_errors=True)

    leaf_id: str
