"""The messages of a conversation, as OpenAI's API has them. No decisions, no I/O."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from hunmin.gateway.bodies import Shape
from hunmin.gateway.fields import PARTS_MAX, Text, Unsupported, tag


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
    """`developer` means `system`. Tool messages are refused."""
    content: Content
    """A text, or a list of text parts."""
    name: Unsupported = None
    refusal: Unsupported = None
    annotations: Annotated[list[None], Field(max_length=0)] | None = None
    audio: Unsupported = None
    function_call: Unsupported = None
    tool_calls: Unsupported = None
    tool_call_id: Unsupported = None

    @property
    def text(self) -> str:
        """Return the whole text of the message."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)
