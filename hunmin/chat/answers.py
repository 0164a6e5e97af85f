"""Every answer this process is writing: begun, found again by its readers, ended with the server.

How one is written and read, `live` says; what is asked of the gateway, `writer`; how it is kept,
`keeper`. Left out: HTTP (`routes`), what is kept and its events (`actions`), the engine
(`gateway`).
"""

import asyncio
from collections.abc import Container

from hunmin.chat.keeper import Keeper
from hunmin.chat.live import LiveAnswer
from hunmin.chat.views import Begun, BegunTemporary
from hunmin.chat.writer import Order, Writer
from hunmin.db import Database
from hunmin.gateway import Gateway
from hunmin.settings import ChatSettings

CLOSE_SECONDS = 20.0
"""How long the server waits for its answers to be kept when it stops."""


class Answers(Container[str]):
    """Every answer this process is writing, by id."""

    def __init__(self, *, gateway: Gateway, database: Database, settings: ChatSettings) -> None:
        self._gateway = gateway
        self._database = database
        self._settings = settings
        self._live: dict[str, LiveAnswer] = {}

    def __contains__(self, answer_id: object) -> bool:
        """Return whether this process is writing an answer."""
        return answer_id in self._live

    def busy(self) -> bool:
        """Return whether any is being written."""
        return bool(self._live)

    def begin(self, begun: Begun, order: Order) -> LiveAnswer:
        """Begin to write an answer, in the place that was made for it."""
        writer = self._writer(order)
        keeper = Keeper(begun.answer.id, writer, database=self._database)
        return self._begin(begun, writer, keeper)

    def begin_temporary(self, begun: BegunTemporary, order: Order) -> LiveAnswer:
        """Begin to write an answer of which nothing is kept."""
        return self._begin(begun, self._writer(order), None)

    def _writer(self, order: Order) -> Writer:
        return Writer(
            order, gateway=self._gateway, database=self._database, settings=self._settings
        )

    def _begin(
        self, begun: Begun | BegunTemporary, writer: Writer, keeper: Keeper | None
    ) -> LiveAnswer:
        live = LiveAnswer(begun, writer, keeper)
        self._live[live.id] = live
        live.task.add_done_callback(lambda _: self._live.pop(live.id, None))
        return live

    def find(self, answer_id: str) -> LiveAnswer | None:
        """Return an answer being written here. Whose it is, the caller has found out."""
        return self._live.get(answer_id)

    async def close(self) -> None:
        """Stop every answer and keep what was written; the server is stopping."""
        tasks = {live.task for live in self._live.values()}
        for live in self._live.values():
            live.end("interrupted")
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
