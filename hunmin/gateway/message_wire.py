"""The messages of a conversation, as OpenAI's API has them. No decisions, no I/O."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from hunmin.gateway.bodies import Shape
from hunmin.gateway.fields import PARTS_MAX, Text, Unsupported, tag
from hunmin.gateway.tool_wire import CALLS_MAX, CallId, MadeCall


class TextPart(Shape):
    """A piece of text of a message. Images, audio and files are refused."""

    type: Literal["text"]
    text: Text


Parts = Annotated[list[TextPart], Field(min_length=1, max_length=PARTS_MAX)]
Content = Annotated[
    Annotated[Text, Tag("(text)")] | Annotated[Parts, Tag("(parts)")],
    Discriminator(tag),
]


class ChatMessage(Shape):
    """One message: text, or a list of text parts that are joined."""

    role: Literal["system", "developer", "user", "assistant"]
    """`developer` means `system`."""
    content: Content
    """A text, or a list of text parts."""
    name: Unsupported = None
    refusal: Unsupported = None
    annotations: Annotated[list[None], Field(max_length=0)] | None = None
    audio: Unsupported = None
    parsed: Any = None
    """What OpenAI's client for Node.js puts into an answer that it sends back; not read."""
    function_call: Unsupported = None
    tool_calls: Annotated[list[None], Field(max_length=0)] | None = None
    tool_call_id: Unsupported = None

    @property
    def text(self) -> str:
        """Return the whole text of the message."""
        return joined(self.content)


class CallingMessage(Shape):
    """A message in which the assistant called tools, and perhaps said something."""

    role: Literal["assistant"]
    content: Content | None = None
    tool_calls: Annotated[list[MadeCall], Field(min_length=1, max_length=CALLS_MAX)]
    """Each is answered by a `tool` message, before anybody else speaks."""
    name: Unsupported = None
    refusal: Unsupported = None
    annotations: Annotated[list[None], Field(max_length=0)] | None = None
    audio: Unsupported = None
    parsed: Any = None
    """What OpenAI's client for Node.js puts into an answer that it sends back; not read."""
    function_call: Unsupported = None

    @property
    def text(self) -> str:
        """Return what was said beside the calls."""
        return "" if self.content is None else joined(self.content)


class ToolMessage(Shape):
    """What a tool that was called came to."""

    role: Literal["tool"]
    content: Content
    tool_call_id: CallId
    """The call it answers."""

    @property
    def text(self) -> str:
        """Return the whole text of the message."""
        return joined(self.content)


def joined(content: str | list[TextPart]) -> str:
    """Return the whole text of a content."""
    return content if isinstance(content, str) else "".join(part.text for part in content)


def _message_tag(value: object) -> str:
    """Return which kind of message is meant; one that is unknown is none of the tools'."""
    role, calls = (
        value.get(name) if isinstance(value, dict) else getattr(value, name, None)
        for name in ("role", "tool_calls")
    )
    if role == "tool":
        return "(tool)"
    return "(calls)" if calls else "(message)"


AnyMessage = Annotated[
    Annotated[ChatMessage, Tag("(message)")]
    | Annotated[CallingMessage, Tag("(calls)")]
    | Annotated[ToolMessage, Tag("(tool)")],
    Discriminator(_message_tag),
]
