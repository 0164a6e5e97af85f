"""The requests of OpenAI's Responses API, as far as a server can honor them that keeps nothing.

Whatever would have to be kept between requests (`previous_response_id`, `store: true`,
`background`) is refused by name, and so is what no engine here can do.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from hunmin.gateway.bodies import Body, Shape
from hunmin.gateway.fields import (
    MESSAGES_MAX,
    PARTS_MAX,
    TEXT_CHARACTERS_MAX,
    TOKENS_MAX,
    Hint,
    Text,
    Unsupported,
    Whole,
    tag,
)
from hunmin.gateway.form_wire import (
    JsonObjectFormat,
    JsonSchema,
    JsonSchemaFormat,
    TextFormat,
    format_tag,
)
from hunmin.gateway.response_tool_wire import (
    CallItem,
    CallOutput,
    ChosenTool,
    ResponseTool,
    ResponseToolChoice,
)
from hunmin.gateway.tool_wire import TOOLS_MAX
from hunmin.gateway.wire import ChatRequest, StreamOptions


class InputPart(Shape):
    """A piece of text of a message, given or earlier answered. Images and files are refused."""

    type: Literal["input_text", "output_text"]
    text: Text
    annotations: Annotated[list[None], Field(max_length=0)] | None = None
    logprobs: Annotated[list[Any], Field(max_length=TOKENS_MAX)] | None = None
    """Comes back with an earlier answer; not read."""


class InputMessage(Shape):
    """One message of a conversation; the output of an earlier response is one, too."""

    type: Literal["message"] = "message"
    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[
        Annotated[Text, Tag("(text)")]
        | Annotated[list[InputPart], Field(min_length=1, max_length=PARTS_MAX), Tag("(parts)")],
        Discriminator(tag),
    ]
    id: Hint | None = None
    """Comes back with an earlier answer; not read."""
    status: Literal["completed", "incomplete", "in_progress"] | None = None
    phase: Unsupported = None

    @property
    def text(self) -> str:
        """Return the whole text of the message."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


def _item_tag(value: object) -> str:
    """Return which kind of item is meant; one that is unknown is none of the tools'."""
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return {"function_call": "(call)", "function_call_output": "(output)"}.get(
        str(kind), "(message)"
    )


InputItem = Annotated[
    Annotated[InputMessage, Tag("(message)")]
    | Annotated[CallItem, Tag("(call)")]
    | Annotated[CallOutput, Tag("(output)")],
    Discriminator(_item_tag),
]


class TextSchemaFormat(Shape):
    """JSON that keeps to a schema."""

    type: Literal["json_schema"]
    name: Annotated[str, Field(min_length=1, max_length=64)]
    description: Annotated[str, Field(max_length=TEXT_CHARACTERS_MAX)] | None = None
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    strict: bool | None = None


class TextOptions(Shape):
    """The form of the answer."""

    format: (
        Annotated[
            Annotated[TextFormat, Tag("(any)")]
            | Annotated[JsonObjectFormat, Tag("(object)")]
            | Annotated[TextSchemaFormat, Tag("(schema)")],
            Discriminator(format_tag),
        ]
        | None
    ) = None
    verbosity: Unsupported = None


class ResponseRequest(Body):
    """`POST /v1/responses`: answer a text or a conversation, and keep nothing of it."""

    refused: ClassVar[frozenset[str]] = frozenset({
        "background", "include", "metadata", "service_tier", "store", "stream_options",
        "truncation",
    })  # fmt: skip
    """Fields whose every refused value means that this server cannot do that."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    """The `id` of a model in `GET /v1/models`."""
    input: Annotated[
        Annotated[Text, Tag("(text)")]
        | Annotated[list[InputItem], Field(min_length=1, max_length=MESSAGES_MAX), Tag("(parts)")],
        Discriminator(tag),
    ]
    """A text, or what was said and called in a conversation, oldest first."""
    instructions: Text | None = None
    """Said to the model before the conversation."""
    max_output_tokens: Annotated[int, Field(ge=1, le=TOKENS_MAX), Whole] | None = None
    """Upper bound; an answer also ends where the model's context does."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    text: TextOptions | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    store: Literal[False] | None = None
    """Nothing is kept, whether this says so or not; true is refused."""
    background: Literal[False] | None = None
    truncation: Literal["disabled"] | None = None
    """A conversation that does not fit is refused."""
    service_tier: Literal["auto", "default"] | None = None
    metadata: Annotated[dict[str, None], Field(max_length=0)] | None = None
    include: Annotated[list[None], Field(max_length=0)] | None = None
    tools: Annotated[list[ResponseTool], Field(max_length=TOOLS_MAX)] | None = None
    """Functions the model may ask the client to call; not every model has learned to."""
    tool_choice: ResponseToolChoice | None = None
    """Whether it may ask for some (`auto`), must (`required`), must not (`none`), or for which."""
    parallel_tool_calls: bool | None = None
    """False: it asks for one at most."""
    user: Hint | None = None
    safety_identifier: Hint | None = None
    prompt_cache_key: Hint | None = None
    """Accepted, neither used nor kept, as `user` and `safety_identifier` are."""
    access_programs: Unsupported = None
    background_options: Unsupported = None
    context_management: Unsupported = None
    conversation: Unsupported = None
    image: Unsupported = None
    max_tool_calls: Unsupported = None
    moderation: Unsupported = None
    previous_response_id: Unsupported = None
    prompt: Unsupported = None
    prompt_cache_options: Unsupported = None
    prompt_cache_retention: Unsupported = None
    reasoning: Unsupported = None
    top_logprobs: Unsupported = None

    def as_chat(self) -> ChatRequest:
        """Return the same question as a chat request."""
        return ChatRequest.model_validate(
            {
                "model": self.model,
                "messages": self._messages(),
                "tools": [tool.as_chat() for tool in self.tools or []],
                "tool_choice": self._tool_choice(),
                "parallel_tool_calls": self.parallel_tool_calls,
                "max_tokens": self.max_output_tokens,
                "temperature": self.temperature,
                "top_p": self.top_p,
                "stream": self.stream,
                "response_format": self._form(),
            }
        )

    def _messages(self) -> list[dict[str, Any]]:
        """Return the conversation; calls belong to what the assistant said right before them."""
        said: list[dict[str, Any]] = []
        if self.instructions is not None:
            said.append({"role": "system", "content": self.instructions})
        if isinstance(self.input, str):
            return [*said, {"role": "user", "content": self.input}]
        for item in self.input:
            if isinstance(item, InputMessage):
                said.append({"role": item.role, "content": item.text})
            elif isinstance(item, CallOutput):
                said.append(item.as_chat())
            else:
                if not said or said[-1]["role"] != "assistant":
                    said.append({"role": "assistant", "content": None})
                said[-1].setdefault("tool_calls", []).append(item.as_chat())
        return said

    def _tool_choice(self) -> object:
        if isinstance(self.tool_choice, ChosenTool):
            return {"type": "function", "function": {"name": self.tool_choice.name}}
        return self.tool_choice

    def _form(self) -> TextFormat | JsonObjectFormat | JsonSchemaFormat | None:
        form = self.text.format if self.text is not None else None
        if not isinstance(form, TextSchemaFormat):
            return form
        return JsonSchemaFormat(
            type="json_schema", json_schema=JsonSchema(name=form.name, schema=form.schema_)
        )
