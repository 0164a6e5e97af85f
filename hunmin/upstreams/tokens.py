"""Counting prompts whose tokenizer is not here: the server that answers is asked."""

import json
from collections.abc import Sequence
from dataclasses import replace

from hunmin.errors import TokenizerElsewhere, UpstreamUnreachable
from hunmin.plugins import Generation
from hunmin.upstreams import wire
from hunmin.upstreams.client import CallFailed
from hunmin.upstreams.upstream import Upstream


def as_text(generation: Generation) -> Generation:
    """Return a conversation with tools as one text, which has about as many tokens.

    It has rather more than the prompt a server will make of it, so that the answer still fits.
    """
    asked = wire.question(generation, model="")
    return replace(
        generation, messages=(), tools=None, prompt=json.dumps(asked, ensure_ascii=False, indent=2)
    )


class RemoteTokens:
    """Asks the upstreams of one model, in turn, until one answers."""

    def __init__(self, upstreams: Sequence[Upstream]) -> None:
        self._upstreams = upstreams

    async def count(self, generation: Generation) -> int:
        """Return how many tokens the prompt has, as the server reads it.

        Raises:
            UpstreamUnreachable: None of them answers that counts for us.
            UpstreamRefused: One does not take the prompt.
        """
        return len(await self.encode(generation))

    async def encode(self, generation: Generation) -> list[int]:
        """Return the tokens of the prompt, as the server reads it. Raises as `count`."""
        if generation.prompt_ids:
            return list(generation.prompt_ids)
        for upstream in self._upstreams:
            if not (upstream.dialect.counts and upstream.can_take(generation.model)):
                continue
            question = wire.question(generation, model=upstream.models[generation.model])
            try:
                tokens = json.loads(await upstream.client.post("/tokenize", question))["tokens"]
                return [int(token) for token in tokens]
            except CallFailed as failure:
                if not failure.again:
                    raise failure.error from None
            except (KeyError, TypeError, ValueError, RecursionError):
                continue  # garbage: perhaps another one knows better
        raise UpstreamUnreachable

    def decode(self, tokens: Sequence[int]) -> list[bytes]:
        """Refuse: a server tells the text of tokens together, and never that of each.

        Raises:
            TokenizerElsewhere: Always.
        """
        del tokens
        raise TokenizerElsewhere
