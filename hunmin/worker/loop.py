"""One worker: it looks for due jobs and does them one by one, until told to stop."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from hunmin import logs
from hunmin.db import Database, new_id
from hunmin.errors import HunminError
from hunmin.settings import Settings
from hunmin.worker import queue
from hunmin.worker.handlers import Handlers, Job
from hunmin.worker.tables import JobRow

_log = logs.get(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Worker:
    """Does jobs. Several may work on one database, in any number of processes."""

    def __init__(
        self,
        database: Database,
        handlers: Handlers,
        *,
        settings: Settings | None = None,
        poll_seconds: float = 1.0,
        lease_seconds: int = 60,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.id = new_id()
        self._database = database
        self._handlers = handlers
        self._settings = settings or Settings()
        self._poll_seconds = poll_seconds
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Work in a thread of its own, until `stop`."""
        self._thread = threading.Thread(target=self.run, name="hunmin-worker", daemon=True)
        self._thread.start()

    def stop(self, *, wait_seconds: float = 10.0) -> None:
        """Take no further job, and wait for the one at hand.

        One that takes longer is done again by another worker when its lease ends.
        """
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(wait_seconds)
            self._thread = None

    def run(self) -> None:
        """Do jobs until `stop` is called. A database that is away is waited for."""
        scheduled = False
        _log.info("the worker is ready", worker_id=self.id)
        while not self._stopping.is_set():
            try:
                if not scheduled:
                    self.schedule()
                    scheduled = True
                worked = self.run_once()
            except HunminError as error:
                _log.warning("the worker cannot reach its jobs", code=error.code)
                worked = False
            except Exception as error:  # noqa: BLE001 (without its worker a house does no job)
                _log.error(
                    "the worker stumbled", error=type(error).__name__, where=logs.where(error)
                )
                worked = False
            if not worked:
                self._stopping.wait(self._poll_seconds)

    def schedule(self) -> None:
        """Make the jobs of periodic handlers, where they are not there yet."""
        for handler in self._handlers:
            if handler.every_seconds is not None:
                with self._database.session() as session:
                    queue.ensure_periodic(session, handler, now=self._clock())

    def run_once(self) -> bool:
        """Do one job; return whether there was one."""
        with self._database.session(read_only=True) as session:
            if not queue.anything_due(session, now=self._clock()):
                return False
        with self._database.session() as session:
            row = queue.claim(
                session, worker_id=self.id, now=self._clock(), lease_seconds=self._lease_seconds
            )
        if row is None:
            return False
        with logs.bound(job_id=row.id, handler=row.handler, request_id=row.request_id):
            self._do(row)
        return True

    def _do(self, row: JobRow) -> None:
        started = time.monotonic()
        job = Job(
            id=row.id,
            handler=row.handler,
            arguments=row.arguments,
            attempt=row.attempts,
            request_id=row.request_id,
            database=self._database,
            settings=self._settings,
        )
        error_code = None
        with _Heartbeat(self._renew, row, every_seconds=self._lease_seconds / 3):
            handler = self._handlers.get(row.handler)
            if handler is None:
                error_code = "handler_unknown"
            else:
                try:
                    handler.function(job)
                except HunminError as error:
                    error_code = error.code
                except Exception as error:  # noqa: BLE001 (a fault in one job must not end the worker)
                    error_code = type(error).__name__
                    _log.exception("a job broke")
        now = self._clock()
        with self._database.session() as session:
            if error_code is None:
                kept = queue.finish(session, row, now=now)
            else:
                kept = queue.fail(session, row, error_code=error_code, now=now)
        wall_ms = round((time.monotonic() - started) * 1000)
        if not kept:
            _log.warning("a job outlived its lease", wall_ms=wall_ms)
        elif error_code is None:
            _log.info("a job is done", wall_ms=wall_ms)
        else:
            _log.warning("a job failed", wall_ms=wall_ms, code=error_code, attempt=row.attempts)

    def _renew(self, row: JobRow) -> None:
        try:
            with self._database.session() as session:
                queue.renew(session, row, now=self._clock(), lease_seconds=self._lease_seconds)
        except HunminError as error:
            _log.warning("a sign of life was not given", code=error.code)


class _Heartbeat:
    """Renews a lease from a thread of its own while the block runs."""

    def __init__(
        self, renew: Callable[[JobRow], None], row: JobRow, *, every_seconds: float
    ) -> None:
        self._over = threading.Event()
        self._renew = renew
        self._row = row
        self._every_seconds = every_seconds
        self._thread = threading.Thread(target=self._beat, name="hunmin-lease", daemon=True)

    def _beat(self) -> None:
        while not self._over.wait(self._every_seconds):
            self._renew(self._row)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
