"""What a vLLM server refuses, and how it tells text, counts and probabilities; see `vllm`."""

import codecs
from collections.abc import Sequence
from typing import Any

from hunmin.plugins import Generation, Message, Sampling
from tests.support.scripted_model import Babbler, Parrot, logprobs_of

BAD = 400
LOGPROBS_MAX = 20
INT64 = 1 << 63


class Refused(Exception):
    def __init__(self, message: str, *, status: int = BAD, kind: str = "BadRequestError") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class Text:
    """Text out of bytes, as vLLM tells it: whole characters, stop strings held back."""

    def __init__(self, stops: list[str]) -> None:
        self.stopped = False
        self._stops = [stops] if isinstance(stops, str) else stops
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def push(self, piece: bytes) -> str:
        self._held += self._decoder.decode(piece)
        for stop in self._stops:
            if (place := self._held.find(stop)) >= 0:
                self.stopped = True
                self._held = self._held[:place]
        keep = 0 if self.stopped else max((len(stop) - 1 for stop in self._stops), default=0)
        cut = max(0, len(self._held) - keep)
        shown, self._held = self._held[:cut], self._held[cut:]
        return shown

    def rest(self) -> str:
        shown, self._held = self._held, ""
        return shown


def prompt_of(model: Parrot | Babbler, body: dict[str, Any]) -> list[int]:
    prompt = body.get("prompt")
    if isinstance(prompt, list):
        return prompt
    messages = tuple(map(rendered, body.get("messages") or []))
    if tools := body.get("tools"):
        messages = (Message("system", named(tools)), *messages)
    if not messages and not prompt:
        raise Refused("Either prompt or prompt_embeds must be provided and non-empty.")
    return model.folder.encode(
        Generation("r", model.folder.name, Sampling(1), messages=messages, prompt=prompt)
    )


def rendered(message: dict[str, Any]) -> Message:
    """Return a message as the template of some model writes it: tools as a user's words."""
    role = "user" if message["role"] == "tool" else message["role"]
    return Message(role, (message["content"] or "") + named(message.get("tool_calls") or []))


def named(functions: list[dict[str, Any]]) -> str:
    return " ".join(one["function"]["name"] for one in functions)


def check(body: dict[str, Any], prompt: list[int], context_tokens: int) -> None:
    """Refuse what vLLM refuses."""
    rules = {
        "This stand-in only streams.": body.get("stream") is not True,
        "temperature must be non-negative": body["temperature"] < 0,
        "top_p must be in (0, 1]": not 0 < body["top_p"] <= 1,
        "top_k must be 0 (disable), or at least 1": body.get("top_k", 0) < -1,
        "repetition_penalty must be greater than zero": body.get("repetition_penalty", 1) <= 0,
        "max_tokens must be at least 1": body["max_tokens"] < 1,
        "stop cannot contain an empty string.": "" in (body.get("stop") or []),
        "seed": not -INT64 <= (body.get("seed") or 0) < INT64,
        "logprobs": (body.get("logprobs") or 0) > LOGPROBS_MAX,
        "`prompt_logprobs` are not available when `stream=True`.": "prompt_logprobs" in body,
        "cache_salt": body.get("cache_salt") == "",
        f"This model's maximum context length is {context_tokens} tokens.": (
            len(prompt) + body["max_tokens"] > context_tokens
        ),
    }
    for message, broken in rules.items():
        if broken:
            raise Refused(message)


def scores_of(
    model: Parrot | Babbler,
    prompt: list[int],
    said: list[int],
    logprobs_V: Any,
    top: int,
    *,
    echo: bool | None,
) -> dict[str, Any]:
    """Return the log-probabilities of a chunk; the first has the prompt's where it is echoed."""
    places: list[tuple[int, Any]] = [(said[-1], logprobs_V)]
    if echo and len(said) == 1:
        rows = [None, *(logprobs_of(model.logits(prompt[:n])) for n in range(1, len(prompt)))]
        places = [*zip(prompt, rows, strict=True), *places]
    tokens, values, tops = [], [], []
    for token, row_V in places:
        tokens.append(f"token_id:{token}")
        values.append(None if row_V is None else max(float(row_V[token]), -9999.0))
        best = [] if row_V is None else [token, *(int(n) for n in (-row_V).argsort()[:top])]
        tops.append(None if row_V is None else {f"token_id:{n}": float(row_V[n]) for n in best})
    offsets = [0] * len(tokens)
    return {
        "tokens": tokens, "token_logprobs": values, "top_logprobs": tops, "text_offset": offsets
    }  # fmt: skip


def usage_of(prompt: list[int], said: Sequence[object]) -> dict[str, int]:
    return {
        "prompt_tokens": len(prompt),
        "completion_tokens": len(said),
        "total_tokens": len(prompt) + len(said),
    }
