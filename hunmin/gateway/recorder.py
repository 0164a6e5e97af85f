"""Recorder: what many answers have to write down at one moment shares one transaction.

Whoever comes while a transaction runs waits for the next one, so under load a transaction serves
many, and an answer alone waits for nobody. Each still sees what those before it changed, so limits
are as exact as one by one. Left out: what is written (`actions`).
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hunmin import logs
from hunmin.act import SYSTEM, Act, Actor, open_act
from hunmin.db import Database
from hunmin.errors import HunminError

T = TypeVar("T")

TOGETHER_MAX = 64
"""Deeds of one transaction: others that write wait for no more than these."""

LANES = {"sqlite": 1, "postgresql": 8}
"""Transactions at the same time. SQLite takes one writer: ours wait in line, not at its lock."""

TO_DISK_SECONDS = 0.5
"""How long after a record that did not wait for the disk it is brought there."""

log = logs.get(__name__)


class Recorder:
    """Does deeds in the database, in threads: those of one tenant in the order they come."""

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
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gateway-records")

    async def do(self, deed: _Deed) -> Any:  # noqa: ANN401 (whatever the deed returns)
        self._waiting.append(deed)
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await deed.outcome

    def close(self) -> None:
        self._thread.shutdown(wait=False)

    async def _work(self) -> None:
        """Do everything that waits, then end."""
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                deeds = self._waiting[:TOGETHER_MAX]
                del self._waiting[:TOGETHER_MAX]
                try:
                    results = await loop.run_in_executor(self._thread, self._results, deeds)
                except RuntimeError as closed:  # of the thread: it takes nothing any more
                    results = [closed] * len(deeds)
                for deed, result in zip(deeds, results, strict=True):
                    deed.tell(result)
        finally:
            self._task = None

    def _results(self, deeds: Sequence[_Deed]) -> Sequence[object]:
        """Return what came of each deed; an exception where that is what came of it."""
        try:
            return self._together(deeds)
        except HunminError as failure:  # the database's own, which no deed would escape
            return [failure] * len(deeds)
        except Exception as failure:  # noqa: BLE001 (handed on to whoever waits)
            if len(deeds) == 1:
                return [failure]
            return [result for deed in deeds for result in self._results([deed])]

    def _together(self, deeds: Sequence[_Deed]) -> Sequence[object]:
        """Do several deeds in one transaction.

        On PostgreSQL a tenant is locked while its deeds are done. All servers go through tenants
        in the same order, so that no two of them wait for each other.
        """
        results: list[object] = [None] * len(deeds)
        by_tenant = sorted(enumerate(deeds), key=lambda numbered: numbered[1].actor.tenant)
        with open_act(
            self._database, SYSTEM, request_id="gateway-records", synced=self._synced
        ) as house:
            for number, deed in by_tenant:
                act = replace(house, actor=deed.actor, request_id=deed.request_id)
                try:
                    results[number] = deed.do(act)
                except HunminError as refusal:
                    results[number] = refusal
        return results
