"""Records that trace: what admitting, streaming and settling take, as spans of each answer.

They stand in the place of `Records` where the operator asked for spans, so that others pay nothing.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from typing_extensions import override

from hunmin import billing
from hunmin.act import Act, Actor
from hunmin.db import Database
from hunmin.gateway import actions, embeddings
from hunmin.gateway.records import Records
from hunmin.plugins import Generation
from hunmin.settings import GatewaySettings

if TYPE_CHECKING:
    from hunmin.tracing import Attributes, Tracer

_OPERATIONS = {"chat": "chat", "completion": "text_completion", "embedding": "embeddings"}
"""What OpenTelemetry calls each door."""


class TracedRecords(Records):
    """Admits and settles, and tells a tracer how long that and the stream between took."""

    def __init__(self, database: Database, settings: GatewaySettings, *, tracer: "Tracer") -> None:
        """Note where they are kept, and who makes the spans."""
        super().__init__(database, settings)
        self._tracer = tracer
        self._streams_began_ns: dict[str, int] = {}
        """When each answer under way was let in, by its admission."""

    @override
    async def admit(
        self,
        actor: Actor,
        generation: Generation,
        prompt_tokens: int,
        charge: billing.Charge,
        *,
        note: Callable[[str], None],
    ) -> str:
        with self._tracer.span("gateway.admit", _told(generation)):
            admission_id = await super().admit(actor, generation, prompt_tokens, charge, note=note)
        self._streams_began_ns[admission_id] = time.time_ns()
        return admission_id

    @override
    async def settle(
        self,
        actor: Actor,
        generation: Generation,
        admission_id: str,
        meter: actions.Meter,
        *,
        charge: billing.Charge,
        keep: Callable[[Act], bool] | None,
    ) -> None:
        began_ns = self._streams_began_ns.pop(admission_id, None)
        if began_ns is not None:  # else it is settled once more: the database was away
            attributes = _told(generation) | _came_to(meter)
            self._tracer.past("engine.stream", attributes, began_ns=began_ns)
        with self._tracer.span("gateway.settle", {"hunmin.outcome": meter.outcome}):
            await super().settle(actor, generation, admission_id, meter, charge=charge, keep=keep)


def _told(generation: Generation) -> "Attributes":
    return {
        "gen_ai.operation.name": _OPERATIONS[embeddings.endpoint_of(generation)],
        "gen_ai.provider.name": "hunmin",
        "gen_ai.request.max_tokens": generation.sampling.max_tokens,
        "gen_ai.request.model": generation.model,
        "hunmin.request_id": generation.request_id,
    }


def _came_to(meter: actions.Meter) -> "Attributes":
    """Return what an answer came to; its first token counts from before it was let in."""
    told: Attributes = {
        "gen_ai.usage.input_tokens": meter.prompt_tokens,
        "gen_ai.usage.output_tokens": meter.completion_tokens,
        "hunmin.outcome": meter.outcome,
    }
    if meter.first_token_ms is not None:
        told["gen_ai.server.time_to_first_token"] = meter.first_token_ms / 1000
    if meter.error_code is not None:
        told["error.type"] = meter.error_code
    return told
