"""What may stand in an event, and how events are chained. Pure: no clock, no database."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hunmin.audit.kinds import KINDS
from hunmin.errors import EventHoldsContent, UnknownEventKind

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")
"""An id, a hash, a model name, a short word of the program: no spaces, no Hangul, no sentences."""

GENESIS = hashlib.sha256(b"hunmin audit log").hexdigest()
"""The seal before the first."""

SEES_ALL = ("administrator", "auditor")
"""The roles that may read everyone's events."""


def check_kind(kind: str) -> None:
    """Raise `UnknownEventKind` unless `kind` is in the vocabulary."""
    if kind not in KINDS:
        raise UnknownEventKind(kind=kind)


def check_details(kind: str, details: Mapping[str, object]) -> None:
    """Raise `EventHoldsContent` where a value could hold what somebody wrote."""
    for name, value in details.items():
        if value is None or isinstance(value, bool | int):
            continue
        if isinstance(value, str) and is_word(value):
            continue
        raise EventHoldsContent(kind=kind, name=name)


def is_word(text: str) -> bool:
    """Return whether a text may stand in an event: an id or a short word, never a sentence."""
    return _WORD.fullmatch(text) is not None


def event_bytes(event: Mapping[str, Any]) -> bytes:
    """Return the one way to write an event down, to be hashed.

    Args:
        event: Its columns; the moment `at` is aware.
    """
    at: datetime = event["at"]
    plain = {**event, "at": at.astimezone(UTC).isoformat(timespec="microseconds")}
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def seal(before: str, event: Mapping[str, Any]) -> str:
    """Return the seal of an event that follows the seal `before`."""
    return hashlib.sha256(bytes.fromhex(before) + event_bytes(event)).hexdigest()
