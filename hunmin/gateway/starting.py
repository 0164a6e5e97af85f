"""Start: the gateway begins to answer, whatever is away at first, beside everything else.

What a crashed process of this machine left open is closed, which needs the database and is tried
until it is there; then the engine is started. Left out: what is answered afterwards (`service`).
"""

import asyncio
import os
import secrets
import socket
from itertools import chain, repeat

from hunmin import logs
from hunmin.act import SYSTEM, open_act
from hunmin.db import Database
from hunmin.errors import HunminError
from hunmin.gateway import actions, queries
from hunmin.gateway.retrying import keep_trying
from hunmin.plugins import Engine

log = logs.get(__name__)

PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""How long starting waits between tries while the database is away; the last one for ever."""


class Start:
    """The start of a gateway, once."""

    def __init__(self, engine: Engine, database: Database) -> None:
        """Note what is to be started; `launch` begins."""
        self._engine = engine
        self._database = database
        self._task: asyncio.Task[None] | None = None
        self._failure: HunminError | None = None

    @property
    def has_ended(self) -> bool:
        """Return whether everything that starts has started, or failed."""
        return self._task is not None and self._task.done()

    def launch(self) -> None:
        """Begin, in a task of its own."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def ended(self) -> None:
        """Return when the engine has started, with all models or some.

        Raises:
            HunminError: None of its models could be started; what can be tried again, is.
        """
        assert self._task is not None, "it was launched"
        await asyncio.shield(self._task)
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        """Give up what has not started yet."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        await keep_trying(
            lambda: asyncio.to_thread(self._close_orphans),
            pauses_seconds=chain(PAUSES_SECONDS, repeat(PAUSES_SECONDS[-1])),
            failed=_report_no_database,
        )
        try:
            await self._engine.start()
        except HunminError as failure:
            log.exception("engine did not start", code=failure.code)
            self._failure = failure

    def _close_orphans(self) -> None:
        """Close what a crashed process of this machine left open, so it holds nobody's place."""
        with open_act(self._database, SYSTEM, request_id="gateway-start", language="en") as act:
            gone = [server for server in queries.open_servers(act) if _is_gone(server)]
            lost = actions.close_lost(act, gone_servers=gone)
        if lost:
            log.warning("answers of a stopped server were closed as lost", count=lost)


def name_of_server() -> str:
    """Return a name for this process that tells later whether it has ended."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"


def _report_no_database(error: Exception) -> None:
    code = getattr(error, "code", None)
    log.error("not started yet", error=type(error).__qualname__, code=code, where=logs.where(error))


def _is_gone(server: str) -> bool:
    """Return whether a process of this machine has ended; False where that cannot be known."""
    host, _, rest = server.partition("/")
    pid = rest.partition("/")[0]
    if host != socket.gethostname() or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return True  # an earlier process had the number this one has now
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # it runs as somebody else
    return False
