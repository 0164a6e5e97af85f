"""structlog, set up once: JSON for programs, colors for people, one line for each thing said.

`bound` puts the request, job and actor on every line said inside it. Lines never hold what people
write, their names or their keys: fields known to carry such things are dropped, and tracebacks
come without the values of variables.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

CONTENT_FIELDS = frozenset(
    {
        "api_key", "arguments", "authorization", "body", "completion", "content", "cookie", "delta",
        "email", "headers", "input", "key", "message", "messages", "name", "output", "password",
        "phone", "prompt", "query", "query_string", "secret", "text", "title", "token", "url",
    }
)  # fmt: skip
"""Fields that may carry a person's words, name or key. They are dropped wherever they stand."""

_QUIET = ("uvicorn.access", "alembic", "asyncio", "httpx", "markdown_it", "multipart")
"""Libraries whose everyday lines say nothing new, or say addresses that hold secrets."""


def set_up(
    *,
    format: Literal["auto", "console", "json"] = "auto",  # noqa: A002 (the name of the setting)
    level: Literal["debug", "info", "warning", "error"] = "info",
    stream: TextIO | None = None,
) -> None:
    """Say everything on `stream` (stderr by default) from now on, libraries included."""
    stream = stream or sys.stderr
    at_terminal = format == "console" or (format == "auto" and stream.isatty())
    rendered: list[Processor] = _for_people() if at_terminal else _for_programs()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        drop_content,
    ]
    # Our own lines take the short way to the stream, and not the one of the standard library: two
    # of them cost more than reading a question and writing its answer.
    structlog.configure(
        processors=[*shared, *rendered],
        logger_factory=partial(_Lines, stream),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Lines:
    """Writes lines to a stream. One that is full or closed takes nothing, and stops nobody."""

    def __init__(self, stream: TextIO, name: str = "") -> None:
        self.name = name
        self._stream = stream

    def write(self, line: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(f"{line}\n")
            self._stream.flush()

    debug = info = warning = error = critical = exception = write


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return the log of one module: `logs.get(__name__)`."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return log


@contextmanager
def bound(**facts: str | int | None) -> Iterator[None]:
    """Put `facts` (request_id, job_id, actor) on every line said inside the block."""
    with structlog.contextvars.bound_contextvars(
        **{name: value for name, value in facts.items() if value is not None}
    ):
        yield


def where(error: BaseException) -> str:
    """Return the lines of code an error came through, without its message, which may quote."""
    return "".join(traceback.format_tb(error.__traceback__))


def drop_content(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop every field that may carry somebody's words, name or key, at any depth."""
    return _without_content(event)


def _without_content(fields: EventDict) -> dict[str, Any]:
    return {
        name: _without_content(value) if isinstance(value, dict) else value
        for name, value in fields.items()
        if str(name).lower() not in CONTENT_FIELDS
    }


def _for_people() -> list[Processor]:
    return [
        structlog.dev.ConsoleRenderer(
            colors=True, exception_formatter=structlog.dev.plain_traceback
        )
    ]


def _for_programs() -> list[Processor]:
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
