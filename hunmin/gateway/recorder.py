"""Recorder: what many answers have to write down at one moment shares one transaction.

Whoever comes while a transaction runs waits for the next one, so under load a transaction serves
many, and an answer alone waits for nobody. Each still sees what those before it changed, so limits
are as exact as one by one. Left out: what is written (`actions`).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy.engine import Connection

from hunmin import logs
from hunmin.act import SYSTEM, Act, Actor, open_act
from hunmin.db import Database
from hunmin.errors import DatabaseBusy, HunminError

T = TypeVar("T")

TOGETHER_MAX = 64
"""Deeds of one transaction: others that write wait for no more than these."""

ON_THE_SPOT_MAX = 8
"""Deeds that are done on the spot in one transaction: more would hold up everything else."""

SLOW_SECONDS = 0.05
SLOW_FOR_SECONDS = 60.0
"""Where a transaction took so long, the disk counts as slow for a minute."""

LANES = {"sqlite": 1, "postgresql": 8}
"""Transactions at the same time. SQLite takes one writer: ours wait in line, not at its lock."""

TO_DISK_SECONDS = 0.5
"""How long after a record that did not wait for the disk it is brought there."""

log = logs.get(__name__)


class Recorder:
    """Does deeds in the database: those of one tenant in the order they come."""

    def __init__(self, database: Database, *, synced: bool) -> None:
        """Make a recorder.

        Args:
            database: Where.
            synced: Wait for the disk each time. Without, on SQLite, it follows within a second.
        """
        self._database = database
        self._lanes = [_Lane(database, synced=synced) for _ in range(LANES[database.dialect])]
        self._to_disk: asyncio.Task[None] | None = None

    async def record(self, actor: Actor, request_id: str, do: Callable[[Act], T]) -> T:
        """Do something in a transaction; return what came of it once that is committed.

        Args:
            actor: Who does it.
            request_id: The request it belongs to.
            do: What to do. Where it raises a `HunminError` it has changed nothing.

        Raises:
            HunminError: `do` refused, or the database is away, full or locked.
        """
        deed = _Deed(actor, request_id, do, asyncio.get_running_loop().create_future())
        result: T = await self._lanes[hash(actor.tenant) % len(self._lanes)].do(deed)
        if self._to_disk is None and self._database.dialect == "sqlite":
            self._to_disk = asyncio.create_task(self._bring_to_disk())
        return result

    def waiting(self) -> int:
        """Return how many deeds wait for a transaction."""
        return sum(lane.waiting for lane in self._lanes)

    def close(self) -> None:
        """Do what is under way, and then no more. Closing the database brings it to the disk."""
        if self._to_disk is not None:
            self._to_disk.cancel()
        for lane in self._lanes:
            lane.close()

    async def _bring_to_disk(self) -> None:
        """Bring what was recorded to the disk a little later, once for all of it."""
        await asyncio.sleep(TO_DISK_SECONDS)
        self._to_disk = None  # what is recorded from now on may come too late for this time
        try:
            await asyncio.to_thread(self._database.to_disk)
        except HunminError as failure:
            log.warning("records are not on the disk yet", code=failure.code)


@dataclass(frozen=True, slots=True)
class _Deed:
    """One thing to do, and who waits for what comes of it."""

    actor: Actor
    request_id: str
    do: Callable[[Act], Any]
    outcome: asyncio.Future[Any]

    def tell(self, result: object) -> None:
        """Tell whoever waits, if they still do."""
        if self.outcome.done():
            return
        if isinstance(result, Exception):
            self.outcome.set_exception(result)
        else:
            self.outcome.set_result(result)


class _Lane:
    """Does deeds one transaction after the other, as many in each as wait for it."""

    def __init__(self, database: Database, *, synced: bool) -> None:
        self._database = database
        self._synced = synced
        self._waiting: list[_Deed] = []
        self._task: asyncio.Task[None] | None = None
        quick = database.dialect == "sqlite" and not database.in_memory and not synced
        self._spot = _Spot(database) if quick else None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gateway-records")

    async def do(self, deed: _Deed) -> Any:  # noqa: ANN401 (whatever the deed returns)
        self._waiting.append(deed)
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await deed.outcome

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def close(self) -> None:
        self._thread.shutdown(wait=False)
        if self._spot is not None:
            self._spot.close()

    async def _work(self) -> None:
        """Do everything that waits, then end."""
        try:
            while self._waiting:
                deeds = self._waiting[:TOGETHER_MAX]
                del self._waiting[:TOGETHER_MAX]
                results = None if self._spot is None else self._spot.results(deeds)
                if results is None:
                    results = await self._results_of_thread(deeds)
                for deed, result in zip(deeds, results, strict=True):
                    deed.tell(result)
        finally:
            self._task = None

    async def _results_of_thread(self, deeds: Sequence[_Deed]) -> Sequence[object]:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._results, deeds)
        except RuntimeError as closed:  # of the thread: it takes nothing any more
            return [closed] * len(deeds)

    def _results(self, deeds: Sequence[_Deed]) -> Sequence[object]:
        """Return what came of each deed; an exception where that is what came of it."""
        try:
            return _together(self._database, deeds, synced=self._synced)
        except HunminError as failure:  # the database's own, which no deed would escape
            return [failure] * len(deeds)
        except Exception as failure:  # noqa: BLE001 (handed on to whoever waits)
            if len(deeds) == 1:
                return [failure]
            return [result for deed in deeds for result in self._results([deed])]


class _Spot:
    """Does deeds on the spot, in the thread that asks, where that takes less than to ask another.

    On SQLite a transaction that does not wait for the disk takes a tenth of a millisecond, and
    handing it to a thread and back as much again and a wait for the interpreter. Nobody is waited
    for: where another writes, or the disk turned out to be slow, the thread does it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._closed = False
        self._slow_until = 0.0

    def results(self, deeds: Sequence[_Deed]) -> Sequence[object] | None:
        """Return what came of each deed, or None where nothing was done."""
        began = time.monotonic()
        if self._closed or len(deeds) > ON_THE_SPOT_MAX or began < self._slow_until:
            return None
        try:
            if self._connection is None:
                self._connection = self._database.connect_at_once()
            return _together(self._database, deeds, synced=False, on=self._connection)
        except DatabaseBusy:
            return None
        except Exception as error:  # noqa: BLE001 (the thread meets it again, and tells who waits)
            log.warning("not recorded on the spot", error=type(error).__qualname__)
            self._disconnect()
            return None
        finally:
            ended = time.monotonic()
            if ended - began > SLOW_SECONDS:
                self._slow_until = ended + SLOW_FOR_SECONDS

    def close(self) -> None:
        self._closed = True
        self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()  # whoever gets it from the pool would wait for nobody
            connection.close()


def _together(
    database: Database, deeds: Sequence[_Deed], *, synced: bool, on: Connection | None = None
) -> Sequence[object]:
    """Do several deeds in one transaction.

    On PostgreSQL a tenant is locked while its deeds are done. All servers go through tenants in
    the same order, so that no two of them wait for each other.
    """
    results: list[object] = [None] * len(deeds)
    by_tenant = sorted(enumerate(deeds), key=lambda numbered: numbered[1].actor.tenant)
    with open_act(database, SYSTEM, request_id="gateway-records", synced=synced, on=on) as house:
        for number, deed in by_tenant:
            act = replace(house, actor=deed.actor, request_id=deed.request_id)
            try:
                results[number] = deed.do(act)
            except HunminError as refusal:
                results[number] = refusal
    return results
