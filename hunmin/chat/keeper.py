"""Keeping an answer in the database: now and then while it is written, and whole at the end."""

import asyncio
from datetime import datetime

from hunmin.act import open_act
from hunmin.chat import actions, queries, rules
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
        self._reader_seen_at: datetime | None = None
        self.is_read_elsewhere = False
        """Whether somebody at another server read it since it was kept before."""

    async def keep_so_far(self) -> bool:
        """Keep what was written so far; return whether to go on. See `actions.save_answer`."""
        self.is_read_elsewhere = False
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
        """Write to the database; return whether to go on."""
        text, facts, order = self._writer.text, self._writer.facts, self._writer.order
        sources = self._writer.sources or ()

        def save() -> tuple[bool, datetime | None]:
            with open_act(
                self._database, order.actor, request_id=order.request_id, language=order.language
            ) as act:
                goes_on = actions.save_answer(
                    act,
                    answer_id=self._answer_id,
                    text=text,
                    state=state,
                    facts=facts,
                    error_code=error.code if error is not None else None,
                    sources=sources,
                )
                return goes_on, queries.reader_seen_at(act, self._answer_id)

        goes_on, seen_at = await asyncio.to_thread(save)
        self.is_read_elsewhere = seen_at != self._reader_seen_at
        self._reader_seen_at = seen_at
        return goes_on
