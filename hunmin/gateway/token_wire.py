"""Texts to tokens and back: requests and replies, in vLLM's shapes. No decisions, no I/O."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hunmin.gateway.bodies import Body
from hunmin.gateway.fields import MESSAGES_MAX, TEXT_CHARACTERS_MAX, Text, TokenId
from hunmin.gateway.message_wire import AnyMessage
from hunmin.gateway.replies import Reply


class TokenRequest(Body):
    """What both directions have."""

    refused: ClassVar[frozenset[str]] = frozenset({"add_generation_prompt"})

    model: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """The `id` of a model; may be left out where one alone is served."""


class TokenizeRequest(TokenRequest):
    """`POST /tokenize`: the tokens of a text, or of a conversation."""

    prompt: Text | None = None
    """A text, as `/v1/completions` reads it. Special tokens written in it are only text."""
    messages: Annotated[list[AnyMessage], Field(min_length=1, max_length=MESSAGES_MAX)] | None = (
        None
    )
    """A conversation instead, as `/v1/chat/completions` reads it."""
    add_special_tokens: bool | None = None
    """Without effect: a text has no special tokens, and a conversation those of its template."""
    add_generation_prompt: Literal[True] | None = None
    """A conversation is always followed by the opening of an answer."""
    return_token_strs: bool | None = None
    """Whether to say what each token stands for."""


class DetokenizeRequest(TokenRequest):
    """`POST /detokenize`: the text of tokens."""

    tokens: Annotated[list[TokenId], Field(max_length=TEXT_CHARACTERS_MAX)]


class TokenizeReply(Reply):
    """The tokens of a prompt."""

    count: int
    max_model_len: int
    """Tokens of prompt and answer together."""
    tokens: list[int]
    token_strs: list[str] | None
    """U+FFFD stands for parts of a character."""


class DetokenizeReply(Reply):
    """The text of tokens, special ones by their names."""

    prompt: str


class TokenizerReply(Reply):
    """The special tokens of a model and the template of its conversations."""

    tokenizer_class: str
    bos_token: str | None
    eos_token: str | None
    pad_token: str | None
    model_max_length: int
    chat_template: str | None
