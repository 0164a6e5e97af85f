"""Which writer writes an answer, and what it has to know."""

import hunmin
from hunmin.act import Actor
from hunmin.gateway import rules, writers
from hunmin.gateway.answers import Answer
from hunmin.gateway.choices import Choices
from hunmin.gateway.conversation import compose
from hunmin.gateway.response_wire import ResponseRequest
from hunmin.gateway.response_writer import ResponseWriter
from hunmin.gateway.service import Gateway
from hunmin.gateway.wire import ApiRequest, ChatRequest
from hunmin.gateway.writers import ChatWriter, TextWriter


def writer_of(
    gateway: Gateway, asked: ApiRequest, answer: Answer | Choices, echoes: list[str]
) -> ChatWriter | TextWriter:
    """Return what writes the answers to a chat or to texts; `echoes` stand before these."""
    card = rules.choose_model(gateway.models(), asked.model)
    fingerprint = writers.fingerprint_of(card, hunmin.__version__)
    if isinstance(asked, ChatRequest):
        return ChatWriter(
            answer_id=answer.admission_id,
            created=answer.created_at,
            model=card.id,
            fingerprint=fingerprint,
            choices=asked.choices,
            logprobs=asked.scored,
        )
    return TextWriter(
        answer_id=answer.admission_id,
        created=answer.created_at,
        model=card.id,
        fingerprint=fingerprint,
        echoes=echoes,
        logprobs=asked.logprobs is not None,
    )


async def echoes_of(gateway: Gateway, actor: Actor, asked: ApiRequest) -> list[str]:
    """Return what is given back before each continuation: its prompt, or nothing."""
    if isinstance(asked, ChatRequest):
        return []
    texts = ["" for _ in asked.prompts]
    if asked.echo:
        card = rules.choose_model(rules.models_of(actor, gateway.models()), asked.model)
        texts = [
            compose(prompt)
            if isinstance(prompt, str)
            else writers.joined(await gateway.decode(card.id, prompt))
            for prompt in asked.prompts
        ]
    return [text for text in texts for _ in range(asked.choices)]


def response_writer_of(asked: ResponseRequest, answer: Answer) -> ResponseWriter:
    """Return what writes the answer to a request of the Responses API."""
    return ResponseWriter(
        answer_id=answer.admission_id,
        created=answer.created_at,
        model=asked.model,
        asked=asked,
        sampling=answer.generation.sampling,
    )
