"""The shapes of what the API answers: OpenAI's objects, typed. No decisions, no I/O.

Every field OpenAI's schema requires is there, null where it says nothing (`refusal`, `logprobs`).
Left out: filling them in (`writers`).
"""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from hunmin.plugins import FinishReason, ModelState


class Reply(BaseModel):
    """A JSON object of an answer. Only the fields that were set are sent."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    def to_json(self) -> str:
        """Return it as JSON, with the fields that were set."""
        return self.model_dump_json(exclude_unset=True)


class ErrorBody(Reply):
    """What went wrong."""

    message: str
    """What happened and what to do next, in English or, by Accept-Language, in Korean."""
    type: Literal["invalid_request_error", "rate_limit_error", "server_error"]
    param: str | None
    """The field of the request at fault."""
    code: str
    """Stable; for programs."""


class ErrorReply(Reply):
    """OpenAI's error envelope."""

    error: ErrorBody


class PromptTokensDetails(Reply):
    """Of the prompt's tokens."""

    cached_tokens: int
    """Those found in the engine's prefix cache."""
    audio_tokens: Literal[0] = 0


class CompletionTokensDetails(Reply):
    """Of the answer's tokens."""

    reasoning_tokens: Literal[0] = 0
    audio_tokens: Literal[0] = 0
    accepted_prediction_tokens: Literal[0] = 0
    rejected_prediction_tokens: Literal[0] = 0


class UsageReply(Reply):
    """Tokens, as the engine counted them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: CompletionTokensDetails


class CallOfFunction(Reply):
    """A function to call, and its arguments."""

    name: str
    arguments: str
    """As the model wrote them: JSON, where it was able to."""


class CallReply(Reply):
    """A call the model asks for; the client makes it and says what it came to."""

    id: str
    type: Literal["function"]
    function: CallOfFunction


class AnswerMessage(Reply):
    """The assistant's message."""

    role: Literal["assistant"]
    content: str | None
    """Null where there are calls and nothing was said."""
    refusal: None
    annotations: list[None]
    tool_calls: list[CallReply] = []


class TopLogprob(Reply):
    """A token that might have come."""

    token: str
    logprob: float
    bytes: list[int]
    """The token itself; `token` shows U+FFFD where it is a part of a character."""


class ChatTokenLogprob(TopLogprob):
    """A token that came, and the most probable ones of its place."""

    top_logprobs: list[TopLogprob]


class ChatLogprobs(Reply):
    """How probable each token of an answer was."""

    content: list[ChatTokenLogprob]
    refusal: None


class ChatChoice(Reply):
    """One answer."""

    index: int
    message: AnswerMessage
    logprobs: ChatLogprobs | None
    finish_reason: FinishReason


class ChatReply(Reply):
    """An answer to a conversation."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: UsageReply
    service_tier: Literal["default"]
    system_fingerprint: str


class FunctionDelta(Reply):
    """A piece of a call's arguments; its name comes with the first one."""

    name: str = ""
    arguments: str


class CallDelta(Reply):
    """A piece of a call. The first one has its id."""

    index: int
    id: str = ""
    type: Literal["function"] = "function"
    function: FunctionDelta


class MessageDelta(Reply):
    """A piece of the assistant's message."""

    role: Literal["assistant"] = "assistant"
    content: str = ""
    refusal: None = None
    tool_calls: list[CallDelta] = []


class ChatChunkChoice(Reply):
    """A piece of one answer."""

    index: int
    delta: MessageDelta
    logprobs: ChatLogprobs | None
    finish_reason: FinishReason | None


class ChatChunk(Reply):
    """One `data:` line of a streamed answer to a conversation."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    service_tier: Literal["default"]
    system_fingerprint: str
    choices: list[ChatChunkChoice]
    usage: UsageReply | None = None


class TextLogprobs(Reply):
    """How probable each token of a text was."""

    tokens: list[str]
    """A part of a character is written `bytes:\\xed\\x9b`."""
    token_logprobs: list[float | None]
    """Null for the first token of a prompt."""
    top_logprobs: list[dict[str, float] | None]
    """The most probable tokens of each place, and the one that came."""
    text_offset: list[int]
    """Where each token begins, in characters."""


class TextChoice(Reply):
    """One continuation, or a piece of it."""

    index: int
    text: str
    logprobs: TextLogprobs | None
    finish_reason: FinishReason | None


class TextReply(Reply):
    """The continuation of a text, or one `data:` line of it."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[TextChoice]
    usage: UsageReply | None = None


class ModelReply(Reply):
    """A model served here."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    max_model_len: int
    """Tokens of prompt and answer together. Not OpenAI's; the name is vLLM's."""
    state: ModelState
    """Whether it can answer now. Not OpenAI's."""
    parent: str | None
    """The model an adapter belongs to. Not OpenAI's; the name is vLLM's."""


class ModelList(Reply):
    """Every model served here."""

    object: Literal["list"]
    data: list[ModelReply]


class UsageOfDay(Reply):
    """What was used of one model on one day."""

    day: date
    """In UTC."""
    key_id: str | None
    model: str
    requests: int
    failed_requests: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


class UsageList(Reply):
    """What was used, the newest day first."""

    object: Literal["list"]
    data: list[UsageOfDay]
