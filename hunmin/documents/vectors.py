"""The vectors of a question, asked of the models that made those of collections."""

from collections.abc import Collection, Sequence
from contextlib import aclosing

from hunmin import logs
from hunmin.act import Actor
from hunmin.errors import EngineStarting, HunminError
from hunmin.gateway import EmbeddingRequest, Gateway

log = logs.get(__name__)


async def vectors_of(
    gateway: Gateway, actor: Actor, question: str, *, models: Collection[str], request_id: str
) -> dict[str, Sequence[float]]:
    """Return the vectors of a question, by the model that made each.

    They are admitted and counted as the asker's. A model that gives none now (it is not served any
    more, is away, may not be used by the asker, or is asked too much) is left out and noted, and
    words alone are compared.

    Raises:
        EngineStarting: The models are still being loaded.
    """
    vectors: dict[str, Sequence[float]] = {}
    for model in models:
        request = EmbeddingRequest(model=model, input=question)
        try:
            answer = await gateway.open_embeddings(actor, request, request_id=request_id)
            async with aclosing(answer):
                made = [vector async for piece in answer for vector in piece.vectors]
        except EngineStarting:
            raise
        except HunminError as failure:
            log.warning("documents.no_vectors", request_id=request_id, code=failure.code)
            continue
        vectors.update((model, vector) for vector in made)
    return vectors
