"""Answer: one answer on its way. A task of its own admits it, writes it and settles it.

So a slow or vanished reader neither holds the engine's place nor leaves an admission without its
settlement, and stopping cuts neither of the two short. Knows the engine, not the database: how to
admit and settle is handed in by the gateway.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Self

from hunmin import logs
from hunmin.act import Act
from hunmin.errors import AnswerTimedOut, EngineUnavailable, HunminError
from hunmin.gateway.actions import Meter, Outcome
from hunmin.gateway.retrying import keep_trying
from hunmin.plugins import Delta, Engine, FinishReason, Generation

log = logs.get(__name__)

ENGINE_CLOSE_SECONDS = 10
"""How long an engine may take to stop one stream before it is left to itself."""

SETTLE_PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""How long to wait between tries to settle an answer while the database is away."""


Admit = Callable[[Callable[[str], None]], Awaitable[str]]
"""Lets an answer in and returns its admission's id, noted before the database says it has it."""

Keep = Callable[["Answer", Act], bool]
"""Keeps what an answer came to, in the transaction that settles it; False: it is not charged."""


class Answer(AsyncIterator[Delta]):
    """An answer being written. Iterate for its pieces; `aclose` stops it. See `Gateway.open`.

    Waiting for the next piece may be canceled and tried again: nothing is lost.
    """

    def __init__(
        self,
        engine: Engine,
        generation: Generation,
        *,
        prompt_tokens: int,
        seconds_max: int,
        admit: Admit,
        settle: Callable[[str, Meter], Awaitable[None]],
        headers: dict[str, str] | None = None,
    ) -> None:
        self.generation = generation
        self.headers: dict[str, str] = {} if headers is None else headers
        """What HTTP tells of how much is left, filled in when it is admitted."""
        self.created_at = int(time.time())
        """Unix seconds."""
        self.last = Delta(text="", prompt_tokens=prompt_tokens)
        """The newest piece written, with the token counts so far."""
        self.admission_id = ""
        self.settling: asyncio.Task[None] | None = None
        """What goes on after the end where settling failed at first: the database may be away."""
        self._engine = engine
        self._seconds_max = seconds_max
        self._admit = admit
        self._settle = settle
        self._first_token_ms: int | None = None
        self._began = time.monotonic()
        self._admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pieces: deque[Delta] = deque()
        self._pulse = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._streaming = False
        self._stopped = False
        self._reason: HunminError | None = None
        self._failure: HunminError | None = None
        self._ended = False

    @property
    def has_begun(self) -> bool:
        """Return whether it has spoken."""
        return self._first_token_ms is not None

    @property
    def elapsed_seconds(self) -> float:
        """Return how long ago it was begun."""
        return time.monotonic() - self._began

    def begin(self) -> asyncio.Task[None]:
        """Begin writing; the task ends when the answer is settled, or was refused.

        Where the database is away, `settling` goes on after it.
        """
        assert self._task is None, "an answer begins once"
        self._task = asyncio.create_task(self._write())
        return self._task

    async def admitted(self) -> None:
        """Return when the answer was let in; a wait that is canceled stops it.

        Raises:
            HunminError: It was not let in.
        """
        try:
            await asyncio.shield(self._admitted)
        except asyncio.CancelledError:
            self.stop()
            raise

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> Delta:
        """Return the next piece.

        Raises:
            HunminError: The engine failed, the answer took too long, or the server is stopping.
        """
        await self._wait()
        if not self._pieces:
            raise StopAsyncIteration
        return self._pieces.popleft()

    async def batch(self) -> list[Delta]:
        """Return every piece there is, waiting for one; none at the end. Raises as `anext`."""
        await self._wait()
        pieces = list(self._pieces)
        self._pieces.clear()
        return pieces

    def unread(self) -> tuple[list[Delta], HunminError | None]:
        """Return the pieces nobody has read, and why the answer failed, if it did."""
        return list(self._pieces), self._failure

    async def finished(self) -> None:
        """Return when nothing more is written; a wait that is canceled stops nothing."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _wait(self) -> None:
        """Return when there is a piece or the end; raise a failure when all pieces are read."""
        while not self._pieces and not self._ended:
            self._pulse.clear()
            await self._pulse.wait()
        if not self._pieces and self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def stop(self, reason: HunminError | None = None) -> None:
        """Stop writing, which frees the engine's place. Whoever still reads is told `reason`."""
        if self._stopped:
            return
        self._stopped, self._reason = True, reason
        if self._streaming and self._task is not None:
            self._task.cancel()

    async def aclose(self) -> None:
        """Stop, and return when it is settled, or left to `settling`."""
        self.stop()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _write(self) -> None:
        """Admit, stream and settle, come what may."""
        try:
            self.admission_id = await self._admit(self._note_admission)
        except Exception as refusal:  # noqa: BLE001 (handed on to whoever opens the answer)
            if self.admission_id:  # the database went away, and may have let it in before that
                nothing = Meter("canceled", 0, 0, 0, None, self._elapsed_ms())
                self.settling = asyncio.create_task(self._settle_later(nothing))
            self._admitted.set_exception(refusal)
            self._admitted.exception()  # seen, also where nobody waits any more
            return
        self._admitted.set_result(None)
        outcome, failure = await self._stream()
        self._failure = failure
        meter = Meter(
            outcome=outcome,
            prompt_tokens=self.last.prompt_tokens,
            completion_tokens=self.last.completion_tokens,
            cached_tokens=self.last.cached_tokens,
            first_token_ms=self._first_token_ms,
            wall_ms=self._elapsed_ms(),
            error_code=failure.code if failure else None,
        )
        try:
            await self._settle(self.admission_id, meter)
        except Exception as error:  # noqa: BLE001 (whatever it is, readers are told the end)
            self._report("answer not settled yet", error)
            self.settling = asyncio.create_task(self._settle_later(meter))
        self._ended = True
        self._pulse.set()

    def _note_admission(self, admission_id: str) -> None:
        self.admission_id = admission_id

    async def _settle_later(self, meter: Meter) -> None:
        """Try to settle for a minute; past that, the deadline closes the answer as lost.

        Then it counts with the tokens of its prompt and none of its own.
        """
        first, *later = SETTLE_PAUSES_SECONDS
        await asyncio.sleep(first)
        failure = await keep_trying(
            lambda: self._settle(self.admission_id, meter),
            pauses_seconds=later,
            failed=lambda error: self._report("answer not settled yet", error),
        )
        if failure is not None:
            self._report("answer not settled", failure)

    async def _stream(self) -> tuple[Outcome, HunminError | None]:
        """Hand on what the engine writes; return how it ended and what to tell the reader."""
        pieces: AsyncIterator[Delta] | None = None
        clock = asyncio.timeout(self._seconds_max)
        self._streaming = True
        try:
            if not self._stopped:
                async with clock:
                    pieces = self._engine.stream(self.generation)
                    async for delta in pieces:
                        self._hand_on(delta)
                        if delta.finish_reason is not None:
                            return _outcome(delta.finish_reason), None
        except asyncio.CancelledError:
            pass  # by `stop`, the only one who knows this task
        except HunminError as failure:
            return "failed", failure
        except Exception as error:  # noqa: BLE001 (whatever an engine raises, the answer is settled)
            if clock.expired():
                return "failed", AnswerTimedOut(seconds=self._seconds_max)
            self._report("engine failed", error)
        finally:
            self._streaming = False
            await _close(pieces)
        if self._stopped:
            return "canceled", self._reason
        return "failed", EngineUnavailable()

    def _hand_on(self, delta: Delta) -> None:
        if self._first_token_ms is None and (delta.text or delta.calls):
            self._first_token_ms = self._elapsed_ms()
        if not delta.prompt_tokens:  # some engines count the prompt only at the end
            delta = replace(delta, prompt_tokens=self.last.prompt_tokens)
        self.last = delta
        self._pieces.append(delta)
        self._pulse.set()

    def _report(self, event: str, error: Exception) -> None:
        """Say what failed and where, without the error's message: it might quote the prompt."""
        log.error(
            event,
            request_id=self.generation.request_id,
            error=type(error).__qualname__,
            code=getattr(error, "code", None),
            where=logs.where(error),
        )

    def _elapsed_ms(self) -> int:
        return int(self.elapsed_seconds * 1000)


def _outcome(reason: FinishReason) -> Outcome:
    """Return how an answer ended, as records say it: one that calls tools ended by itself."""
    return "length" if reason == "length" else "stop"


async def _close(pieces: AsyncIterator[Delta] | None) -> None:
    """Close an engine's stream, which frees its place; one that does not close is left alone."""
    aclose = getattr(pieces, "aclose", None)
    if aclose is None:
        return
    with suppress(Exception):
        async with asyncio.timeout(ENGINE_CLOSE_SECONDS):
            await aclose()
