"""From the file of a batch to its lines: read twice, first to check all of it, then to keep it."""

from collections.abc import Iterator
from itertools import islice

from hunmin.act import open_act
from hunmin.batches import actions, holding, queries, rules, store
from hunmin.batches.holding import Held
from hunmin.batches.rules import LineWrong
from hunmin.batches.wire import Fault
from hunmin.db import Database
from hunmin.errors import BlobBroken, BlobMissing, FileNotFound
from hunmin.settings import Settings

TOGETHER_LINES = 500
"""Lines that are kept in one transaction."""

AROUND_BYTES = 64 * 1024
"""What a line says around a request, at most."""


def read_in(database: Database, settings: Settings, held: Held) -> None:
    """Let the lines of a batch be answered, or end it with what is wrong with its file.

    A file that was read half, by a server that was killed, is read anew. A server that was slow,
    so that another has the batch by now, changes nothing of it any more.
    """
    faults, total = _check(database, settings, held)
    if faults:
        with open_act(database, held.actor) as act:
            actions.fail_batch(act, held, faults)
        return
    with open_act(database, held.actor) as act:
        if not holding.holds(act, held):
            return
        holding.forget_lines(act, held)
    lines = (
        (number, rules.read_line(text, endpoint=held.endpoint, known=()))
        for number, text in _lines(database, settings, held)
    )
    while together := list(islice(lines, TOGETHER_LINES)):
        with open_act(database, held.actor) as act:
            if not holding.holds(act, held):
                return
            holding.add_lines(act, held, together)
    with open_act(database, held.actor) as act:
        holding.begin_batch(act, held, total=total)


def _check(database: Database, settings: Settings, held: Held) -> tuple[list[Fault], int]:
    """Return what is wrong with a file, and how many requests it has."""
    known: set[str] = set()
    faults: list[Fault] = []
    number = None
    try:
        for number, text in _lines(database, settings, held):
            try:
                known.add(rules.read_line(text, endpoint=held.endpoint, known=known).custom_id)
            except LineWrong as wrong:
                faults.append(_fault(wrong.code, str(wrong), param=wrong.param, line=number))
            if len(known) > rules.LINES_MAX:
                told = f"A batch may have {rules.LINES_MAX} requests."
                return [_fault("too_many_lines", told)], 0
            if len(faults) == rules.FAULTS_MAX:
                break
    except (FileNotFound, BlobMissing, BlobBroken):
        return [_fault("file_unreadable", "The file is not there any more.")], 0
    except ValueError:
        return [_fault("line_too_long", "A line is longer than any request.", line=number)], 0
    if not known and not faults:
        return [_fault("empty_file", "The file has no requests.")], 0
    return faults, len(known)


def _lines(database: Database, settings: Settings, held: Held) -> Iterator[tuple[int, bytes]]:
    """Give the lines of a file that say something, with their numbers."""
    with open_act(database, held.actor, read_only=True) as act:
        sha256 = queries.file_row(act, held.input_file_id).blob_sha256
    pieces = store.read(store.open_store(settings), file_id=held.input_file_id, sha256=sha256)
    longest = settings.gateway.request_bytes_max + AROUND_BYTES
    for number, text in enumerate(store.lines(pieces, bytes_max=longest), start=1):
        if text.strip():
            yield number, text


def _fault(code: str, message: str, *, param: str | None = None, line: int | None = None) -> Fault:
    return Fault(code=code, message=message, param=param, line=line)
