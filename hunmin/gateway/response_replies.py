"""The shapes of what the Responses API answers. No decisions, no I/O."""

from typing import Any, Literal

from hunmin.gateway.replies import Reply

Status = Literal["in_progress", "completed", "incomplete", "failed"]


class OutputText(Reply):
    """The text of an answer."""

    type: Literal["output_text"]
    text: str
    annotations: list[None]
    logprobs: list[None]


class OutputMessage(Reply):
    """The assistant's message."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    status: Literal["in_progress", "completed", "incomplete"]
    content: list[OutputText]


class OutputCall(Reply):
    """A call the model asks for; the client makes it and says what it came to."""

    id: str
    type: Literal["function_call"]
    status: Literal["in_progress", "completed", "incomplete"]
    arguments: str
    """As the model wrote them: JSON, where it was able to."""
    call_id: str
    name: str


class IncompleteDetails(Reply):
    """Why an answer is not whole."""

    reason: Literal["max_output_tokens"]


class ResponseError(Reply):
    """Why there is no answer."""

    code: str
    message: str


class InputTokensDetails(Reply):
    """Of the prompt's tokens."""

    cached_tokens: int
    cache_write_tokens: int


class OutputTokensDetails(Reply):
    """Of the answer's tokens."""

    reasoning_tokens: Literal[0]


class ResponseUsage(Reply):
    """Tokens, as the engine counted them."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int


class Reasoning(Reply):
    """How a model was to reason: nothing here."""

    effort: None
    summary: None


class ResponseReply(Reply):
    """An answer and what was asked for it. It is kept nowhere."""

    id: str
    object: Literal["response"]
    created_at: int
    status: Status
    background: Literal[False]
    error: ResponseError | None
    incomplete_details: IncompleteDetails | None
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: None
    metadata: dict[str, str]
    model: str
    output: list[OutputMessage | OutputCall]
    parallel_tool_calls: bool
    previous_response_id: None
    reasoning: Reasoning
    service_tier: Literal["default"]
    store: Literal[False]
    temperature: float
    text: dict[str, Any]
    tool_choice: str | dict[str, Any]
    tools: list[dict[str, Any]]
    top_logprobs: Literal[0]
    top_p: float
    truncation: Literal["disabled"]
    usage: ResponseUsage | None
    user: None


class ResponseEvent(Reply):
    """One event of a streamed answer; which fields it has depends on its `type`."""

    type: str
    sequence_number: int
    response: ResponseReply | None = None
    item_id: str = ""
    output_index: int = 0
    content_index: int = 0
    item: OutputMessage | OutputCall | None = None
    part: OutputText | None = None
    delta: str = ""
    text: str = ""
    name: str = ""
    arguments: str = ""
    logprobs: list[None] | None = None
