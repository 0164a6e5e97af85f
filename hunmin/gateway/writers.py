"""Filling in OpenAI's objects from an answer's pieces, a model's card, an error. Pure."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Literal

from typing_extensions import override

from hunmin.errors import HunminError
from hunmin.gateway.calls import call_delta, calls_of
from hunmin.gateway.queries import Usage
from hunmin.gateway.replies import (
    AnswerMessage,
    ChatChoice,
    ChatChunk,
    ChatChunkChoice,
    ChatLogprobs,
    ChatReply,
    CompletionTokensDetails,
    ErrorBody,
    ErrorReply,
    MessageDelta,
    ModelReply,
    PromptTokensDetails,
    TextChoice,
    TextReply,
    UsageList,
    UsageOfDay,
    UsageReply,
)
from hunmin.gateway.scores import TextScores, chat_logprobs
from hunmin.plugins import Delta, FinishReason, ModelCard, TokenScore

_END = "[DONE]"

RATE_LIMITED = 429
SERVER_FAULT = 500


class ChunkWriter(ABC):
    """What both writers of chunks have: how chunks are sent, and how a stream ends."""

    def frame(self, chunk: str) -> str:
        """Return a chunk as it is sent."""
        return f"data: {chunk}\n\n"

    def closing(self, last: Delta, *, with_usage: bool) -> list[str]:
        """Return the chunks after the last text."""
        return [self.usage(last), _END] if with_usage else [_END]

    def failure(self, reply: ErrorReply) -> list[str]:
        """Return the chunk that ends an answer that failed on the way."""
        return [reply.to_json()]

    @abstractmethod
    def usage(self, last: Delta) -> str:
        """Return the chunk of token counts."""


class ChatWriter(ChunkWriter):
    """Writes the answers to a conversation, at once or in chunks."""

    def __init__(
        self,
        *,
        answer_id: str,
        created: int,
        model: str,
        fingerprint: str,
        choices: int = 1,
        logprobs: bool = False,
    ) -> None:
        self._id = f"chatcmpl-{answer_id}"
        self._created = created
        self._model = model
        self._fingerprint = fingerprint
        self._choices = choices
        self._logprobs = logprobs

    def whole(self, pieces: Sequence[Delta], last: Delta) -> str:
        """Return the whole answers."""
        return ChatReply(
            id=self._id,
            object="chat.completion",
            created=self._created,
            model=self._model,
            choices=[self._choice(number, pieces) for number in range(self._choices)],
            usage=usage_of(last),
            service_tier="default",
            system_fingerprint=self._fingerprint,
        ).to_json()

    def _choice(self, number: int, pieces: Sequence[Delta]) -> ChatChoice:
        own = [piece for piece in pieces if piece.choice == number]
        finish = own[-1].finish_reason
        assert finish is not None, "a whole answer has ended"
        text = "".join([piece.text for piece in own])
        called = {"tool_calls": calls} if (calls := calls_of(own)) else {}
        return ChatChoice(
            index=number,
            message=AnswerMessage(
                role="assistant",
                content=text or (None if called else ""),
                refusal=None,
                annotations=[],
                **called,
            ),
            logprobs=self._scored(score for piece in own for score in piece.scores),
            finish_reason=finish,
        )

    def _scored(self, scores: Iterable[TokenScore]) -> ChatLogprobs | None:
        return chat_logprobs(scores) if self._logprobs else None

    def opening(self, *, with_usage: bool) -> list[str]:
        """Return the chunks before the first text."""
        delta = MessageDelta(role="assistant", content="", refusal=None)
        return [
            self._chunk(number, delta, None, with_usage=with_usage)
            for number in range(self._choices)
        ]

    def piece(self, delta: Delta, *, with_usage: bool) -> list[str]:
        """Return the chunks of one piece: text, calls, and the end where it is the last."""
        chunks = []
        if delta.text:
            content = MessageDelta(content=delta.text)
            scored = self._scored(delta.scores)
            chunks.append(self._chunk(delta.choice, content, scored, with_usage=with_usage))
        if delta.calls:
            calling = MessageDelta(tool_calls=[call_delta(call) for call in delta.calls])
            chunks.append(self._chunk(delta.choice, calling, None, with_usage=with_usage))
        if delta.finish_reason is not None:
            scored = self._scored(delta.scores) if delta.scores and not delta.text else None
            end = self._chunk(
                delta.choice, MessageDelta(), scored, delta.finish_reason, with_usage=with_usage
            )
            chunks.append(end)
        return chunks

    @override
    def usage(self, last: Delta) -> str:
        """Return the chunk of token counts."""
        return self._envelope([], {"usage": usage_of(last)})

    def _chunk(
        self,
        number: int,
        delta: MessageDelta,
        scored: ChatLogprobs | None,
        finish: FinishReason | None = None,
        *,
        with_usage: bool,
    ) -> str:
        choice = ChatChunkChoice(index=number, delta=delta, logprobs=scored, finish_reason=finish)
        return self._envelope([choice], {"usage": None} if with_usage else {})

    def _envelope(self, choices: list[ChatChunkChoice], usage: dict[str, UsageReply | None]) -> str:
        return ChatChunk(
            id=self._id,
            object="chat.completion.chunk",
            created=self._created,
            model=self._model,
            service_tier="default",
            system_fingerprint=self._fingerprint,
            choices=choices,
            **usage,
        ).to_json()


class TextWriter(ChunkWriter):
    """Writes the continuations of texts, at once or in chunks."""

    def __init__(
        self,
        *,
        answer_id: str,
        created: int,
        model: str,
        fingerprint: str,
        echoes: Sequence[str] = ("",),
        logprobs: bool = False,
    ) -> None:
        """Make a writer; `echoes` has what stands before each of the continuations."""
        self._id = f"cmpl-{answer_id}"
        self._created = created
        self._model = model
        self._fingerprint = fingerprint
        self._echoes = list(echoes)
        self._scores = [TextScores() for _ in echoes] if logprobs else None

    def whole(self, pieces: Sequence[Delta], last: Delta) -> str:
        """Return the whole continuations."""
        choices = [self._choice(number, pieces) for number in range(len(self._echoes))]
        return self._envelope(choices, {"usage": usage_of(last)})

    def opening(self, *, with_usage: bool) -> list[str]:
        """Return the chunks before the first text: none."""
        del with_usage
        return []

    def piece(self, delta: Delta, *, with_usage: bool) -> list[str]:
        """Return the chunks of one piece; an empty one says nothing."""
        if not delta.text and delta.finish_reason is None:
            return []
        choice = self._choice(delta.choice, [delta])
        return [self._envelope([choice], {"usage": None} if with_usage else {})]

    @override
    def usage(self, last: Delta) -> str:
        """Return the chunk of token counts."""
        return self._envelope([], {"usage": usage_of(last)})

    def _choice(self, number: int, pieces: Sequence[Delta]) -> TextChoice:
        """Return a choice with those of the pieces that are its own; its echo comes first."""
        own = [piece for piece in pieces if piece.choice == number]
        text = "".join([self._echoes[number], *(piece.text for piece in own)])
        self._echoes[number] = ""
        scored = None
        if self._scores is not None:
            told = (score for piece in own for score in (*piece.prompt_scores, *piece.scores))
            scored = self._scores[number].take(told)
        return TextChoice(
            index=number, text=text, logprobs=scored, finish_reason=own[-1].finish_reason
        )

    def _envelope(self, choices: list[TextChoice], usage: dict[str, UsageReply | None]) -> str:
        return TextReply(
            id=self._id,
            object="text_completion",
            created=self._created,
            model=self._model,
            system_fingerprint=self._fingerprint,
            choices=choices,
            **usage,
        ).to_json()


def joined(texts: Iterable[bytes]) -> str:
    """Return the text of tokens; what is no whole character shows as U+FFFD."""
    return b"".join(texts).decode("utf-8", "replace")


def usage_of(last: Delta) -> UsageReply:
    """Return the token counts of an answer that has come as far as `last`."""
    return UsageReply(
        prompt_tokens=last.prompt_tokens,
        completion_tokens=last.completion_tokens,
        total_tokens=last.prompt_tokens + last.completion_tokens,
        prompt_tokens_details=PromptTokensDetails(cached_tokens=last.cached_tokens, audio_tokens=0),
        completion_tokens_details=CompletionTokensDetails(
            reasoning_tokens=0,
            audio_tokens=0,
            accepted_prediction_tokens=0,
            rejected_prediction_tokens=0,
        ),
    )


def model_reply(card: ModelCard) -> ModelReply:
    """Return a model as the API shows it."""
    return ModelReply(
        id=card.id,
        object="model",
        created=card.created_at,
        owned_by="hunmin",
        max_model_len=card.context_tokens,
        state=card.state,
        parent=card.parent,
    )


def usage_list(found: Sequence[Usage]) -> UsageList:
    """Return what was used as the API shows it."""
    data = [
        UsageOfDay(
            day=used.day,
            key_id=used.key_id,
            model=used.model,
            requests=used.requests,
            failed_requests=used.failed_requests,
            prompt_tokens=used.prompt_tokens,
            cached_tokens=used.cached_tokens,
            completion_tokens=used.completion_tokens,
        )
        for used in found
    ]
    return UsageList(object="list", data=data)


def fingerprint_of(card: ModelCard, version: str) -> str:
    """Return what stays the same as long as model and program do."""
    seed = f"{version} {card.id} {card.created_at} {card.context_tokens}"
    return f"fp_{hashlib.sha256(seed.encode()).hexdigest()[:12]}"


def error_reply(error: HunminError, language: str) -> ErrorReply:
    """Return an error in OpenAI's envelope."""
    return envelope(
        error.message(language),
        code=error.code,
        status=error.status,
        param=getattr(error, "param", None),
    )


def envelope(message: str, *, code: str, status: int, param: str | None = None) -> ErrorReply:
    """Return OpenAI's error envelope; its `type` follows from the status."""
    kind: Literal["invalid_request_error", "rate_limit_error", "server_error"]
    if status >= SERVER_FAULT:
        kind = "server_error"
    elif status == RATE_LIMITED:
        kind = "rate_limit_error"
    else:
        kind = "invalid_request_error"
    return ErrorReply(error=ErrorBody(message=message, type=kind, param=param, code=code))
