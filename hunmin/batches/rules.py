"""What a batch may be, and what a line of its file must look like. Pure."""

import json
from collections.abc import Container
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from hunmin.actor import Actor
from hunmin.errors import InvalidRequest, TooManyBatches, TooManyFiles

Status = Literal[
    "validating",
    "failed",
    "in_progress",
    "finalizing",
    "completed",
    "expired",
    "cancelling",
    "cancelled",
]
"""As OpenAI names them."""

OPEN: tuple[Status, ...] = ("validating", "in_progress", "finalizing", "cancelling")
"""Where something is still to be done."""

WINDOW = timedelta(hours=24)

FILE_BYTES_MAX = 100 * 2**20
"""The largest file that is taken."""

ANSWERS_BYTES_MAX = 2**30
"""Bytes of the answers of one batch, which a program could make a hundred times as long as what it
asks. They lie in the database, and three times on the disk while they are put together."""
FILES_MAX = 500
"""Files a project, or an account without one, may have."""
LINES_MAX = 50_000
"""Requests in one batch."""
OPEN_MAX = 20
"""Batches of one project or account that have not ended."""
KEPT_DAYS = 30
"""How long files, and batches that have ended, are kept."""
TOGETHER_MAX = 4
"""Lines that are answered at once."""

CUSTOM_ID_CHARACTERS_MAX = 512
FAULTS_MAX = 50
"""Of more lines than these it is not told what is wrong with them."""

TRIES_MAX = 5
"""How often a line is asked where the engine fails; then the failure is its answer."""

SUCCESSES_BELOW = 400
"""What HTTP calls a success is below."""
PASSING = frozenset({408, 429, 502, 503, 504, 507})
"""What may be otherwise in a moment."""


@dataclass(frozen=True, slots=True)
class Line:
    """One request of a file."""

    custom_id: str
    body: str
    """JSON."""


class LineWrong(ValueError):
    """A line is no request of a batch. It names the field and quotes nothing."""

    def __init__(self, code: str, param: str | None, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


def owner_of(actor: Actor) -> str:
    """Return whom a key's files and batches belong to: its project, else its account."""
    owner = actor.project_id or actor.user_id
    assert owner is not None, "a key belongs to an account"
    return owner


def check_files(count: int) -> None:
    """Raise `TooManyFiles` where one more file would be too many."""
    if count >= FILES_MAX:
        raise TooManyFiles(files_max=FILES_MAX)


def check_batches(count: int) -> None:
    """Raise `TooManyBatches` where one more open batch would be too many."""
    if count >= OPEN_MAX:
        raise TooManyBatches(open_max=OPEN_MAX)


def check_endpoint(endpoint: str, known: Container[str]) -> None:
    """Raise `InvalidRequest` where no batch can be asked there."""
    if endpoint not in known:
        raise InvalidRequest(
            param="endpoint",
            reason_en="no batch can be answered there; the guide to the API lists the addresses",
            reason_ko="배치로 쓸 수 없는 주소입니다. 쓸 수 있는 주소는 API 안내서에 있습니다",
        )


def read_line(text: bytes, *, endpoint: str, known: Container[str]) -> Line:
    """Return the request of a line.

    Args:
        text: The line, without its end.
        endpoint: Where the batch asks.
        known: The custom ids of the lines before it.

    Raises:
        LineWrong: It is none.
    """
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise LineWrong("invalid_json_line", None, "The line is not JSON.") from None
    if not isinstance(told, dict):
        raise LineWrong("invalid_json_line", None, "The line is not a JSON object.")
    custom_id, body = told.get("custom_id"), told.get("body")
    if not isinstance(custom_id, str) or not 0 < len(custom_id) <= CUSTOM_ID_CHARACTERS_MAX:
        raise LineWrong("missing_required_parameter", "custom_id", "It needs a custom_id, a text.")
    if not _is_text(custom_id):
        raise LineWrong("invalid_value", "custom_id", "The custom_id is not Unicode.")
    if custom_id in known:
        raise LineWrong("duplicate_custom_id", "custom_id", "The custom_id was there before.")
    if told.get("method") != "POST":
        raise LineWrong("invalid_method", "method", "The method must be POST.")
    if told.get("url") != endpoint:
        raise LineWrong("mismatched_url", "url", "The url must be the endpoint of the batch.")
    if not isinstance(body, dict):
        raise LineWrong("missing_required_parameter", "body", "It needs a body, an object.")
    return Line(custom_id, json.dumps(body))


def output_line(*, batch_id: str, number: int, custom_id: str, status: int, body: str) -> bytes:
    """Return what a line came to, as a line of the output."""
    request_id = request_id_of(batch_id, number)
    response = {"status_code": status, "request_id": request_id, "body": json.loads(body)}
    return _line(request_id, custom_id, response, None)


def unanswered_line(*, batch_id: str, number: int, custom_id: str, code: str) -> bytes:
    """Return a line of the errors for a request that was not answered in time."""
    error = {"code": code, "message": "The batch ended before this request was answered."}
    return _line(request_id_of(batch_id, number), custom_id, None, error)


def request_id_of(batch_id: str, number: int) -> str:
    """Return what binds the records of a line together."""
    return f"{batch_id}-{number}"


def _line(
    request_id: str, custom_id: str, response: dict[str, Any] | None, error: dict[str, str] | None
) -> bytes:
    told = {"id": request_id, "custom_id": custom_id, "response": response, "error": error}
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"


def _is_text(characters: str) -> bool:
    """Whether they can be kept: half a character, as JSON may escape one, or U+0000 cannot."""
    try:
        characters.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in characters
