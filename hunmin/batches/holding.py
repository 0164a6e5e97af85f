"""How a batch goes from server to server, and its lines from waiting to answered.

Mechanics between two deeds: what anybody did, and how it ended, is in `actions` with its event; a
line that is answered has that of its settlement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import delete, insert, select, update

from hunmin import gateway
from hunmin.act import Act, Actor
from hunmin.batches import rules
from hunmin.batches.rules import Line
from hunmin.batches.tables import BatchRow, FileRow, LineRow
from hunmin.db import new_id
from hunmin.errors import BatchFull

Purpose = Literal["batch", "batch_output"]

ANSWERS_BYTES = "answers_bytes"
"""Where a batch is told how long its answers are."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A file as it came, and where its bytes will be."""

    id: str
    name: str
    size_bytes: int
    blob_sha256: str


@dataclass(frozen=True, slots=True)
class Held:
    """A batch that a server works on."""

    id: str
    lease: str
    status: rules.Status
    actor: Actor
    endpoint: str
    input_file_id: str
    created_at: datetime
    expires_at: datetime
    is_full: bool
    """Whether its answers are as long as they may be."""
    left: bool
    """Whether a server left it without giving it back: what it had begun comes anew."""


def note_file(
    act: Act, brought: Brought, *, purpose: Purpose, owner: str, user_id: str | None = None
) -> None:
    """Note a file whose bytes are on their way to the store."""
    act.session.add(
        FileRow(
            id=brought.id,
            owner=owner,
            user_id=user_id or act.actor.user_id,
            purpose=purpose,
            name=brought.name,
            size_bytes=brought.size_bytes,
            blob_sha256=brought.blob_sha256,
            state="coming",
            made_at=act.now,
        )
    )


def have_file(act: Act, file_id: str) -> None:
    """Note that the bytes of a file are in the store."""
    act.session.execute(update(FileRow).where(FileRow.id == file_id).values(state="processed"))


def note_output(act: Act, batch: BatchRow, brought: Brought) -> None:
    """Note a file of answers whose bytes are on their way to the store. Twice does no harm."""
    known = act.session.get(FileRow, brought.id)
    if known is None:
        note_file(act, brought, purpose="batch_output", owner=batch.owner, user_id=batch.user_id)
    else:
        known.blob_sha256, known.size_bytes = brought.blob_sha256, brought.size_bytes


def take_batch(act: Act, *, lease_seconds: float) -> Held | None:
    """Take the batch that waits longest, for a while; None where none waits."""
    row = act.session.scalar(
        select(BatchRow)
        .where(BatchRow.status.in_(rules.OPEN), BatchRow.due_at <= act.now)
        .order_by(BatchRow.due_at, BatchRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if row is None:
        return None
    held = Held(
        id=row.id,
        lease=new_id(),
        status=row.status,
        actor=_actor_of(row.actor),
        endpoint=row.endpoint,
        input_file_id=row.input_file_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        is_full=_answers_bytes(row) >= rules.ANSWERS_BYTES_MAX,
        left=row.lease is not None,
    )
    row.lease, row.due_at = held.lease, act.now + timedelta(seconds=lease_seconds)
    return held


def hold_batch(act: Act, held: Held, *, lease_seconds: float) -> bool:
    """Go on holding a batch; False where it was taken by another server meanwhile."""
    until = act.now + timedelta(seconds=lease_seconds)
    holding = update(BatchRow).where(*mine(held)).values(due_at=until)
    return act.session.scalar(holding.returning(BatchRow.id)) is not None


def holds(act: Act, held: Held) -> bool:
    """Return whether this server still has a batch; then nobody takes it before the act ends."""
    found = select(BatchRow.id).where(*mine(held)).with_for_update()
    return act.session.scalar(found) is not None


def leave_batch(act: Act, held: Held, *, pause_seconds: float) -> None:
    """Give a batch back; it is not taken again before a pause."""
    due = act.now + timedelta(seconds=pause_seconds)
    act.session.execute(update(BatchRow).where(*mine(held)).values(lease=None, due_at=due))


def forget_lines(act: Act, held: Held) -> None:
    """Forget the lines of a batch that a server began to read and left."""
    act.session.execute(delete(LineRow).where(LineRow.batch_id == held.id))


def add_lines(act: Act, held: Held, lines: Sequence[tuple[int, Line]]) -> None:
    """Add lines with their numbers."""
    act.session.execute(
        insert(LineRow),
        [
            {
                "batch_id": held.id,
                "number": number,
                "custom_id": line.custom_id,
                "text": line.body,
                "tries": 0,
            }
            for number, line in lines
        ],
    )


def begin_batch(act: Act, held: Held, *, total: int) -> None:
    """Let the lines of a batch be answered, unless it was canceled meanwhile."""
    begun = update(BatchRow).where(*mine(held), BatchRow.status == "validating")
    act.session.execute(begun.values(status="in_progress", began_at=act.now, total=total))


def keep_line(act: Act, held: Held, number: int, *, status: int, body: str) -> bool:
    """Keep what a line came to, or return False where that is not what it came to.

    So it is where another server holds the batch by now, where the engine failed and the line is
    asked again, and where the answer is one too many: then the line is refused.
    """
    batch = act.session.scalar(select(BatchRow).where(*mine(held)).with_for_update())
    line = act.session.get(LineRow, (held.id, number))
    if batch is None or line is None or line.status is not None:
        return False
    line.tries += 1
    if status in rules.PASSING and line.tries < rules.TRIES_MAX:
        return False
    is_answer = status < rules.SUCCESSES_BELOW
    size = _answers_bytes(batch) + (len(body.encode()) if is_answer else 0)
    if size > rules.ANSWERS_BYTES_MAX:
        full = gateway.refusal(BatchFull(answers_bytes_max=rules.ANSWERS_BYTES_MAX))
        line.status, line.text = full.status, full.body
        batch.failed += 1
        batch.told = {**batch.told, ANSWERS_BYTES: rules.ANSWERS_BYTES_MAX}
        return False
    line.status, line.text = status, body
    batch.completed += is_answer
    batch.failed += not is_answer
    batch.told = {**batch.told, ANSWERS_BYTES: size}
    return True


def finalize_batch(act: Act, held: Held) -> BatchRow | None:
    """Begin to put the answers of a batch together; nothing is asked any more."""
    row = act.session.scalar(select(BatchRow).where(*mine(held)))
    if row is None:
        return None
    if row.finalizing_at is None:
        row.finalizing_at = act.now
        row.output_file_id, row.error_file_id = new_id(), new_id()
        if row.status == "in_progress":
            row.status = "finalizing"
    act.session.flush()
    act.session.expunge(row)
    return row


def mine(held: Held) -> tuple[Any, ...]:
    """Narrow a query to a batch, if this server still holds it."""
    return BatchRow.id == held.id, BatchRow.lease == held.lease


def _answers_bytes(batch: BatchRow) -> int:
    """Return how long the answers of a batch are altogether."""
    size: int = batch.told.get(ANSWERS_BYTES, 0)
    return size


def _actor_of(told: dict[str, Any]) -> Actor:
    models = told["models"]
    return Actor(
        user_id=told["user_id"],
        roles=frozenset(told["roles"]),
        kind=told["kind"],
        key_id=told["key_id"],
        organization_id=told["organization_id"],
        project_id=told["project_id"],
        scopes=frozenset(told["scopes"]),
        models=None if models is None else frozenset(models),
    )
