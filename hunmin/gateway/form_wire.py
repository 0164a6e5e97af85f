"""The forms an answer may be held to, as OpenAI's API has them. No decisions, no I/O."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from hunmin.gateway.bodies import Shape
from hunmin.gateway.fields import TEXT_CHARACTERS_MAX, Unsupported

WRITTEN_MAX = 10_000
"""Characters of a regular expression or a grammar."""
CHOICES_MAX = 1_000


class TextFormat(Shape):
    """Any text."""

    type: Literal["text"]


class JsonObjectFormat(Shape):
    """Any JSON object."""

    type: Literal["json_object"]


class JsonSchema(Shape):
    """A JSON Schema the answer keeps to; the guide to the API says how much of it."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    """Accepted, neither used nor kept."""
    description: Annotated[str, Field(max_length=TEXT_CHARACTERS_MAX)] | None = None
    """Accepted, neither used nor kept: what the model is to know belongs into a message."""
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    strict: bool | None = None
    """The schema is kept to in any case."""


class JsonSchemaFormat(Shape):
    """JSON of a form."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


def format_tag(value: object) -> str:
    """Return which response format is meant; one that is unknown is none of text's types."""
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return {"json_object": "(object)", "json_schema": "(schema)"}.get(str(kind), "(any)")


ResponseFormat = Annotated[
    Annotated[TextFormat, Tag("(any)")]
    | Annotated[JsonObjectFormat, Tag("(object)")]
    | Annotated[JsonSchemaFormat, Tag("(schema)")],
    Discriminator(format_tag),
]


class StructuredOutputs(Shape):
    """The form of an answer under vLLM's names; exactly one of them is given."""

    json_: Annotated[dict[str, Any] | None, Field(alias="json")] = None
    """A JSON Schema, of which as much is kept to as in `response_format`."""
    json_object: bool | None = None
    """Any JSON object."""
    regex: Annotated[str, Field(max_length=WRITTEN_MAX)] | None = None
    """A regular expression that the whole answer matches; its classes are those of ASCII."""
    choice: (
        Annotated[
            list[Annotated[str, Field(min_length=1, max_length=WRITTEN_MAX)]],
            Field(min_length=1, max_length=CHOICES_MAX),
        ]
        | None
    ) = None
    """Texts of which the answer is one."""
    grammar: Annotated[str, Field(max_length=WRITTEN_MAX)] | None = None
    """A grammar in EBNF, as llama.cpp and xgrammar read it, with a rule `root`."""
    disable_any_whitespace: bool | None = None
    """Without effect: JSON is written in one way in any case."""
    disable_additional_properties: Unsupported = None
    whitespace_pattern: Unsupported = None
    structural_tag: Unsupported = None
