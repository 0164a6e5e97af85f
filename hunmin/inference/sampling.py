"""How the fallback chooses a token: the same order of rules as OpenVINO's sampler.

A bias and penalties first, then the most probable `top_k`, temperature, and the nucleus of
`top_p`. Shapes: V is the vocabulary, T are places.
"""

from collections import Counter
from collections.abc import Sequence

import torch

from hunmin.inference.backend import Request, Score


def score(logits_TV: torch.Tensor, tokens: Sequence[int], *, top: int) -> list[Score]:
    """Return how probable tokens were where they stand, by the model's own logits.

    Args:
        logits_TV: What the model gave for each place, shape `(T, V)`.
        tokens: The token that stands there, T of them.
        top: Of how many most probable tokens to tell at each place.
    """
    logprobs_TV = torch.log_softmax(logits_TV.float(), dim=-1)
    chosen_T = logprobs_TV.gather(-1, torch.tensor(tokens)[:, None])[:, 0].tolist()
    best = logprobs_TV.topk(min(top, logprobs_TV.shape[-1]), dim=-1)
    tops = (
        list(zip(ids, values, strict=True))
        for ids, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    )
    return list(zip(chosen_T, tops, strict=True))


class Sampler:
    """Chooses the tokens of one request; the seed alone decides its dice."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._counts: Counter[int] = Counter()
        self._prompt = torch.tensor(sorted(set(request.prompt)), dtype=torch.long)
        bias = dict(request.logit_bias)
        self._biased = torch.tensor(list(bias), dtype=torch.long)
        self._bias = torch.tensor(list(bias.values()), dtype=torch.float32)
        self._dice = torch.Generator().manual_seed(request.seed)

    def choose(self, logits_V: torch.Tensor) -> int:
        """Return the next token and remember it.

        Raises:
            ArithmeticError: The request checks for it, and a logit is no number.
        """
        if self._request.check and not bool(torch.isfinite(logits_V).all()):
            raise ArithmeticError("probabilities are not numbers")
        logits_V = logits_V.float()
        if len(self._biased):
            logits_V = logits_V.index_add(0, self._biased, self._bias)
        logits_V = self._penalize(logits_V)
        token = int(logits_V.argmax()) if self._request.greedy else self._draw(logits_V)
        self._counts[token] += 1
        return token

    def _penalize(self, logits_V: torch.Tensor) -> torch.Tensor:
        request = self._request
        generated = torch.tensor(list(self._counts), dtype=torch.long)
        if request.repetition_penalty != 1.0:
            seen = torch.cat([self._prompt, generated]).unique()
            score = logits_V[seen]
            penalty = request.repetition_penalty
            scaled = torch.where(score < 0, score * penalty, score / penalty)
            logits_V = logits_V.index_copy(0, seen, scaled)
        if self._counts and (request.presence_penalty or request.frequency_penalty):
            times = torch.tensor(list(self._counts.values()), dtype=torch.float32)
            loss = request.presence_penalty + request.frequency_penalty * times
            logits_V = logits_V.index_add(0, generated, -loss)
        return logits_V

    def _draw(self, logits_V: torch.Tensor) -> int:
        request = self._request
        size = logits_V.shape[0]
        kept = min(request.top_k, size) if request.top_k > 0 else size
        logits, tokens = logits_V.topk(kept)  # from the most probable down
        chances = torch.softmax(logits / request.temperature, dim=-1)
        before = chances.cumsum(dim=-1) - chances
        chances = chances.masked_fill(before > request.top_p, 0.0)
        place = torch.multinomial(chances, 1, generator=self._dice)
        return int(tokens[place])
