"""What may stand in an event. Pure: no clock, database, network or settings."""

import re
from collections.abc import Mapping

from hunmin.audit.kinds import Kind
from hunmin.errors import EventHoldsContent, UnknownEventKind

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")
"""An id, a hash, a model name, a short word of the program: no spaces, no Hangul, no sentences."""


def check_kind(kind: str) -> None:
    """Raise `UnknownEventKind` unless `kind` is in the vocabulary."""
    try:
        Kind(kind)
    except ValueError as error:
        raise UnknownEventKind(kind=kind) from error


def check_details(kind: str, details: Mapping[str, object]) -> None:
    """Raise `EventHoldsContent` where a value could hold what somebody wrote."""
    for name, value in details.items():
        if value is None or isinstance(value, bool | int):
            continue
        if isinstance(value, str) and _WORD.fullmatch(value):
            continue
        raise EventHoldsContent(kind=kind, name=name)
