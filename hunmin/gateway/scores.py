"""Filling in OpenAI's two forms of log-probabilities from the scores of tokens. Pure."""

import codecs
from collections.abc import Iterable

from hunmin.gateway.replies import ChatLogprobs, ChatTokenLogprob, TextLogprobs, TopLogprob
from hunmin.plugins import TokenScore

LOGPROB_MIN = -9999.0
"""What OpenAI says of a token that cannot come: JSON knows no infinity."""


def chat_logprobs(scores: Iterable[TokenScore]) -> ChatLogprobs:
    """Return the log-probabilities of an answer to a conversation, or of a piece of it."""
    return ChatLogprobs(content=[_of_chat(score) for score in scores], refusal=None)


def _of_chat(score: TokenScore) -> ChatTokenLogprob:
    return ChatTokenLogprob(
        token=score.text.decode("utf-8", "replace"),
        logprob=_number(score),
        bytes=list(score.text),
        top_logprobs=[
            TopLogprob(
                token=other.text.decode("utf-8", "replace"),
                logprob=_number(other),
                bytes=list(other.text),
            )
            for other in score.top
        ],
    )


class TextScores:
    """The log-probabilities of one continuation, piece by piece: tokens have their place in it."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._offset = 0

    def take(self, scores: Iterable[TokenScore]) -> TextLogprobs:
        """Return the log-probabilities of the next tokens.

        A place lists the most probable tokens and the one that came. Of the first token of a
        prompt nothing can be told.
        """
        tokens: list[str] = []
        logprobs: list[float | None] = []
        tops: list[dict[str, float] | None] = []
        offsets: list[int] = []
        for score in scores:
            tokens.append(_name(score))
            offsets.append(self._offset)
            self._offset += len(self._decoder.decode(score.text))
            known = score.logprob is not None
            logprobs.append(_number(score) if known else None)
            listed = (*score.top, score) if known else ()
            tops.append({_name(one): _number(one) for one in listed} if known else None)
        return TextLogprobs(
            tokens=tokens, token_logprobs=logprobs, top_logprobs=tops, text_offset=offsets
        )


def _name(score: TokenScore) -> str:
    """Return a token as text; one that is a part of a character as OpenAI writes its bytes.

    So two tokens never have the same name, and none hides another in `top_logprobs`.
    """
    try:
        return score.text.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in score.text)


def _number(score: TokenScore) -> float:
    return LOGPROB_MIN if score.logprob is None else max(score.logprob, LOGPROB_MIN)
