"""What a request for vectors means to an engine, and what becomes of them. Pure."""

import array
import base64
import math
import sys
from collections.abc import Sequence
from typing import Literal

from hunmin.errors import InvalidRequest, ModelLacksCapability
from hunmin.gateway.conversation import compose
from hunmin.gateway.embedding_wire import (
    Embedding,
    EmbeddingReply,
    EmbeddingRequest,
    EmbeddingUsage,
)
from hunmin.plugins import Capability, Delta, Generation, ModelCard, Sampling


def plan(request: EmbeddingRequest, card: ModelCard, *, request_id: str) -> Generation:
    """Return what the engine is to turn into vectors, brought to the form models are trained in.

    Raises:
        ModelLacksCapability: The model has no vectors, or none that may be cut.
    """
    needs: list[tuple[bool, Capability, str]] = [
        (True, "embedding", "input"),
        (request.dimensions is not None, "dimensions", "dimensions"),
    ]
    for needed, capability, param in needs:
        if needed and capability not in card.capabilities:
            raise ModelLacksCapability(model=card.id, capability=capability, param=param)
    inputs = tuple(compose(one) if isinstance(one, str) else tuple(one) for one in request.inputs)
    return Generation(request_id, card.id, Sampling(max_tokens=0), embed=inputs)


def endpoint_of(generation: Generation) -> Literal["chat", "completion", "embedding"]:
    """Return what a record calls the way something was asked."""
    if generation.embed:
        return "embedding"
    return "chat" if generation.messages else "completion"


def reply(request: EmbeddingRequest, pieces: Sequence[Delta], last: Delta) -> EmbeddingReply:
    """Return the vectors of an answer in the form that was asked for.

    Raises:
        InvalidRequest: More numbers are asked for than a vector has.
    """
    vectors = [vector for piece in pieces for vector in piece.vectors]
    return EmbeddingReply(
        object="list",
        data=[
            Embedding(object="embedding", index=index, embedding=_shown(request, vector))
            for index, vector in enumerate(vectors)
        ],
        model=request.model,
        usage=EmbeddingUsage(prompt_tokens=last.prompt_tokens, total_tokens=last.prompt_tokens),
    )


def shortened(vector: Sequence[float], dimensions: int) -> list[float]:
    """Return the beginning of a vector, brought to length 1 again.

    Raises:
        InvalidRequest: It has fewer numbers.

    Source:
        Kusupati et al., "Matryoshka Representation Learning", 2022.
    """
    if dimensions > len(vector):
        raise InvalidRequest(
            param="dimensions",
            reason_en=f"vectors of this model have {len(vector)} numbers",
            reason_ko=f"이 모델의 벡터는 수 {len(vector)}개로 이루어집니다",
        )
    kept = vector[:dimensions]
    length = math.hypot(*kept) or 1.0
    return [value / length for value in kept]


def _shown(request: EmbeddingRequest, vector: Sequence[float]) -> list[float] | str:
    values = list(vector)
    if request.dimensions is not None:
        values = shortened(vector, request.dimensions)
    if request.encoding_format != "base64":
        return values
    numbers = array.array("f", values)
    if sys.byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode("ascii")
