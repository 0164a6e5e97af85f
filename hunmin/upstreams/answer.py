"""One answer of a server: its events in, whole characters, counts and scores out. Pure.

Where the tokenizer is here, and the server tells its tokens by number, text is made of them as
from those of our own engines (`TokenAnswer`). Else it is the server's text, of which only what
must not show is held back (`PlainAnswer`).
"""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from hunmin.inference.folder import ModelFolder
from hunmin.inference.text import AnswerText, StopBuffer
from hunmin.plugins import CallPiece, Delta, FinishReason, TokenScore, Tools
from hunmin.upstreams.calls import CallReader
from hunmin.upstreams.shapes import Garbled, WholeCharacters, count_of, object_of, objects

TOKEN_PREFIX = "token_id:"  # noqa: S105 (what vLLM writes before the number of a token)

_ENDS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "stop",
}


class Answer(ABC):
    """An answer under way: `take` every event, then `finish`."""

    stopped = False
    """Whether a stop string has come: the server need not go on."""

    def __init__(self, *, prompt_tokens: int) -> None:
        self._prompt_tokens = prompt_tokens
        self._completion_tokens = 0
        self._cached_tokens = 0
        self._finish: FinishReason | None = None
        self._scores: list[TokenScore] = []
        self._prompt_scores: list[TokenScore] = []
        self._calls: list[CallPiece] = []

    @property
    def ended(self) -> bool:
        """Whether it is known why the answer ended."""
        return self._finish is not None

    def take(self, data: bytes) -> Delta | None:
        """Take an event and return the piece of the answer that can be shown now.

        Raises:
            Garbled: It is not what a server of this kind sends, or says that the server failed.
        """
        event = _object(data)
        if event.get("error") is not None:
            raise Garbled("an error")
        shown = ""
        for choice in objects(event.get("choices"), "choices"):
            if not self.stopped:
                shown += self._push(choice)
            if (reason := choice.get("finish_reason")) is not None:
                if not isinstance(reason, str) or reason not in _ENDS:
                    raise Garbled("an answer that was given up")
                self._finish = _ENDS[reason]
        if self.stopped:
            self._finish = "stop"
        self._note_usage(event.get("usage"))
        return self._piece(shown) if shown or self._calls else None

    def finish(self) -> Delta:
        """Return the last piece: what was held back, and why the answer ended.

        Raises:
            Garbled: The server did not say why.
        """
        if self._finish is None:
            raise Garbled("an answer without an end")
        return self._piece(self._rest(), self._reason(self._finish))

    def _reason(self, told: FinishReason) -> FinishReason:
        """Return why the answer ended: here no server's tools are offered."""
        return "stop" if told == "tool_calls" else told

    @abstractmethod
    def _push(self, choice: dict[str, Any]) -> str:
        """Take a piece of the server's and return what can be shown now."""

    @abstractmethod
    def _rest(self) -> str:
        """Return what was held back."""

    def _note_usage(self, usage: object) -> None:
        """Take what the server counted: of cached tokens nobody else knows."""
        if isinstance(usage, dict):
            details = usage.get("prompt_tokens_details")
            cached = details.get("cached_tokens") if isinstance(details, dict) else None
            self._cached_tokens = count_of(cached, self._cached_tokens)

    def _piece(self, shown: str, finish: FinishReason | None = None) -> Delta:
        scores, prompt_scores = tuple(self._scores), tuple(self._prompt_scores)
        self._scores.clear()
        self._prompt_scores.clear()
        calls = tuple(self._calls)
        self._calls.clear()
        return Delta(
            shown,
            finish_reason=finish,
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self._completion_tokens,
            cached_tokens=self._cached_tokens,
            scores=scores,
            prompt_scores=prompt_scores,
            calls=calls,
        )


class TokenAnswer(Answer):
    """An answer told token by token; they are counted here, as far as they show."""

    def __init__(
        self, folder: ModelFolder, prompt: Sequence[int], stops: Sequence[str], *, top: int | None
    ) -> None:
        """Begin.

        Args:
            folder: The model's tokenizer.
            prompt: The tokens of the prompt.
            stops: Texts that end the answer and do not show.
            top: Of how many most probable tokens to tell at each place; None tells of none.
        """
        super().__init__(prompt_tokens=len(prompt))
        self._folder = folder
        self._prompt = list(prompt)
        self._text = AnswerText(folder.token_bytes, stops)
        self._top = top

    @override
    def _push(self, choice: dict[str, Any]) -> str:
        tokens = choice.get("token_ids")
        if not isinstance(tokens, list) or not all(self._is_token(one) for one in tokens):
            raise Garbled("an answer without the numbers of its tokens")
        scores = self._scores_of(choice, len(tokens))
        shown = ""
        for place, token in enumerate(tokens):
            self._completion_tokens += 1
            self._scores.extend(scores[place : place + 1])
            shown += self._text.push(token)
            if self._text.stopped:
                self.stopped = True
                break
        return shown

    @override
    def _rest(self) -> str:
        return self._text.finish()

    def _is_token(self, token: object) -> bool:
        return type(token) is int and 0 <= token < self._folder.vocab_size

    def _scores_of(self, choice: dict[str, Any], tokens: int) -> list[TokenScore]:
        """Return the scores of the tokens; those of the prompt come before them, once."""
        if self._top is None:
            return []
        told = object_of(choice.get("logprobs"), "logprobs")
        lists = [told.get(name) for name in ("tokens", "token_logprobs", "top_logprobs")]
        if not all(isinstance(one, list) for one in lists):
            raise Garbled("scores that are no lists")
        try:
            scores = [self._score(*one) for one in zip(*lists, strict=True)]
        except ValueError:
            raise Garbled("scores that do not fit together") from None
        if len(scores) == tokens + len(self._prompt) and self._prompt:
            self._prompt_scores = scores[: len(self._prompt)]
            scores = scores[len(self._prompt) :]
        if len(scores) != tokens:
            raise Garbled("scores of other tokens")
        return scores

    def _score(self, name: object, value: object, top: object) -> TokenScore:
        others = object_of(top or {}, "top_logprobs").items()
        known = [(self._number(other), _real(said)) for other, said in others]
        best = sorted(known, key=lambda one: -one[1])[: self._top]
        token = self._number(name)
        return TokenScore(
            token,
            self._folder.bytes_of(token),
            None if value is None else _real(value),
            tuple(TokenScore(other, self._folder.bytes_of(other), said) for other, said in best),
        )

    def _number(self, name: object) -> int:
        text = name.removeprefix(TOKEN_PREFIX) if isinstance(name, str) else ""
        if not (text.isascii() and text.isdigit()) or not self._is_token(int(text)):
            raise Garbled("a token without its number")
        return int(text)


class PlainAnswer(Answer):
    """An answer told as text, perhaps with tool calls; the server counts."""

    def __init__(
        self, stops: Sequence[str], *, prompt_tokens: int, tools: Tools | None = None
    ) -> None:
        """Begin. `prompt_tokens` is what is known of the prompt, 0 where nothing is."""
        super().__init__(prompt_tokens=prompt_tokens)
        self._stops = StopBuffer(stops)
        self._text = WholeCharacters()
        self._reader = None if tools is None else CallReader(parallel=tools.parallel)

    @override
    def _push(self, choice: dict[str, Any]) -> str:
        said, calls = choice.get("text"), None
        if said is None:
            delta = object_of(choice.get("delta"), "delta")
            said, calls = delta.get("content") or "", delta.get("tool_calls")
        if not isinstance(said, str):
            raise Garbled("a text that is none")
        if calls and self._reader is not None:
            self._calls += self._reader.take(calls)
        self._completion_tokens += bool(said or calls)  # until the server says how many
        shown = self._stops.push(self._text.push(said))
        self.stopped = self._stops.stopped
        return shown

    @override
    def _rest(self) -> str:
        if self.stopped:
            return ""
        return self._stops.push(self._text.rest()) + self._stops.finish()

    @override
    def _reason(self, told: FinishReason) -> FinishReason:
        """Return why the answer ended; servers do not agree on what calls are called."""
        if told == "length":
            return told
        return "tool_calls" if self._reader is not None and self._reader.called else "stop"

    @override
    def _note_usage(self, usage: object) -> None:
        super()._note_usage(usage)
        if isinstance(usage, dict):
            self._prompt_tokens = count_of(usage.get("prompt_tokens"), self._prompt_tokens)
            counted = count_of(usage.get("completion_tokens"), self._completion_tokens)
            self._completion_tokens = counted


def _object(data: bytes) -> dict[str, Any]:
    try:
        return object_of(json.loads(data), "event")
    except (ValueError, RecursionError) as error:
        if isinstance(error, Garbled):
            raise
        raise Garbled("an event that is no JSON") from None


def _real(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Garbled("a score that is no number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Garbled("a score that is no number")
    return number
