"""The requests of OpenAI's API, as far as this server can honor them. No decisions, no I/O.

Every field of OpenAI's two endpoints is named here. What this server cannot do accepts only null
or the value that asks for nothing (`best_of: 1`, `store: false`), so nothing a client asks for is
silently ignored; a field OpenAI does not have is refused as well. `top_k`,
`repetition_penalty` and `structured_outputs` go beyond OpenAI, under the names vLLM gave them.

Left out: what an answer looks like (`replies`), and which values a model takes (`rules`).
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Field, Tag
from typing_extensions import override

from hunmin.gateway.bodies import Body, Shape
from hunmin.gateway.fields import (
    BIASED_TOKENS_MAX,
    CHOICES_MAX,
    LOGPROBS_MAX,
    MESSAGES_MAX,
    PROMPTS_MAX,
    SEED_MAX,
    TOKENS_MAX,
    TOP_LOGPROBS_MAX,
    Hint,
    StopText,
    Text,
    TokenIds,
    Unsupported,
    Whole,
    prompt_tag,
    tag,
)
from hunmin.gateway.form_wire import ResponseFormat, StructuredOutputs
from hunmin.gateway.message_wire import AnyMessage
from hunmin.gateway.tool_wire import TOOLS_MAX, FunctionTool, ToolChoice

Stop = Annotated[
    Annotated[StopText, Tag("(text)")]
    | Annotated[list[StopText], Field(max_length=4), Tag("(parts)")],
    Discriminator(tag),
]


Prompt = Annotated[
    Annotated[Text, Tag("(text)")]
    | Annotated[list[Text], Field(min_length=1, max_length=PROMPTS_MAX), Tag("(texts)")]
    | Annotated[TokenIds, Tag("(tokens)")]
    | Annotated[list[TokenIds], Field(min_length=1, max_length=PROMPTS_MAX), Tag("(token lists)")],
    Discriminator(prompt_tag),
]


class StreamOptions(Shape):
    """What a stream carries besides text."""

    include_usage: bool | None = None
    """Send one more chunk, with the token counts and no choices, before the end."""
    include_obfuscation: Literal[False] | None = None


class SamplingFields(Body):
    """What both endpoints take."""

    refused: ClassVar[frozenset[str]] = frozenset({"n", "stream_options"})

    model: Annotated[str, Field(min_length=1, max_length=256)]
    """The `id` of a model in `GET /v1/models`."""
    max_tokens: Annotated[int, Field(ge=1, le=TOKENS_MAX), Whole] | None = None
    """Upper bound; an answer also ends where the model's context does."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """0 always takes the most probable token. Null is the model's own default."""
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    """Choose among the most probable tokens that together have this probability."""
    top_k: Annotated[int, Field(ge=0, le=1_000_000), Whole] | None = None
    """Choose among this many most probable tokens; 0 is no limit. Not in OpenAI's API."""
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    """Above 0, tokens that appeared already become less probable."""
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    """Above 0, tokens become less probable each time they appear."""
    repetition_penalty: Annotated[float, Field(ge=0.1, le=10)] | None = None
    """Divides what speaks for tokens that appeared; 1 is no penalty. Not in OpenAI's API."""
    seed: Annotated[int, Field(ge=-SEED_MAX, le=SEED_MAX), Whole] | None = None
    """The same request with the same seed gets the same answer from the same engine."""
    stop: Stop | None = None
    """Up to four texts that end the answer and are not part of it."""
    stream: bool | None = None
    """Send the answer piece by piece, as server-sent events."""
    stream_options: StreamOptions | None = None
    """Without `stream` it changes nothing."""
    n: Annotated[int, Field(ge=1, le=CHOICES_MAX), Whole] | None = None
    """How many answers, each written and counted by itself; with a seed the second has the
    next one."""
    logit_bias: (
        Annotated[
            dict[
                Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,8})$")],
                Annotated[float, Field(ge=-100, le=100)],
            ],
            Field(max_length=BIASED_TOKENS_MAX, json_schema_extra={"additionalProperties": False}),
        ]
        | None
    ) = None
    """What is added to the logits of tokens, by their number; not every engine can."""
    structured_outputs: StructuredOutputs | None = None
    """What form the answer has, under vLLM's names; not every engine can hold it to one. Not in
    OpenAI's API."""
    user: Hint | None = None
    """Accepted from clients that send it; neither used nor kept."""

    @property
    def stops(self) -> tuple[str, ...]:
        """Return the stop texts as a tuple."""
        if isinstance(self.stop, str):
            return (self.stop,)
        return tuple(self.stop or ())

    @property
    def choices(self) -> int:
        """Return how many answers to one prompt are asked for."""
        return self.n or 1

    @property
    def answers(self) -> int:
        """Return how many answers are asked for in all."""
        return self.choices

    @property
    def wants_usage_chunk(self) -> bool:
        """Return whether the stream ends with a chunk of token counts."""
        return bool(self.stream_options and self.stream_options.include_usage)


class ChatRequest(SamplingFields):
    """`POST /v1/chat/completions`: answer a conversation."""

    refused: ClassVar[frozenset[str]] = SamplingFields.refused | {
        "metadata", "modalities", "service_tier", "store",
    }  # fmt: skip

    messages: Annotated[list[AnyMessage], Field(min_length=1, max_length=MESSAGES_MAX)]
    """The conversation, oldest first."""
    max_completion_tokens: Annotated[int, Field(ge=1, le=TOKENS_MAX), Whole] | None = None
    """The newer name of `max_tokens`; where both are given the smaller one holds."""
    logprobs: bool | None = None
    """Whether to tell how probable each token of the answer was; not every engine can."""
    top_logprobs: Annotated[int, Field(ge=0, le=TOP_LOGPROBS_MAX), Whole] | None = None
    """Of how many most probable tokens to tell at each place; above 0 it asks for `logprobs`."""
    response_format: ResponseFormat | None = None
    """What form the answer has; not every engine can hold it to one."""
    modalities: Annotated[list[Literal["text"]], Field(min_length=1, max_length=1)] | None = None
    metadata: Annotated[dict[str, None], Field(max_length=0)] | None = None
    store: Literal[False] | None = None
    """Prompts and answers of the API are never stored, so true is refused."""
    service_tier: Literal["auto", "default"] | None = None
    tools: Annotated[list[FunctionTool], Field(max_length=TOOLS_MAX)] | None = None
    """Functions the model may ask the client to call; not every model has learned to."""
    tool_choice: ToolChoice | None = None
    """Whether it may ask for some (`auto`), must (`required`), must not (`none`), or for which."""
    parallel_tool_calls: bool | None = None
    """False: it asks for one at most."""
    functions: Unsupported = None
    function_call: Unsupported = None
    audio: Unsupported = None
    moderation: Unsupported = None
    prediction: Unsupported = None
    reasoning_effort: Unsupported = None
    verbosity: Unsupported = None
    web_search_options: Unsupported = None
    prompt_cache_options: Unsupported = None
    prompt_cache_retention: Unsupported = None
    prompt_cache_key: Hint | None = None
    """Accepted, neither used nor kept."""
    safety_identifier: Hint | None = None
    """Accepted, neither used nor kept."""

    @property
    def scored(self) -> bool:
        """Return whether to tell how probable tokens were."""
        return bool(self.logprobs or self.top_logprobs)


class CompletionRequest(SamplingFields):
    """`POST /v1/completions`: continue a text."""

    refused: ClassVar[frozenset[str]] = SamplingFields.refused | {"best_of"}

    prompt: Prompt
    """A text, a list of tokens, or a list of either; each is continued by itself."""
    best_of: Annotated[int, Field(ge=1, le=1), Whole] | None = None
    echo: bool | None = None
    """Give the prompt back before its continuation, and tell of its tokens where `logprobs` asks
    for it."""
    logprobs: Annotated[int, Field(ge=0, le=LOGPROBS_MAX), Whole] | None = None
    """Tell how probable each token was, and of this many most probable ones at its place; not
    every engine can."""
    suffix: Unsupported = None

    @property
    def prompts(self) -> list[str | list[int]]:
        """Return the texts or lists of tokens to continue."""
        if isinstance(self.prompt, str):
            return [self.prompt]
        if isinstance(self.prompt[0], int):
            return [[token for token in self.prompt if isinstance(token, int)]]
        return [prompt for prompt in self.prompt if not isinstance(prompt, int)]

    @property
    @override
    def answers(self) -> int:
        """Return how many answers are asked for in all: `n` to each prompt."""
        return self.choices * len(self.prompts)


ApiRequest = ChatRequest | CompletionRequest
