"""Tools a client offers and calls a model makes, as OpenAI's API has them. No decisions, no I/O.

Tools are functions that the client itself calls. Those a server would have to run (searching the
web, say) are refused, and so is `strict`: no engine here promises that arguments keep to their
schema in every case.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from hunmin.gateway.bodies import Shape
from hunmin.gateway.fields import Text, tag

TOOLS_MAX = 128
CALLS_MAX = 128

FunctionName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
CallId = Annotated[str, Field(min_length=1, max_length=128)]
Choice = Literal["none", "auto", "required"]


class FunctionDefinition(Shape):
    """A function the client can call for the model."""

    name: FunctionName
    description: Text | None = None
    """What it does, so that the model knows when to ask for it."""
    parameters: dict[str, Any] | None = None
    """A JSON Schema of its arguments. The model is shown it, and may yet keep to it or not."""
    strict: Literal[False] | None = None


class FunctionTool(Shape):
    """A tool; there are none but functions."""

    type: Literal["function"]
    function: FunctionDefinition


class NamedFunction(Shape):
    """A function by its name."""

    name: FunctionName


class NamedTool(Shape):
    """The one function the model is to ask for."""

    type: Literal["function"]
    function: NamedFunction


ToolChoice = Annotated[
    Annotated[Choice, Tag("(text)")] | Annotated[NamedTool, Tag("(parts)")],
    Discriminator(tag),
]


class CalledFunction(Shape):
    """A function and its arguments, as the model wrote them."""

    name: FunctionName
    arguments: Text
    parsed_arguments: Any = None
    """What OpenAI's client for Node.js puts beside them when it sends a call back; not read."""


class MadeCall(Shape):
    """A call the model made earlier in the conversation."""

    id: CallId
    type: Literal["function"]
    function: CalledFunction
