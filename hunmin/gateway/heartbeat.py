"""Heartbeat: servers on one database see that the others live, and close what a dead one left.

Every few seconds a server counts its own beats up and looks at those of the others; whose stand
still for several looks is gone. No clock is compared with another, and a look that failed is none:
a database that was away for a while makes nobody gone. Left out: what closing means (`actions`).
"""

import asyncio
from collections.abc import Mapping

from sqlalchemy import insert, select, update

from hunmin import logs
from hunmin.act import SYSTEM, Act, open_act
from hunmin.db import Database
from hunmin.errors import HunminError
from hunmin.gateway import actions
from hunmin.gateway.tables import ServerRow

BEAT_SECONDS = 5.0

STILL_LOOKS_MAX = 6
"""Whose beats stood still for so many looks is gone: after half a minute."""

log = logs.get(__name__)


class Neighbors:
    """What one server saw of the beats of the others. Pure."""

    def __init__(self) -> None:
        self._still: dict[str, tuple[int, int]] = {}
        """The beats of each, and for how many looks they have stood still."""

    def look(self, beats: Mapping[str, int]) -> list[str]:
        """Note the beats of every server and return those that are gone."""
        still: dict[str, tuple[int, int]] = {}
        for server, count in beats.items():
            known, looks = self._still.get(server, (count, -1))
            still[server] = (count, looks + 1 if known == count else 0)
        self._still = still
        return [server for server, (_, looks) in self._still.items() if looks >= STILL_LOOKS_MAX]


class Heartbeat:
    """Beats for one server, until closed."""

    def __init__(self, database: Database, server: str) -> None:
        """Note for whom; `begin` begins."""
        self._database = database
        self._server = server
        self._neighbors = Neighbors()
        self._missed = False
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin to beat."""
        if self._task is None:
            self._task = asyncio.create_task(self._go_on())

    def close(self) -> None:
        """Beat no more. Nothing is written: the others see it."""
        if self._task is not None:
            self._task.cancel()

    async def beat(self) -> None:
        """Beat once, look at the others, and close what those left that are gone.

        Raises:
            HunminError: The database is away.
        """
        lost = await asyncio.to_thread(self._beat)
        if lost:
            log.warning("answers of a server without a sign of life were closed", count=lost)

    async def _go_on(self) -> None:
        while True:
            try:
                await self.beat()
                self._missed = False
            except HunminError as failure:
                if not self._missed:
                    log.warning(
                        "no heartbeat: others may take this server for gone", code=failure.code
                    )
                self._missed = True
            await asyncio.sleep(BEAT_SECONDS)

    def _beat(self) -> int:
        """Return how many answers were closed."""
        with open_act(self._database, SYSTEM, request_id="gateway-heartbeat", synced=False) as act:
            self._count_up(act)
            rows = act.session.execute(select(ServerRow.server, ServerRow.beats))
            beats = {server: count for server, count in rows if server != self._server}
            gone = self._neighbors.look(beats)
            return actions.close_lost(act, gone_servers=gone) if gone else 0

    def _count_up(self, act: Act) -> None:
        counted = (
            update(ServerRow)
            .where(ServerRow.server == self._server)
            .values(beats=ServerRow.beats + 1, seen_at=act.now)
        )
        connection = act.session.connection()
        if not connection.execute(counted).rowcount:  # the first one, or others took it for gone
            first = {"server": self._server, "beats": 1, "seen_at": act.now}
            connection.execute(insert(ServerRow).values(first))
