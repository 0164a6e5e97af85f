"""What workers can do: handlers by name, as each room's `jobs.py` declares them."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hunmin
from hunmin.act import SYSTEM, Act, open_act
from hunmin.db import Database
from hunmin.settings import Settings

ATTEMPTS_MAX = 8
"""With the waits of `rules.retry_seconds`: about ten minutes."""


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a job, as its handler sees it."""

    id: str
    handler: str
    arguments: Mapping[str, Any]
    attempt: int
    """From 1."""
    request_id: str
    database: Database
    settings: Settings = field(default_factory=Settings)

    @contextmanager
    def act(self, *, read_only: bool = False) -> Iterator[Act]:
        """Open one transaction of the house itself. A handler may open several, one by one.

        Args:
            read_only: The act only asks. On SQLite nobody waits for it.
        """
        with open_act(
            self.database, SYSTEM, request_id=self.request_id, read_only=read_only
        ) as act:
            yield act


@dataclass(frozen=True, slots=True)
class Handler:
    """What does the jobs of one name."""

    name: str
    function: Callable[[Job], None]
    every_seconds: int | None
    attempts_max: int


class Handlers:
    """Handlers by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, Handler] = {}

    def add(
        self,
        name: str,
        function: Callable[[Job], None],
        *,
        every_seconds: int | None = None,
        attempts_max: int = ATTEMPTS_MAX,
    ) -> None:
        """Let `function` do the jobs called `name`.

        Args:
            name: By custom `room.noun.verb`, like an audit event.
            function: Takes the `Job`. It may run twice for one job, so it must do no harm then.
            every_seconds: Also do it by itself, this long after the last time.
            attempts_max: Failures after which the job is left for a person to look at; a
                periodic one goes on with its next turn.
        """
        assert name not in self._by_name, f"two handlers are called {name}"
        self._by_name[name] = Handler(name, function, every_seconds, attempts_max)

    def get(self, name: str) -> Handler | None:
        """Return the handler called `name`."""
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[Handler]:
        """Go through every handler."""
        return iter(self._by_name.values())


def find_handlers() -> Handlers:
    """Return the handlers of every room: each `jobs.py` has `register(handlers)`."""
    handlers = Handlers()
    for path in sorted(Path(str(hunmin.__file__)).parent.glob("*/jobs.py")):
        importlib.import_module(f"hunmin.{path.parent.name}.jobs").register(handlers)
    return handlers
