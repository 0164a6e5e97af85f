"""Models that are a rule, for servers that only look like engines: logits by number, and dice.

`Parrot` says what the parrot of `tests.inference.tiny` says, `Babbler` whatever comes. V is
the vocabulary.
"""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from hunmin.inference.folder import ModelFolder
from hunmin.model import IM_END_ID
from hunmin.plugins import Generation, Sampling
from tests.grammars.test_schemas import Scribe
from tests.inference.parrot import ENDS_AT_ONCE, PARROT_SAYS

MOODS = 64


class Parrot:
    """Says `PARROT_SAYS` for ever, and ends after `ENDS_AT_ONCE`."""

    def __init__(self, folder: ModelFolder) -> None:
        self.folder = folder
        self._loop = [folder.token_bytes.index(bytes([one])) for one in PARROT_SAYS.encode()]
        [self._end] = tokens_of(folder, ENDS_AT_ONCE)

    def logits(self, tokens: list[int]) -> np.ndarray:
        logits_V = np.zeros(self.folder.vocab_size)
        logits_V[self._after(tokens[-1])] = 40.0
        return logits_V

    def _after(self, token: int) -> int:
        if token == self._end:
            return IM_END_ID
        place = self._loop.index(token) if token in self._loop else -1
        return self._loop[(place + 1) % len(self._loop)]


class Babbler:
    """Says what the last token makes it say, and so comes back to what it said before."""

    def __init__(self, folder: ModelFolder) -> None:
        self.folder = folder

    def logits(self, tokens: list[int]) -> np.ndarray:
        return babble(self.folder.vocab_size, tokens[-1] % MOODS)


@lru_cache(maxsize=MOODS)
def babble(size: int, mood: int) -> np.ndarray:
    return 3.0 * np.random.default_rng(mood).standard_normal(size)


def tokens_of(folder: ModelFolder, text: str) -> list[int]:
    return folder.encode(Generation("r", folder.name, Sampling(max_tokens=1), prompt=text))


def logprobs_of(logits_V: np.ndarray) -> np.ndarray:
    shifted_V = logits_V - logits_V.max()
    return shifted_V - np.log(np.exp(shifted_V).sum())


def spoken(
    model: Parrot | Babbler, prompt: list[int], asked: dict[str, Any]
) -> Iterator[tuple[int, np.ndarray]]:
    """Give each token with the log-probabilities of its place, as vLLM would be asked for them."""
    dice = np.random.default_rng(asked.get("seed"))
    grammar = (asked.get("structured_outputs") or {}).get("grammar")
    written: list[int] = []
    if grammar is not None:
        text = Scribe(grammar, int(dice.integers(1 << 30))).write()
        written = [*tokens_of(model.folder, text), IM_END_ID]
    said: list[int] = []
    while True:
        logits_V = model.logits([*prompt, *said])
        if grammar is not None:
            token = written[len(said)]
        else:
            token = choose(penalized(logits_V, prompt, said, asked), asked, dice)
        said.append(token)
        yield token, logprobs_of(logits_V)


def penalized(
    logits_V: np.ndarray, prompt: list[int], said: list[int], asked: dict[str, Any]
) -> np.ndarray:
    logits_V = logits_V.copy()
    for token, bias in (asked.get("logit_bias") or {}).items():
        logits_V[int(token)] += bias
    repetition = asked.get("repetition_penalty") or 1.0
    seen = sorted({*prompt, *said})
    held = logits_V[seen]
    logits_V[seen] = np.where(held < 0, held * repetition, held / repetition)
    for token, times in Counter(said).items():
        logits_V[token] -= asked.get("presence_penalty") or 0.0
        logits_V[token] -= times * (asked.get("frequency_penalty") or 0.0)
    return logits_V


def choose(logits_V: np.ndarray, asked: dict[str, Any], dice: np.random.Generator) -> int:
    if asked["temperature"] == 0:
        return int(logits_V.argmax())
    order = np.argsort(-logits_V)
    kept = asked.get("top_k") or -1
    order = order[:kept] if kept > 0 else order
    chances = np.exp(logprobs_of(logits_V[order] / asked["temperature"]))
    before = chances.cumsum() - chances
    chances[before > asked["top_p"]] = 0.0
    return int(dice.choice(order, p=chances / chances.sum()))
