"""Keeping an answer in the database: now and then while it is written, and whole at the end."""

import asyncio

from hunmin.act import open_act
from hunmin.chat import actions, rules
from hunmin.chat.writer import Writer
from hunmin.db import Database
from hunmin.errors import AnswerFailed, HunminError
from hunmin.gateway import keep_trying

LAST_SAVE_PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""How long to wait between tries to keep a whole answer while the database is away."""


class Keeper:
    """Keeps what a writer has, in the place that was made for its answer."""

    def __init__(self, answer_id: str, writer: Writer, *, database: Database) -> None:
        self._answer_id = answer_id
        self._writer = writer
        self._database = database

    async def keep_so_far(self) -> bool:
        """Keep what was written so far; return False where it was deleted meanwhile."""
        try:
            return await self._save("writing", None)
        except Exception as fault:  # noqa: BLE001 (whatever it is, the next save may succeed)
            self._writer.report("answer not kept yet", fault)
            return True

    async def keep_at_last(
        self, state: rules.State, error: HunminError | None
    ) -> HunminError | None:
        """Keep the whole, trying again for a while; return why it could not be kept, if so."""
        fault = await keep_trying(
            lambda: self._save(state, error),
            pauses_seconds=LAST_SAVE_PAUSES_SECONDS,
            failed=lambda fault: self._writer.report("answer not kept", fault),
        )
        return fault if fault is None or isinstance(fault, HunminError) else AnswerFailed()

    async def _save(self, state: rules.State, error: HunminError | None) -> bool:
        """Write to the database; return False where the answer was deleted."""
        text, facts, order = self._writer.text, self._writer.facts, self._writer.order
        sources = self._writer.sources or ()

        def save() -> bool:
            with open_act(
                self._database, order.actor, request_id=order.request_id, language=order.language
            ) as act:
                return actions.save_answer(
                    act,
                    answer_id=self._answer_id,
                    text=text,
                    state=state,
                    facts=facts,
                    error_code=error.code if error is not None else None,
                    sources=sources,
                )

        return await asyncio.to_thread(save)
