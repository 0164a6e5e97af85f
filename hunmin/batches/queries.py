"""Reading files and batches: those of the actor's project, or of its account where it has none."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, func, select

from hunmin.act import Act
from hunmin.batches.rules import KEPT_DAYS, OPEN, owner_of
from hunmin.batches.tables import BatchRow, FileRow, LineRow
from hunmin.batches.wire import BatchObject, Fault, Faults, FileObject, RequestCounts
from hunmin.errors import BatchNotFound, FileNotFound


def file_row(act: Act, file_id: str) -> FileRow:
    """Return a file of the actor's, or raise `FileNotFound`."""
    row = act.session.scalar(
        select(FileRow).where(
            FileRow.id == file_id, FileRow.owner == owner_of(act.actor), FileRow.state != "coming"
        )
    )
    if row is None:
        raise FileNotFound
    return row


def batch_row(act: Act, batch_id: str, *, to_change: bool = False) -> BatchRow:
    """Return a batch of the actor's, or raise `BatchNotFound`."""
    asked = select(BatchRow).where(BatchRow.id == batch_id, BatchRow.owner == owner_of(act.actor))
    row = act.session.scalar(asked.with_for_update() if to_change else asked)
    if row is None:
        raise BatchNotFound
    return row


def list_files(
    act: Act, *, purpose: str | None, after: str | None, limit: int
) -> tuple[list[FileObject], bool]:
    """Return files of the actor's, the newest first, and whether there are more."""
    asked = select(FileRow).where(FileRow.owner == owner_of(act.actor), FileRow.state != "coming")
    if purpose is not None:
        asked = asked.where(FileRow.purpose == purpose)
    if after is not None:
        asked = asked.where(FileRow.id < after)
    rows = act.session.scalars(asked.order_by(FileRow.id.desc()).limit(limit + 1)).all()
    return [show_file(row) for row in rows[:limit]], len(rows) > limit


def list_batches(act: Act, *, after: str | None, limit: int) -> tuple[list[BatchObject], bool]:
    """Return batches of the actor's, the newest first, and whether there are more."""
    asked = select(BatchRow).where(BatchRow.owner == owner_of(act.actor))
    if after is not None:
        asked = asked.where(BatchRow.id < after)
    rows = act.session.scalars(asked.order_by(BatchRow.id.desc()).limit(limit + 1)).all()
    return [show_batch(row) for row in rows[:limit]], len(rows) > limit


def count_files(act: Act) -> int:
    """Return how many files the actor has, those on their way included."""
    own = select(func.count()).select_from(FileRow).where(FileRow.owner == owner_of(act.actor))
    return act.session.scalar(own) or 0


def count_open_batches(act: Act) -> int:
    """Return how many batches of the actor have not ended."""
    own = BatchRow.owner == owner_of(act.actor), BatchRow.status.in_(OPEN)
    return act.session.scalar(select(func.count()).select_from(BatchRow).where(*own)) or 0


def is_asked(act: Act, file_id: str) -> bool:
    """Return whether a batch that has not ended asks what is in a file."""
    asking = BatchRow.input_file_id == file_id, BatchRow.status.in_(OPEN)
    return bool(act.session.scalar(select(exists().where(*asking))))


def lines_of(
    act: Act, batch_id: str, *, after: int, limit: int, waiting: bool | None = None
) -> Sequence[LineRow]:
    """Return lines of a batch in their order: all, or those that wait, or those that do not."""
    asked = select(LineRow).where(LineRow.batch_id == batch_id, LineRow.number > after)
    if waiting is not None:
        asked = asked.where(LineRow.status.is_(None) == waiting)
    return act.session.scalars(asked.order_by(LineRow.number).limit(limit)).all()


def unnamed(act: Act, hashes: Collection[str]) -> set[str]:
    """Return those of some blobs that no file names."""
    named = act.session.scalars(select(FileRow.blob_sha256).where(FileRow.blob_sha256.in_(hashes)))
    return set(hashes) - set(named)


def show_file(row: FileRow) -> FileObject:
    """Return a file as its owner sees it."""
    return FileObject.model_validate(
        {
            "id": row.id,
            "bytes": row.size_bytes,
            "created_at": _seconds(row.made_at),
            "expires_at": _seconds(row.made_at + timedelta(days=KEPT_DAYS)),
            "filename": row.name,
            "purpose": row.purpose,
        }
    )


def show_batch(row: BatchRow) -> BatchObject:
    """Return a batch as its owner sees it."""
    faults = row.told.get("faults")
    ended = {row.status: _seconds(row.ended_at)}
    is_open = row.status in OPEN
    return BatchObject.model_validate(
        {
            "id": row.id,
            "endpoint": row.endpoint,
            "errors": Faults(data=[Fault(**one) for one in faults]) if faults else None,
            "input_file_id": row.input_file_id,
            "status": row.status,
            "output_file_id": None if is_open else row.output_file_id,
            "error_file_id": None if is_open else row.error_file_id,
            "created_at": _seconds(row.created_at),
            "in_progress_at": _seconds(row.began_at),
            "expires_at": _seconds(row.expires_at),
            "finalizing_at": _seconds(row.finalizing_at),
            "completed_at": ended.get("completed"),
            "failed_at": ended.get("failed"),
            "expired_at": ended.get("expired"),
            "cancelling_at": _seconds(row.cancelling_at),
            "cancelled_at": ended.get("cancelled"),
            "request_counts": RequestCounts(
                total=row.total, completed=row.completed, failed=row.failed
            ),
            "metadata": row.told.get("metadata"),
        }
    )


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
