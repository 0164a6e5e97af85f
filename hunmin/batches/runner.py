"""Works on batches, a few lines of one at a time, beside everything else a server does.

Every server works on batches; a batch is held by one of them, for a minute unless it says that it
goes on. Lines are asked only while half of the gateway's places are free.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from hunmin import gateway, logs
from hunmin.act import SYSTEM, Act, open_act
from hunmin.batches import holding, inputs, outputs, queries, rules
from hunmin.batches.holding import Held
from hunmin.batches.tables import LineRow
from hunmin.db import Database
from hunmin.errors import BatchFull, HunminError
from hunmin.settings import Settings

log = logs.get(__name__)

POLL_SECONDS = 2.0
"""How often an idle server looks for a batch."""
LEASE_SECONDS = 60.0
"""How long a batch stays with a server that gives no sign of life."""
SLICE_LINES = 32
"""Lines after which another batch has its turn."""
BUSY_SECONDS = 2.0
"""How long a batch waits where people keep the engine busy."""
PAUSE_SECONDS_MAX = 30.0
LEAVE_PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""How long to wait between tries to give a batch back while the database is away; one that could
not be given back waits until its lease ends."""

Keep = Callable[[Act, gateway.Whole], bool]


class Runner:
    """Works on batches until it is closed."""

    def __init__(self, answers: gateway.Gateway, database: Database, settings: Settings) -> None:
        """Note who answers and where batches are; `launch` begins."""
        self._gateway = answers
        self._database = database
        self._settings = settings
        self._task: asyncio.Task[None] | None = None
        self._draining = False

    def launch(self) -> None:
        """Begin to work, beside everything else."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def drain(self) -> None:
        """Begin nothing more: what is being answered ends, and the rest is another server's."""
        self._draining = True

    async def close(self) -> None:
        """Stop; what is being answered is given up, and comes anew. Safe to call twice."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while not self._draining:
            try:
                worked = await self.work()
            except Exception as error:  # noqa: BLE001 (whatever a batch does, the others go on)
                _report(error)
                worked = False
            if not worked:
                await asyncio.sleep(POLL_SECONDS)

    async def work(self) -> bool:
        """Work on the batch that waits longest, for a while; return whether one was waiting."""
        held = await asyncio.to_thread(self._take)
        if held is None:
            return False
        work = asyncio.create_task(self._work_on(held))
        pause = BUSY_SECONDS
        try:
            while not (await asyncio.wait({work}, timeout=LEASE_SECONDS / 3))[0]:
                if not await asyncio.to_thread(self._hold, held):
                    break  # another server has it: nothing more is kept of it here
            else:
                pause = work.result()
        finally:
            work.cancel()
            await asyncio.wait({work})
            await gateway.keep_trying(
                lambda: asyncio.to_thread(self._leave, held, pause),
                pauses_seconds=LEAVE_PAUSES_SECONDS,
                failed=_report,
            )
        return True

    async def _work_on(self, held: Held) -> float:
        """Do what a batch needs next; return how long it should wait then."""
        if held.status == "validating":
            await asyncio.to_thread(inputs.read_in, self._database, self._settings, held)
            return 0.0
        lines: Sequence[LineRow] = []
        if held.status == "in_progress" and datetime.now(UTC) < held.expires_at:
            lines = await asyncio.to_thread(self._waiting_lines, held)
        if lines:
            return await self._answer(held, lines)
        await asyncio.to_thread(outputs.put_together, self._database, self._settings, held)
        return 0.0

    async def _answer(self, held: Held, lines: Sequence[LineRow]) -> float:
        """Have lines answered, a few at once, until one has to wait; return for how long."""
        waiting = iter(lines)
        together = min(rules.TOGETHER_MAX, len(lines))
        async with asyncio.TaskGroup() as group:
            hands = [group.create_task(self._answer_some(held, waiting)) for _ in range(together)]
        return max(hand.result() for hand in hands)

    async def _answer_some(self, held: Held, waiting: Iterator[LineRow]) -> float:
        for line in waiting:
            if self._draining:
                break
            pause = await self._answer_one(held, line)
            if pause:
                return pause
        return 0.0

    async def _answer_one(self, held: Held, line: LineRow) -> float:
        """Have a line answered; return how long to wait where it could not be now."""

        def keep(act: Act, whole: gateway.Whole) -> bool:
            return holding.keep_line(act, held, line.number, status=whole.status, body=whole.body)

        if held.is_full:
            full = BatchFull(answers_bytes_max=rules.ANSWERS_BYTES_MAX)
            await asyncio.to_thread(self._keep_refused, held, keep, full)
            return 0.0
        if not self._gateway.has_room():
            return BUSY_SECONDS

        try:
            answer = await gateway.answer_whole(
                self._gateway,
                held.actor,
                url=held.endpoint,
                body=line.text.encode(),
                request_id=rules.request_id_of(held.id, line.number),
                keep=keep,
            )
        except HunminError as error:
            if error.status in rules.PASSING:
                wait = getattr(error, "retry_after_seconds", None) or BUSY_SECONDS
                return min(wait, PAUSE_SECONDS_MAX)
            await asyncio.to_thread(self._keep_refused, held, keep, error)
            return 0.0
        try:
            await answer.finished()
            if answer.settling is not None:
                await asyncio.shield(answer.settling)
        finally:
            await answer.aclose()
        failure = answer.unread()[1]
        return BUSY_SECONDS if failure is not None and failure.status in rules.PASSING else 0.0

    def _take(self) -> Held | None:
        with open_act(self._database, SYSTEM) as act:
            return holding.take_batch(act, lease_seconds=LEASE_SECONDS)

    def _hold(self, held: Held) -> bool:
        with open_act(self._database, held.actor) as act:
            return holding.hold_batch(act, held, lease_seconds=LEASE_SECONDS)

    def _leave(self, held: Held, pause_seconds: float) -> None:
        with open_act(self._database, held.actor) as act:
            holding.leave_batch(act, held, pause_seconds=pause_seconds)

    def _keep_refused(self, held: Held, keep: Keep, error: HunminError) -> None:
        """Keep that a line was refused before anything was admitted."""
        with open_act(self._database, held.actor) as act:
            keep(act, gateway.refusal(error))

    def _waiting_lines(self, held: Held) -> Sequence[LineRow]:
        """Return the next lines; what a server that left them had begun is not charged."""
        with open_act(self._database, held.actor) as act:
            lines = queries.lines_of(act, held.id, after=0, limit=SLICE_LINES, waiting=True)
            if held.left and lines:
                ids = [rules.request_id_of(held.id, line.number) for line in lines]
                gateway.withdraw_lost(act, request_ids=ids, since=held.created_at)
            act.session.flush()
            act.session.expunge_all()
        return lines


def _report(error: Exception) -> None:
    """Say what failed and where, without the error's message: it might quote a request."""
    code = getattr(error, "code", None)
    log.error("batch failed", error=type(error).__name__, code=code, where=logs.where(error))
