"""How the fallback chooses a token: the same order of rules as OpenVINO's sampler.

Penalties first, then the most probable `top_k`, temperature, and the nucleus of `top_p`.
Shapes: V is the vocabulary.
"""

from collections import Counter

import torch

from hunmin.inference.backend import Request


class Sampler:
    """Chooses the tokens of one request; the seed alone decides its dice."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._counts: Counter[int] = Counter()
        self._prompt = torch.tensor(sorted(set(request.prompt)), dtype=torch.long)
        self._dice = torch.Generator().manual_seed(request.seed)

    def choose(self, logits_V: torch.Tensor) -> int:
        """Return the next token and remember it.

        Raises:
            ArithmeticError: The request checks for it, and a logit is no number.
        """
        if self._request.check and not bool(torch.isfinite(logits_V).all()):
            raise ArithmeticError("probabilities are not numbers")
        logits_V = self._penalize(logits_V.float())
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
