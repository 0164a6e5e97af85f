"""structlog, set up once: JSON for programs, colors for people, one line for each thing said.

`bound` puts the request, job and actor on every line said inside it. Lines never hold what people
write, their names or their keys: fields known to carry such things are dropped, and tracebacks
come without the values of variables.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
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
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        drop_content,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(_for_people() if at_terminal else _for_programs()),
            ],
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


def get(name: str) -> structlog.stdlib.BoundLogger:
    """Return the log of one module: `logs.get(__name__)`."""
    log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
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
