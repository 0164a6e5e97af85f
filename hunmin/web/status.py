"""The page `/status`: how each part of the service is now, and since when. For anybody.

It names no address, no person and no library, and keeps nothing: what was before this process
began is not known. A background task looks every few seconds, so that "since" is true also where
nobody asks.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from typing_extensions import override

from hunmin import audit, faces, worker
from hunmin.act import SYSTEM, open_act
from hunmin.db import Database
from hunmin.errors import HunminError
from hunmin.gateway import Gateway
from hunmin.plugins import ModelCard

LOOK_SECONDS = 5.0
"""How often the parts are looked at."""

LATE = timedelta(minutes=5)
"""How long a job or a seal may be overdue before it is said to be late: both come every minute."""

PartState = Literal["ok", "starting", "late", "failed", "unknown"]
PartKind = Literal["pages", "database", "model", "jobs", "seals"]

_WORDS: dict[PartState, str] = {
    "ok": faces.mark("works"),
    "starting": faces.mark("is starting"),
    "late": faces.mark("is late"),
    "failed": faces.mark("does not work"),
    "unknown": faces.mark("not known"),
}
_NAMES: dict[PartKind, str] = {
    "pages": faces.mark("Pages"),
    "database": faces.mark("Database"),
    "model": faces.mark("Model"),
    "jobs": faces.mark("Background work"),
    "seals": faces.mark("Seals of the audit log"),
}
_SENTENCES: dict[Literal["ok", "partly", "failed"], str] = {
    "ok": faces.mark("Everything works."),
    "partly": faces.mark("Questions are answered, but not everything works."),
    "failed": faces.mark("Questions cannot be answered now."),
}

router = faces.PageRouter(tags=["service"])


class PartView(BaseModel):
    """One part of the service."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    kind: PartKind
    model: str | None
    """Which one, where it is a model."""
    state: PartState
    """`late`: work waits for more than five minutes. `unknown`: the database cannot be asked."""
    since: datetime
    """When it was first seen so, by this process."""


class StatusView(faces.View):
    """How the service is."""

    template: ClassVar[str] = "web/status.html"

    status: Literal["ok", "partly", "failed"]
    """`partly`: questions are answered, by one model at least, but not everything works."""
    parts: list[PartView]

    @override
    def values(self) -> dict[str, Any]:
        """Return the fields, and the words for them."""
        words = {"sentence": _SENTENCES[self.status], "names": _NAMES, "words": _WORDS}
        return {**super().values(), **words}


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found of one part."""

    kind: PartKind
    model: str | None
    state: PartState


class Board:
    """What is known of every part. Safe to use from many threads."""

    def __init__(self, app: FastAPI) -> None:
        self._gateway: Gateway = app.state.gateway
        self._database: Database = app.state.database
        self._looking = threading.Lock()
        self._looked_at = -LOOK_SECONDS
        self._parts: dict[tuple[PartKind, str | None], PartView] = {}

    def read(self) -> StatusView:
        """Return how the parts are; they are looked at where that is long ago."""
        is_old = time.monotonic() - self._looked_at >= LOOK_SECONDS
        if is_old and self._looking.acquire(blocking=not self._parts):
            try:
                self._look()
            finally:
                self._looking.release()
        parts = list(self._parts.values())
        return StatusView(status=_sum(parts), parts=parts)

    def _look(self) -> None:
        now = datetime.now(UTC)
        parts: dict[tuple[PartKind, str | None], PartView] = {}
        for found in self._found(now):
            before = self._parts.get((found.kind, found.model))
            same = before is not None and before.state == found.state
            parts[found.kind, found.model] = PartView(
                kind=found.kind,
                model=found.model,
                state=found.state,
                since=before.since if before is not None and same else now,
            )
        self._parts = parts
        self._looked_at = time.monotonic()

    def _found(self, now: datetime) -> Iterator[_Found]:
        yield _Found("pages", None, "ok")  # or nobody would read this
        for card in self._gateway.models():
            yield _Found("model", card.id, self._state_of(card))
        try:
            with open_act(self._database, SYSTEM, request_id="status", read_only=True) as act:
                job_at = worker.read_due(act).oldest_at
                event_at = audit.read_unsealed(act).oldest_at
        except HunminError:
            yield _Found("database", None, "failed")
            yield _Found("jobs", None, "unknown")
            yield _Found("seals", None, "unknown")
            return
        yield _Found("database", None, "ok")
        yield _Found("jobs", None, _timeliness(job_at, now))
        yield _Found("seals", None, _timeliness(event_at, now))

    def _state_of(self, card: ModelCard) -> PartState:
        if self._gateway.can_answer(card.id):
            return "ok"
        not_begun = card.state == "ready" and self._gateway.state() == "starting"
        return "starting" if card.state == "starting" or not_begun else "failed"


def _timeliness(waits_since: datetime | None, now: datetime) -> PartState:
    return "late" if waits_since is not None and now - waits_since > LATE else "ok"


def _sum(parts: list[PartView]) -> Literal["ok", "partly", "failed"]:
    if all(part.state == "ok" for part in parts):
        return "ok"
    answers = any(part.kind == "model" and part.state == "ok" for part in parts)
    stands = all(part.state != "failed" for part in parts if part.kind == "database")
    return "partly" if answers and stands else "failed"


async def keep_looking(board: Board) -> None:
    """Look at every part every few seconds, until canceled."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await asyncio.to_thread(board.read)


@router.get("/status")
def status(request: Request) -> StatusView:
    """Show how each part of the service is, and since when."""
    board: Board = request.app.state.status_board
    return board.read()
