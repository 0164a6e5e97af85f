"""A generation as the child process reads it (`backend.Request`)."""

import secrets

from hunmin.inference.folder import ModelFolder
from hunmin.plugins import Generation, PrefixCache

_SEEDS = 1 << 32


def request_of(
    generation: Generation,
    prompt: list[int],
    model: ModelFolder,
    *,
    room: int,
    prefix_cache: PrefixCache,
) -> dict[str, object]:
    """Return everything of a request but its number.

    Args:
        generation: What is asked for; its sampling has been checked.
        prompt: Its tokens.
        model: The model that answers.
        room: How many tokens the context has left for the answer.
        prefix_cache: Who gains by what is computed of the prompt.
    """
    sampling = generation.sampling
    seed = secrets.randbelow(_SEEDS) if sampling.seed is None else sampling.seed
    return {
        "prompt": prompt,
        "max_tokens": min(sampling.max_tokens, room),
        "stop_ids": model.stop_ids,
        "seed": (seed ^ (seed >> 32)) % _SEEDS,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": min(sampling.top_k, model.vocab_size),
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "repetition_penalty": sampling.repetition_penalty,
        "logit_bias": sampling.logit_bias,
        "grammar": sampling.grammar,
        "logprobs": sampling.logprobs,
        "prompt_logprobs": sampling.prompt_logprobs,
        "cache_group": _group(generation, prefix_cache),
        "check": False,
    }


def _group(generation: Generation, prefix_cache: PrefixCache) -> str | None:
    """Return the group of requests that gain by one another's prompts; None: it is alone."""
    if prefix_cache == "shared":
        return ""
    return generation.tenant or None if prefix_cache == "tenant" else None
