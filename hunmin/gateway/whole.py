"""A whole answer outside of HTTP: to a request that came in a file, say.

It is the same request, admission, answer and settlement as at the address of the same name. What
it came to is handed to whoever keeps it in the transaction that settles it, so that it is kept
exactly if it is charged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hunmin.act import Act, Actor
from hunmin.errors import HunminError, InvalidRequest, UnsupportedParameter
from hunmin.gateway import embeddings
from hunmin.gateway.answers import Answer, Keep
from hunmin.gateway.embedding_wire import EmbeddingRequest
from hunmin.gateway.response_wire import ResponseRequest
from hunmin.gateway.service import Gateway
from hunmin.gateway.wire import ApiRequest, ChatRequest, CompletionRequest
from hunmin.gateway.writers import error_reply
from hunmin.gateway.writing import echoes_of, response_writer_of, writer_of

WHOLE_ENDPOINTS = (
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/responses",
)
"""What can be asked so."""

OK = 200


@dataclass(frozen=True, slots=True)
class Whole:
    """What a request came to, as its address would have answered."""

    status: int
    body: str
    """JSON."""


KeepWhole = Callable[[Act, Whole], bool]
"""Keeps what a request came to; False: it was not, and is not charged."""


class _Opening(Protocol):
    async def __call__(self, keep: Keep) -> Answer: ...


@dataclass(frozen=True, slots=True)
class _Asked:
    open: _Opening
    write: Callable[[Answer], str]


async def answer_whole(
    gateway: Gateway, actor: Actor, *, url: str, body: bytes, request_id: str, keep: KeepWhole
) -> Answer:
    """Open the answer to a request; whoever does waits for its end and closes it.

    Args:
        gateway: Who answers.
        actor: Who asks.
        url: One of `WHOLE_ENDPOINTS`.
        body: The request, as it would be sent there.
        request_id: Binds its records together.
        keep: Is called once it is answered, or has failed.

    Raises:
        HunminError: The request is wrong, or was not admitted; nothing is kept.
    """
    asked = await _read(gateway, actor, url=url, body=body, request_id=request_id)

    def kept(answer: Answer, act: Act) -> bool:
        whole = _whole(answer, asked.write)
        return whole is not None and keep(act, whole)

    return await asked.open(kept)


def refusal(error: HunminError) -> Whole:
    """Return what an address answers that refuses."""
    return Whole(error.status, error_reply(error, "en").to_json())


def _whole(answer: Answer, write: Callable[[Answer], str]) -> Whole | None:
    """Return what an answer came to; None where it was stopped on its way."""
    pieces, failure = answer.unread()
    if failure is not None:
        return refusal(failure)
    if not pieces or pieces[-1].finish_reason is None:
        return None
    try:
        return Whole(OK, write(answer))
    except HunminError as error:
        return refusal(error)


async def _read(
    gateway: Gateway, actor: Actor, *, url: str, body: bytes, request_id: str
) -> _Asked:
    if url == "/v1/embeddings":
        texts = EmbeddingRequest.parse(body)
        return _Asked(
            lambda keep: gateway.open_embeddings(actor, texts, request_id=request_id, keep=keep),
            lambda answer: embeddings.reply(texts, answer.unread()[0], answer.last).to_json(),
        )
    if url == "/v1/responses":
        question = ResponseRequest.parse(body)
        _check_alone(stream=bool(question.stream), answers=1)
        chat = question.as_chat()
        return _Asked(
            lambda keep: gateway.open(actor, chat, request_id=request_id, keep=keep),
            lambda answer: response_writer_of(question, answer).whole(
                answer.unread()[0], answer.last
            ),
        )
    kind = {"/v1/chat/completions": ChatRequest, "/v1/completions": CompletionRequest}.get(url)
    if kind is None:
        raise InvalidRequest(
            param="url",
            reason_en="it is no address of this kind",
            reason_ko="쓸 수 없는 주소입니다",
        )
    asked: ApiRequest = kind.parse(body)
    _check_alone(stream=bool(asked.stream), answers=asked.answers)
    echoes = await echoes_of(gateway, actor, asked)
    return _Asked(
        lambda keep: gateway.open(actor, asked, request_id=request_id, keep=keep),
        lambda answer: writer_of(gateway, asked, answer, echoes).whole(
            answer.unread()[0], answer.last
        ),
    )


def _check_alone(*, stream: bool, answers: int) -> None:
    """Refuse what cannot be one whole answer: a stream, or several answers."""
    if stream:
        raise UnsupportedParameter(param="stream")
    if answers > 1:
        raise UnsupportedParameter(param="n")
