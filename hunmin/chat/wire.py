"""What the chat page sends, as JSON. No decisions: how long a message may be, `rules` says."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from hunmin import documents
from hunmin.chat.rules import Reason, Role, Verdict

Id = Annotated[str, Path(pattern="^[0-9a-z]{26}$")]
IdField = Annotated[str, Field(pattern="^[0-9a-z]{26}$")]
Words = Annotated[str, Field(max_length=1_000_000)]
"""More than any setting allows; `rules` says how long a message may be, in people's words."""
Name = Annotated[str, Field(max_length=10_000)]
ModelName = Annotated[str | None, Field(max_length=256)]


class Body(BaseModel):
    """What a request says, as JSON. A number in quotes is no number."""

    model_config = ConfigDict(
        strict=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )


FileIds = Annotated[list[IdField], Field(max_length=documents.FILES_MAX)]
CollectionIds = Annotated[list[IdField] | None, Field(max_length=documents.COLLECTIONS_MAX)]


class FirstQuestion(Body):
    """The question a conversation begins with."""

    text: Words
    model: ModelName = None
    """Which model answers, from now on; the one preferred, or else the first, by default."""
    folder_id: IdField | None = None
    """The folder the conversation is begun in."""
    file_ids: FileIds = []
    """Files that passages are looked for in, for this question and all below it."""
    collection_ids: CollectionIds = None
    """Collections that passages are looked for in, from now on."""


class NextQuestion(Body):
    """A question in a conversation."""

    text: Words
    model: ModelName = None
    """Which model answers, from now on; the conversation's by default."""
    parent_id: IdField | None
    """The answer it follows; null for another first question. An edited question follows what
    the old one followed."""
    file_ids: FileIds = []
    """Files that passages are looked for in, for this question and all below it."""
    collection_ids: CollectionIds = None
    """Collections that passages are looked for in, from now on; null: as before."""


class Again(Body):
    """Another answer to the same question."""

    model: ModelName = None
    """Which model answers, from now on; the conversation's by default."""


class Turn(Body):
    """A message of a chat of which nothing is kept."""

    role: Role
    text: Words


class TemporaryQuestion(Body):
    """A question in a chat of which nothing is kept, so that all of it comes along."""

    turns: Annotated[list[Turn], Field(min_length=1, max_length=100_000)]
    """Question and answer in turn from the first on; the last is the question."""
    model: ModelName = None
    """Which model answers; the one preferred, or else the first, by default."""
    system_prompt: Words = ""
    """What the model is told before the chat."""
    temperature: float | None = None
    """How freely the model chooses its words; null leaves it to one's preference."""


class Change(Body):
    """What is to be otherwise with a conversation; what is left out stays as it is."""

    title: Name = ""
    folder_id: IdField | None = None
    """The folder it lies in; null takes it out."""
    pinned: bool = False
    archived: bool = False
    model: ModelName = None
    """Which model answers; null leaves it to one's preference."""
    system_prompt: Words = ""
    """What the model is told before the conversation."""
    temperature: float | None = None
    """How freely the model chooses its words; null leaves it to one's preference."""


class NewFolder(Body):
    """A folder to be made."""

    name: Name
    system_prompt: Words = ""
    """What the model is told before each conversation in it."""


class FolderChange(Body):
    """What is to be otherwise with a folder; what is left out stays as it is."""

    name: Name = ""
    system_prompt: Words = ""


class FolderOrder(Body):
    """The order of folders."""

    folder_ids: Annotated[list[IdField], Field(max_length=1_000)]
    """Their ids, the first to stand first; folders left out come after."""


class Preferences(Body):
    """How one would like to be answered where a conversation says nothing else."""

    system_prompt: Words = ""
    model: ModelName = None
    temperature: float | None = None


class NewShare(Body):
    """A conversation to be shown to whoever has its address."""

    days: Literal[1, 7, 30] = 7
    """How long the address works."""
    masked: bool = True
    """Whether labels stand in the place of the personal data that is found."""


class Feedback(Body):
    """What one says of an answer."""

    verdict: Verdict
    reasons: Annotated[list[Reason], Field(max_length=20)] = []
    """Why, of those that fit the verdict."""
    words: Words = ""
    may_train: bool = False
    """Whether it may be used for training; false takes an earlier consent back."""
    notice: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    """The number of the notice that was read; needed where it may be used for training."""


class Branch(Body):
    """A message on the branch to show."""

    message_id: IdField


class BranchShown(BaseModel):
    """The branch that is shown now."""

    model_config = ConfigDict(hide_input_in_errors=True)

    leaf_id: str


Secret = Annotated[str, Path(pattern="^[0-9A-Za-z_-]{43}$")]
