"""Everything that can be done to files and batches. Each leaves its event, without words."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select

from hunmin import audit
from hunmin.act import Act, Actor
from hunmin.batches import holding, queries, rules
from hunmin.batches.holding import Brought, Held
from hunmin.batches.tables import BatchRow, FileRow
from hunmin.batches.wire import BatchObject, Fault
from hunmin.db import new_id
from hunmin.errors import BatchEnded, FileInUse

COMING_HOURS = 24
"""A file whose bytes have not come for so long never will."""


def bring_file(act: Act, brought: Brought) -> None:
    """Note a file whose bytes are on their way to the store.

    Raises:
        TooManyFiles: The project or account has as many as it may.
    """
    rules.check_files(queries.count_files(act))
    holding.note_file(act, brought, purpose="batch", owner=rules.owner_of(act.actor))
    audit.record(act, "batches.file.bring", brought.id, size_bytes=brought.size_bytes)


def delete_file(act: Act, file_id: str) -> str:
    """Delete a file for good, and return where its bytes are.

    Raises:
        FileNotFound: There is none, or it is another's.
        FileInUse: A batch that has not ended asks what is in it.
    """
    row = queries.file_row(act, file_id)
    if queries.is_asked(act, file_id):
        raise FileInUse
    _delete(act, row)
    return row.blob_sha256


def forget_file(act: Act, file_id: str) -> None:
    """Forget a file whose bytes did not come, so that it counts no more."""
    row = act.session.get(FileRow, file_id)
    if row is not None:
        _delete(act, row)


def create_batch(
    act: Act, *, input_file_id: str, endpoint: str, metadata: dict[str, str] | None
) -> BatchObject:
    """Hand in a batch.

    Raises:
        FileNotFound: There is no such file, or it is another's.
        TooManyBatches: Too many have not ended.
    """
    file = queries.file_row(act, input_file_id)
    rules.check_batches(queries.count_open_batches(act))
    row = BatchRow(
        id=new_id(),
        owner=rules.owner_of(act.actor),
        user_id=act.actor.user_id,
        actor=_actor_as_json(act.actor),
        status="validating",
        endpoint=endpoint,
        input_file_id=file.id,
        output_file_id=None,
        error_file_id=None,
        told={"metadata": metadata},
        total=0,
        completed=0,
        failed=0,
        created_at=act.now,
        expires_at=act.now + rules.WINDOW,
        due_at=act.now,
    )
    act.session.add(row)
    where = endpoint.removeprefix("/v1/").replace("/", ".")
    audit.record(act, "batches.batch.create", row.id, file_id=file.id, endpoint=where)
    return queries.show_batch(row)


def cancel_batch(act: Act, batch_id: str) -> BatchObject:
    """Begin no more of a batch's lines; what is answered is kept.

    Raises:
        BatchNotFound: There is none, or it is another's.
        BatchEnded: It has ended already, or its answers are being put together.
    """
    row = queries.batch_row(act, batch_id, to_change=True)
    if row.status not in {"validating", "in_progress", "cancelling"}:
        raise BatchEnded
    if row.status != "cancelling":
        row.status, row.cancelling_at = "cancelling", act.now
        audit.record(act, "batches.batch.cancel", row.id)
    return queries.show_batch(row)


def fail_batch(act: Act, held: Held, faults: Sequence[Fault]) -> None:
    """End a batch whose file is not as it should be."""
    row = act.session.scalar(select(BatchRow).where(*holding.mine(held)))
    if row is None:
        return
    row.told = {**row.told, "faults": [fault.model_dump() for fault in faults]}
    row.status, row.ended_at, row.lease = "failed", act.now, None
    _record_end(act, row)


def end_batch(act: Act, held: Held, *, output: bool, errors: bool) -> None:
    """End a batch: its files are there, and its lines are not needed any more.

    Args:
        act: When.
        held: Which.
        output: Whether there is a file of answers.
        errors: Whether there is a file of errors.
    """
    row = act.session.scalar(select(BatchRow).where(*holding.mine(held)).with_for_update())
    if row is None:
        return
    waited = row.total - row.completed - row.failed
    row.output_file_id = row.output_file_id if output else None
    row.error_file_id = row.error_file_id if errors else None
    for file_id in (row.output_file_id, row.error_file_id):
        if file_id is not None:
            holding.have_file(act, file_id)
    if row.cancelling_at is not None:
        row.status = "cancelled"
    else:
        row.status = "expired" if waited else "completed"
    row.ended_at, row.lease = act.now, None
    holding.forget_lines(act, held)
    _record_end(act, row)


def delete_old(act: Act) -> None:
    """Delete files and batches that are older than they are kept, and files that never came."""
    kept_since = act.now - timedelta(days=rules.KEPT_DAYS)
    coming_since = act.now - timedelta(hours=COMING_HOURS)
    old = act.session.scalars(
        select(FileRow).where(
            (FileRow.made_at < kept_since)
            | ((FileRow.state == "coming") & (FileRow.made_at < coming_since))
        )
    )
    for row in old:
        _delete(act, row)
    ended = BatchRow.status.not_in(rules.OPEN), BatchRow.created_at < kept_since
    act.session.execute(delete(BatchRow).where(*ended))


def _delete(act: Act, row: FileRow) -> None:
    act.session.delete(row)
    audit.record(act, "batches.file.delete", row.id)


def _record_end(act: Act, row: BatchRow) -> None:
    audit.record(
        act,
        "batches.batch.end",
        row.id,
        status=row.status,
        total=row.total,
        completed=row.completed,
        failed=row.failed,
    )


def _actor_as_json(actor: Actor) -> dict[str, Any]:
    told = asdict(actor)
    return {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in told.items()
    }
