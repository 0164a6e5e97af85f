"""Tools, calls and what they came to, as OpenAI's Responses API has them. No decisions, no I/O.

The same as in a chat (`tool_wire`), in flatter shapes: calls and outputs are items of their own.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from hunmin.gateway.bodies import Shape
from hunmin.gateway.fields import PARTS_MAX, Hint, Text, tag
from hunmin.gateway.tool_wire import CallId, Choice, FunctionName

ItemStatus = Literal["completed", "incomplete", "in_progress"]


class ResponseTool(Shape):
    """A function the client can call for the model; there are no other tools."""

    type: Literal["function"]
    name: FunctionName
    description: Text | None = None
    """What it does, so that the model knows when to ask for it."""
    parameters: dict[str, Any] | None = None
    """A JSON Schema of its arguments. The model is shown it, and may yet keep to it or not."""
    strict: Literal[False] | None = None

    def as_chat(self) -> dict[str, Any]:
        """Return the same tool as a chat request has it."""
        function = {"name": self.name, "parameters": self.parameters}
        return {"type": "function", "function": {**function, "description": self.description}}


class ChosenTool(Shape):
    """The one function the model is to ask for."""

    type: Literal["function"]
    name: FunctionName


ResponseToolChoice = Annotated[
    Annotated[Choice, Tag("(text)")] | Annotated[ChosenTool, Tag("(parts)")],
    Discriminator(tag),
]


class CallItem(Shape):
    """A call the model made earlier in the conversation."""

    type: Literal["function_call"]
    call_id: CallId
    name: FunctionName
    arguments: Text
    id: Hint | None = None
    """Comes back with an earlier answer; not read."""
    status: ItemStatus | None = None

    def as_chat(self) -> dict[str, Any]:
        """Return the same call as a chat request has it."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.call_id, "type": "function", "function": function}


class OutputPart(Shape):
    """A piece of what a call came to. Images and files are refused."""

    type: Literal["input_text"]
    text: Text


class CallOutput(Shape):
    """What a call came to."""

    type: Literal["function_call_output"]
    call_id: CallId
    output: Annotated[
        Annotated[Text, Tag("(text)")]
        | Annotated[list[OutputPart], Field(min_length=1, max_length=PARTS_MAX), Tag("(parts)")],
        Discriminator(tag),
    ]
    id: Hint | None = None
    status: ItemStatus | None = None

    def as_chat(self) -> dict[str, Any]:
        """Return the same as a message of a chat request."""
        parts = self.output
        text = parts if isinstance(parts, str) else "".join(part.text for part in parts)
        return {"role": "tool", "content": text, "tool_call_id": self.call_id}
