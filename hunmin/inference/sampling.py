"""How a token is chosen from a model's logits, where the engine leaves that to us.

The same order of rules as OpenVINO's sampler: a bias and penalties first, then the grammar, the
most probable `top_k`, temperature, and the nucleus of `top_p`. Shapes: V is the vocabulary, T are
places, K are the tokens that are left.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hunmin.inference.backend import Request, Score

Logits = NDArray[np.float32]


class Grammar(Protocol):
    """What an answer obeys, as far as it has come."""

    def allows(self, token: int) -> bool:
        """Return whether the token may come next."""
        ...

    def mask(self, logits_V: Logits) -> Logits:
        """Return the logits with minus infinity for each token that may not come next."""
        ...

    def accept(self, token: int) -> None:
        """Go on behind the token."""
        ...


def score(logits_TV: Logits, tokens: Sequence[int], *, top: int) -> list[Score]:
    """Return how probable tokens were where they stand, by the model's own logits.

    Args:
        logits_TV: What the model gave for each place, shape `(T, V)`.
        tokens: The token that stands there, T of them.
        top: Of how many most probable tokens to tell at each place.
    """
    shifted_TV = logits_TV - logits_TV.max(axis=-1, keepdims=True)
    logprobs_TV = shifted_TV - np.log(np.exp(shifted_TV).sum(axis=-1, keepdims=True))
    scores: list[Score] = []
    for logprobs_V, token in zip(logprobs_TV, tokens, strict=True):
        best = _largest(logprobs_V, min(top, len(logprobs_V)))
        told = zip(best.tolist(), logprobs_V[best].tolist(), strict=True)
        scores.append((float(logprobs_V[token]), list(told)))
    return scores


class Sampler:
    """Chooses the tokens of one request; the seed alone decides its dice."""

    def __init__(self, request: Request, grammar: Grammar | None = None) -> None:
        self._request = request
        self._grammar = grammar
        self._counts: Counter[int] = Counter()
        self._prompt = np.unique(np.array(request.prompt, dtype=np.int64))
        bias = dict(request.logit_bias)
        self._biased = np.array(list(bias), dtype=np.int64)
        self._bias = np.array(list(bias.values()), dtype=np.float32)
        self._dice = np.random.Generator(np.random.PCG64(request.seed))

    def choose(self, logits_V: Logits) -> int:
        """Return the next token and remember it.

        Raises:
            ArithmeticError: The request checks for it, and a logit is no number.
        """
        if self._request.check and not np.isfinite(logits_V).all():
            raise ArithmeticError("probabilities are not numbers")
        logits_V = self._penalize(self._favor(logits_V))
        token = self._pick(logits_V)
        if self._grammar is not None:
            # Asked of one token it is quick, and most models know what has to come.
            if not self._grammar.allows(token):
                token = self._pick(self._grammar.mask(logits_V))
            self._grammar.accept(token)
        self._counts[token] += 1
        return token

    def _favor(self, logits_V: Logits) -> Logits:
        if not len(self._biased):
            return logits_V
        logits_V = logits_V.copy()
        logits_V[self._biased] += self._bias
        return logits_V

    def _penalize(self, logits_V: Logits) -> Logits:
        request = self._request
        generated = np.array(list(self._counts), dtype=np.int64)
        if request.repetition_penalty != 1.0:
            seen = np.union1d(self._prompt, generated)
            score = logits_V[seen]
            penalty = np.float32(request.repetition_penalty)
            logits_V = logits_V.copy()
            logits_V[seen] = np.where(score < 0, score * penalty, score / penalty)
        if self._counts and (request.presence_penalty or request.frequency_penalty):
            times = np.array(list(self._counts.values()), dtype=np.float32)
            loss = request.presence_penalty + request.frequency_penalty * times
            logits_V = logits_V.copy()
            logits_V[generated] -= loss.astype(np.float32)
        return logits_V

    def _pick(self, logits_V: Logits) -> int:
        return int(logits_V.argmax()) if self._request.greedy else self._draw(logits_V)

    def _draw(self, logits_V: Logits) -> int:
        request = self._request
        if 0 < request.top_k < len(logits_V):
            tokens_K = _largest(logits_V, request.top_k)
        else:
            tokens_K = np.arange(len(logits_V))
        scaled_K = logits_V[tokens_K].astype(np.float64) / request.temperature
        chances_K = np.exp(scaled_K - scaled_K.max())
        chances_K /= chances_K.sum()
        if request.top_p < 1:
            # All that are less probable than this together weigh less than what is left out.
            least = min((1 - request.top_p) / len(chances_K), chances_K.max())
            likely = np.flatnonzero(chances_K >= least)
            likely = likely[np.argsort(-chances_K[likely], kind="stable")]
            before = np.cumsum(chances_K[likely]) - chances_K[likely]
            nucleus = likely[before <= request.top_p]
            tokens_K, chances_K = tokens_K[nucleus], chances_K[nucleus]
        heaped_K = np.cumsum(chances_K)
        place = np.searchsorted(heaped_K, self._dice.random() * heaped_K[-1], side="right")
        return int(tokens_K[min(int(place), len(tokens_K) - 1)])


def _largest(values_V: Logits, count: int) -> NDArray[np.int64]:
    """Return where the `count` largest values are, the largest first."""
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    found = np.argpartition(values_V, -count)[-count:]
    return found[np.argsort(-values_V[found], kind="stable")]
