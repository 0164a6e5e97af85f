"""What the room shows of a conversation: plain values, the same for the page, JSON and commands."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from hunmin.chat.rules import Role, State

AI_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""How a machine is told that a text was made by a model: the IPTC's term for it."""


class Facts(BaseModel):
    """What is known about how an answer came to be."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    model: str
    model_sha256: str | None = None
    """SHA-256 of the manifest of the model; with it, its whole lineage can be found."""
    wall_ms: int | None = None
    """From the question to the last token."""
    first_token_ms: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: Literal["stop", "length"] | None = None
    """`length`: the answer ended because it may not be longer."""
    left_out: int = 0
    """Messages of the conversation that the model did not read, its context being too short."""


class MessageView(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    parent_id: str | None
    role: Role
    text: str
    state: State
    created_at: datetime
    facts: Facts | None = None
    error_code: str | None = None
    ai_generated: bool
    """True for every word of a model, as Korea's AI Basic Act asks."""


class ConversationSummary(BaseModel):
    """A conversation as the list shows it."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    excerpt: str | None = None
    """In a search: the words around what was found, where the title does not have it."""


class ConversationList(BaseModel):
    """A part of the list, the newest first."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    conversations: list[ConversationSummary]
    more: bool
    """Whether there are older ones."""


class ConversationView(BaseModel):
    """A conversation with its whole tree of messages."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    leaf_id: str | None
    """The last message of the branch shown."""
    messages: list[MessageView]
    """Every message of every branch, oldest first."""


class Begun(BaseModel):
    """An answer about to be written: the first event of its stream."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    conversation: ConversationSummary
    question: MessageView
    answer: MessageView


class ExportedConversations(BaseModel):
    """Everything a person has written and been answered, to take away."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    format: Literal["hunmin-conversations-1"] = "hunmin-conversations-1"
    exported_at: datetime
    notice: str
    """That the messages of the role `assistant` were made by a model."""
    ai_source_type: str = AI_SOURCE_TYPE
    conversations: list[ConversationView]
