"""What a request may ask and when: model, sampling, room in the context, rate. Pure.

The clock, the database and the engine stay outside: callers bring what these decisions need.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hunmin.actor import Actor
from hunmin.errors import (
    ContextLengthExceeded,
    InvalidRequest,
    ModelLacksCapability,
    ModelNotFound,
    RateLimitExceeded,
    TooManyAtOnce,
)
from hunmin.gateway.conversation import (
    check_tools,
    compose,
    field_of_tools,
    messages_of,
    tools_of,
)
from hunmin.gateway.forms import field_of_form, grammar_of
from hunmin.gateway.wire import ApiRequest, ChatRequest, CompletionRequest
from hunmin.plugins import Capability, Generation, ModelCard, Sampling

RATE_WINDOW = timedelta(minutes=1)

CLOCK_SLACK = timedelta(minutes=1)
"""How far ahead a request may lie though no clock went back: it may be of another server, or have
overtaken one that waited for the database. Longer than a database is waited for."""

COMPLETION_TOKENS_DEFAULT = 16
"""What OpenAI's completions endpoint generates where a request says nothing."""

_SEEDS = 2**63


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one key, account or guest may ask."""

    requests_per_minute_max: int
    concurrent_max: int


def choose_model(cards: Sequence[ModelCard], model: str) -> ModelCard:
    """Return the card of the model a request names, or raise `ModelNotFound`."""
    for card in cards:
        if card.id == model:
            return card
    raise ModelNotFound


def models_of(actor: Actor, cards: Sequence[ModelCard]) -> list[ModelCard]:
    """Return the models an actor may ask. Of others it does not even learn that they are there."""
    return [card for card in cards if actor.models is None or card.id in actor.models]


def plan(request: ApiRequest, card: ModelCard, *, request_id: str) -> Generation:
    """Return the first answer that is to be generated. See `plan_all`."""
    return plan_all(request, card, request_id=request_id)[0]


def plan_all(request: ApiRequest, card: ModelCard, *, request_id: str) -> list[Generation]:
    """Return what the engine is to generate: `n` answers to the first prompt, then to the next.

    Their lengths are not yet fitted to the context.

    Text is brought to Unicode's NFC form, in which models are trained: macOS hands Hangul over
    in pieces (NFD), and a model would read those as other, rarer tokens.

    Raises:
        ModelLacksCapability: The model cannot do what the request asks for.
        InvalidRequest: What is said of tools does not fit together.
        UnsupportedParameter: Tools do not go together with something else that is asked for.
        SchemaUnsupported, GrammarUnsupported: The form asked for cannot be kept to.
    """
    check_capabilities(request, card)
    if isinstance(request, ChatRequest):
        check_tools(request)
    sampling = choose_sampling(request, card)
    return [
        replace(generation, sampling=_seeded(sampling, number))
        for generation in _generations(request, card, sampling, request_id)
        for number in range(request.choices)
    ]


def _generations(
    request: ApiRequest, card: ModelCard, sampling: Sampling, request_id: str
) -> list[Generation]:
    """Return one generation for each prompt."""
    if isinstance(request, ChatRequest):
        messages, tools = messages_of(request), tools_of(request)
        return [Generation(request_id, card.id, sampling, messages=messages, tools=tools)]
    return [
        Generation(request_id, card.id, sampling, prompt=compose(prompt))
        if isinstance(prompt, str)
        else Generation(request_id, card.id, sampling, prompt_ids=tuple(prompt))
        for prompt in request.prompts
    ]


def _seeded(sampling: Sampling, number: int) -> Sampling:
    """Return the sampling of the answer of that number: each has a seed of its own."""
    if not number or sampling.seed is None:
        return sampling
    return replace(sampling, seed=(sampling.seed + number) % _SEEDS)


def check_capabilities(request: ApiRequest, card: ModelCard) -> None:
    """Raise `ModelLacksCapability` where a request needs what the model's engine cannot do."""
    tools_field = field_of_tools(request) if isinstance(request, ChatRequest) else None
    form_field = field_of_form(request)
    needs: list[tuple[bool, Capability, str]] = [
        (isinstance(request, ChatRequest), "chat", "messages"),
        (isinstance(request, CompletionRequest), "completion", "prompt"),
        (request.seed is not None, "seed", "seed"),
        (bool(request.stops), "stop", "stop"),
        (bool(request.presence_penalty), "penalties", "presence_penalty"),
        (bool(request.frequency_penalty), "penalties", "frequency_penalty"),
        (request.repetition_penalty not in {None, 1.0}, "penalties", "repetition_penalty"),
        (bool(request.logit_bias), "logit_bias", "logit_bias"),
        (_logprobs_asked(request) is not None, "logprobs", "logprobs"),
        (bool(_logprobs_asked(request)), "top_logprobs", _top_field(request)),
        (_prompt_logprobs_asked(request), "prompt_logprobs", "echo"),
        (form_field is not None, "grammar", form_field or ""),
        (tools_field is not None, "tools", tools_field or ""),
    ]
    for needed, capability, param in needs:
        if needed and capability not in card.capabilities:
            raise ModelLacksCapability(model=card.id, capability=capability, param=param)


def choose_sampling(request: ApiRequest, card: ModelCard) -> Sampling:
    """Return how to sample: what the request says, else the model, else the house.

    `max_tokens` is what the request allows, 0 where it allows anything that fits.
    """
    house = Sampling(max_tokens=0)
    defaults = card.defaults
    temperature = _first(request.temperature, defaults.get("temperature"), house.temperature)
    top_p = _first(request.top_p, defaults.get("top_p"), house.top_p)
    top_k = _first(request.top_k, defaults.get("top_k"), house.top_k)
    if top_p == 0:  # no probability at all leaves only the most probable token
        temperature, top_p = 0.0, 1.0
    return Sampling(
        max_tokens=_tokens_asked(request),
        temperature=temperature,
        top_p=top_p,
        top_k=int(top_k),
        stop=tuple(compose(stop) for stop in request.stops),
        seed=None if request.seed is None else request.seed % _SEEDS,
        presence_penalty=request.presence_penalty or 0.0,
        frequency_penalty=request.frequency_penalty or 0.0,
        repetition_penalty=_first(
            request.repetition_penalty,
            defaults.get("repetition_penalty"),
            house.repetition_penalty,
        ),
        logit_bias=tuple((int(token), bias) for token, bias in (request.logit_bias or {}).items()),
        grammar=grammar_of(request),
        logprobs=_logprobs_asked(request),
        prompt_logprobs=_prompt_logprobs_asked(request),
    )


def fit(
    generation: Generation, *, prompt_tokens: int, context_tokens: int, completion_tokens_max: int
) -> Generation:
    """Return the generation with the tokens it may have in what the prompt leaves free.

    Raises:
        ContextLengthExceeded: The prompt leaves no room for one token.
    """
    room = context_tokens - prompt_tokens
    if room < 1:
        raise ContextLengthExceeded(
            prompt_tokens=prompt_tokens,
            context_tokens=context_tokens,
            param="messages" if generation.messages else "prompt",
        )
    asked = generation.sampling.max_tokens or room
    tokens = min(asked, room, completion_tokens_max)
    return replace(generation, sampling=replace(generation.sampling, max_tokens=tokens))


def check_choices(choices: int, limits: Limits, *, param: str) -> None:
    """Raise `InvalidRequest` where one request asks for more answers than may run at once."""
    if choices > limits.concurrent_max:
        raise InvalidRequest(
            param=param,
            reason_en=f"it asks for {choices} answers, and at most {limits.concurrent_max} may "
            "run at the same time",
            reason_ko=f"답 {choices}개를 요청했지만 동시에 {limits.concurrent_max}개까지 받을 수 "
            "있습니다",
        )


def check_rate(limits: Limits, *, now: datetime, nth_newest: datetime | None) -> None:
    """Raise `RateLimitExceeded` where one more request would be too many in one minute.

    Args:
        limits: Of whoever asks.
        now: When.
        nth_newest: When the newest but `requests_per_minute_max` minus one request came: the
            one that must be a minute old before another may come. None where there are fewer.
    """
    if nth_newest is None or now - nth_newest >= RATE_WINDOW:
        return
    wait = RATE_WINDOW - max(now - nth_newest, timedelta(0))
    raise RateLimitExceeded(
        requests_per_minute_max=limits.requests_per_minute_max,
        retry_after_seconds=max(1, math.ceil(wait.total_seconds())),
    )


def clock_went_back(*, now: datetime, newest: datetime | None) -> bool:
    """Say whether the clock went back since a holder's newest request was let in.

    Then the moments of its requests tell nothing of the last minute any more: those that lie
    ahead would be met again, one after the other, until the clock has caught up with them all.
    """
    return newest is not None and newest - now > CLOCK_SLACK


def check_concurrency(limits: Limits, *, running: int) -> None:
    """Raise `TooManyAtOnce` where one more answer would run beside too many."""
    if running >= limits.concurrent_max:
        raise TooManyAtOnce(concurrent_max=limits.concurrent_max)


def _tokens_asked(request: ApiRequest) -> int:
    asked = [request.max_tokens]
    if isinstance(request, ChatRequest):
        asked.append(request.max_completion_tokens)
    given = [tokens for tokens in asked if tokens is not None]
    if given:
        return min(given)
    return 0 if isinstance(request, ChatRequest) else COMPLETION_TOKENS_DEFAULT


def _logprobs_asked(request: ApiRequest) -> int | None:
    """Return of how many tokens the probability is to be told beside the one that came."""
    if isinstance(request, CompletionRequest):
        return request.logprobs
    return (request.top_logprobs or 0) if request.scored else None


def _prompt_logprobs_asked(request: ApiRequest) -> bool:
    """Return whether the probabilities of the prompt's tokens are to be told."""
    return (
        isinstance(request, CompletionRequest)
        and bool(request.echo)
        and request.logprobs is not None
    )


def _top_field(request: ApiRequest) -> str:
    return "top_logprobs" if isinstance(request, ChatRequest) else "logprobs"


def _first(asked: float | None, default: float | None, house: float) -> float:
    if asked is not None:
        return asked
    return house if default is None else default
