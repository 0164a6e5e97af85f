"""Records: what the database is told of an answer, in two transactions of a moment each.

It is admitted before the engine is asked, and settled when it has ended, whatever that end was.
Left out: what is written (`actions`), and how records of one moment share a transaction
(`recorder`).
"""

from collections.abc import Callable
from dataclasses import replace

from hunmin import billing, logs, telemetry
from hunmin.act import Act, Actor
from hunmin.db import Database
from hunmin.gateway import actions, embeddings, rules
from hunmin.gateway.recorder import Recorder
from hunmin.gateway.starting import name_of_server
from hunmin.plugins import Generation
from hunmin.settings import GatewaySettings

log = logs.get(__name__)

UNLIMITED = rules.Limits(requests_per_minute_max=10**9, concurrent_max=10**9)


class Records:
    """Admits and settles the answers of one gateway."""

    def __init__(self, database: Database, settings: GatewaySettings) -> None:
        """Note where they are kept, and what may be asked where nothing else was set."""
        self._settings = settings
        self._known_terms = billing.KnownTerms()
        self._recorder = Recorder(database, synced=settings.records_synced)
        self.server = name_of_server()
        """What this process is called in them."""

    def waiting(self) -> int:
        """Return how many wait for a transaction."""
        return self._recorder.waiting()

    def close(self) -> None:
        """Do what is under way, and then no more."""
        self._recorder.close()

    def limits_of(self, actor: Actor) -> rules.Limits:
        """Return what whoever asks may ask, beside the limits that were set for them."""
        if actor.kind == "system":
            return UNLIMITED
        if actor.kind == "guest":
            return rules.Limits(
                requests_per_minute_max=self._settings.guest_requests_per_minute_max,
                concurrent_max=self._settings.concurrent_per_guest_max,
            )
        return rules.Limits(
            requests_per_minute_max=self._settings.requests_per_minute_max,
            concurrent_max=self._settings.concurrent_per_key_max,
        )

    def charge_for(self, generation: Generation, *, prompt_tokens: int) -> billing.Charge:
        """Return what an answer is to be charged to, not reserved yet."""
        return billing.Charge(
            self._known_terms,
            model=generation.model,
            prompt_tokens=prompt_tokens,
            completion_tokens_max=generation.sampling.max_tokens,
        )

    async def admit(
        self,
        actor: Actor,
        generation: Generation,
        prompt_tokens: int,
        charge: billing.Charge,
        *,
        note: Callable[[str], None],
    ) -> str:
        """Let an answer in and return its admission's id, or refuse it and change nothing.

        Args:
            actor: Who asks.
            generation: What is to be written.
            prompt_tokens: Length of the prompt.
            charge: What it is charged to.
            note: Is told the admission's id before the transaction ends. Where that fails then,
                nobody knows whether the answer was let in, and settling it tells.

        Raises:
            HunminError: See `actions.admit`; or the database is away.
        """

        def admit(act: Act) -> str:
            admission_id = actions.admit(
                act,
                endpoint=embeddings.endpoint_of(generation),
                model=generation.model,
                prompt_tokens=prompt_tokens,
                completion_tokens_max=generation.sampling.max_tokens,
                limits=self.limits_of(actor),
                seconds_max=self._settings.answer_seconds_max,
                server=self.server,
                charge=charge,
            )
            note(admission_id)
            return admission_id

        return await self._recorder.record(actor, generation.request_id, admit)

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
        """Keep what an answer came to; where `keep` says that it did not, nothing is charged.

        Raises:
            HunminError: The database is away.
        """

        def settle(act: Act) -> None:
            counts = keep is None or keep(act)
            counted = meter if counts else replace(meter, **actions.NOTHING_USED)
            actions.settle(act, admission_id=admission_id, meter=counted, charge=charge)

        await self._recorder.record(actor, generation.request_id, settle)
        telemetry.answer_ended(
            model=generation.model,
            outcome=meter.outcome,
            tokens=meter.tokens,
            first_token_ms=meter.first_token_ms,
            wall_ms=meter.wall_ms,
        )
        log.info(
            "answer",
            request_id=generation.request_id,
            model=generation.model,
            outcome=meter.outcome,
            error_code=meter.error_code,
            prompt_tokens=meter.prompt_tokens,
            completion_tokens=meter.completion_tokens,
            first_token_ms=meter.first_token_ms,
            wall_ms=meter.wall_ms,
        )
