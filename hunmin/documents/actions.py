"""Everything that can be done to files and collections. Each leaves its event, without words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from hunmin import accounts, audit, organizations, worker
from hunmin.act import Act
from hunmin.documents import collection_queries, queries, rules
from hunmin.documents.rules import SeenBy
from hunmin.documents.tables import CollectionRow, FileRow, PassageRow
from hunmin.documents.views import CollectionView, FileView
from hunmin.errors import CollectionNotFound, FileNotFound, FileNotReady, HunminError
from hunmin.manifest import manifest_sha256
from hunmin.reading import Reading
from hunmin.retrieval import Collection, Passage

READ_JOB = "documents.file.read"
SWEEP_JOB = "documents.file.sweep"

UNUSED_HOURS = 24
"""A file that nobody asked about for so long is deleted: the page it lay on was left."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A file as it came: what it is called, and where its bytes will be."""

    id: str
    name: str
    size_bytes: int
    blob_sha256: str


def bring_file(act: Act, brought: Brought, *, files_max: int) -> None:
    """Note a file whose bytes are on their way to the store.

    Raises:
        TooManyFiles: The actor has as many as one may have.
    """
    assert act.actor.user_id is not None, "the shell makes strangers guests before they bring"
    rules.check_count(queries.count_files(act) + 1, files_max=files_max)
    act.session.add(
        FileRow(
            id=brought.id,
            owner_id=act.actor.user_id,
            name=rules.tidy_name(brought.name),
            state="coming",
            blob_sha256=brought.blob_sha256,
            size_bytes=brought.size_bytes,
            error=None,
            made_at=act.now,
        )
    )
    audit.record(act, "documents.file.bring", brought.id, size_bytes=brought.size_bytes)


def queue_reading(act: Act, file_id: str) -> FileView:
    """Have a job read a file whose bytes are in the store now.

    Raises:
        FileNotFound: It was deleted meanwhile.
    """
    row = queries.file_row(act, file_id)
    row.state = "waiting"
    worker.enqueue(act, READ_JOB, unique_key=f"{READ_JOB} {file_id}", file_id=file_id)
    return queries.file_view(act, row)


def keep_reading(act: Act, file_id: str, reading: Reading, passages: Sequence[Passage]) -> None:
    """Keep what was read of a file, as passages; one that was deleted meanwhile stays away."""
    row = _row_to_read(act, file_id)
    if row is None:
        return
    row.state, row.blob_sha256 = "read", None
    row.kind, row.pages = reading.kind, len(reading.pages)
    row.characters = sum(len(page.text) for page in reading.pages)
    longest = rules.CITATION_CHARACTERS_MAX
    act.session.add_all(
        PassageRow(
            file_id=file_id,
            place=place,
            citation=rules.tidy_text(passage.citation)[:longest],
            heading=rules.tidy_text(passage.heading)[:longest],
            page=passage.page,
            text=rules.tidy_text(passage.text),
        )
        for place, passage in enumerate(passages, start=1)
    )
    audit.record(act, "documents.file.read", file_id, pages=row.pages, passages=len(passages))


def fail_file(act: Act, file_id: str, error: HunminError) -> None:
    """Keep why a file was refused; its name stays for its owner to see."""
    row = _row_to_read(act, file_id)
    if row is None:
        return
    row.state, row.blob_sha256 = "failed", None
    row.error = {"code": error.code, "en": error.en, "ko": error.ko}
    audit.record(act, "documents.file.fail", file_id, code=error.code)


def use_files(act: Act, *, file_ids: Sequence[str], conversation_id: str) -> None:
    """Make files part of the conversation they are asked about in; they go with it.

    Raises:
        FileNotFound: There is none, it is another's, or it is part of another conversation.
        FileNotReady: It was not read yet, or was refused.
        TooManyFiles: The conversation would have more than it takes.
    """
    held = set(
        act.session.scalars(
            select(FileRow.id).where(queries.own(act), FileRow.conversation_id == conversation_id)
        )
    )
    rules.check_count(len(held | set(file_ids)), files_max=rules.FILES_MAX)
    for file_id in file_ids:
        row = queries.file_row(act, file_id)
        if row.conversation_id not in {None, conversation_id}:
            raise FileNotFound
        if row.state != "read":
            raise FileNotReady
        row.conversation_id = conversation_id
        audit.record(act, "documents.file.use", file_id, conversation_id=conversation_id)


def delete_file(act: Act, file_id: str) -> None:
    """Delete a file with every word of it, for good.

    Raises:
        FileNotFound: There is none, or it is another's.
    """
    _delete(act, [queries.file_row(act, file_id)])


def delete_files_of(act: Act, conversation_id: str) -> None:
    """Delete the actor's files that are part of a conversation, for good."""
    held = select(FileRow).where(queries.own(act), FileRow.conversation_id == conversation_id)
    _delete(act, act.session.scalars(held).all())


def delete_all_files(act: Act) -> None:
    """Delete every file of the actor, for good."""
    _delete(act, act.session.scalars(select(FileRow).where(queries.own(act))).all())


def delete_unused_files(act: Act) -> None:
    """Delete what nobody asked about for a day, whoever brought it; the house's own work."""
    before = act.now - timedelta(hours=UNUSED_HOURS)
    unused = select(FileRow).where(FileRow.conversation_id.is_(None), FileRow.made_at < before)
    _delete(act, act.session.scalars(unused).all())


def adopt_files(act: Act, *, guest_id: str) -> int:
    """Make a guest's files one's own; return how many there were.

    The guest's session is the permission: only the shell that has just signed the guest's own
    browser in calls this.
    """
    assert act.actor.kind == "person"
    assert act.actor.user_id is not None
    adopted = act.session.scalars(
        update(FileRow)
        .where(FileRow.owner_id == guest_id)
        .values(owner_id=act.actor.user_id)
        .returning(FileRow.id)
    ).all()
    if adopted:
        audit.record(act, "documents.file.adopt", guest_id, files=len(adopted))
    return len(adopted)


def publish_collection(
    act: Act,
    folder: Path,
    *,
    name: str,
    seen_by: SeenBy = "people",
    organization_id: str | None = None,
) -> CollectionView:
    """Let questions be looked up in a finished collection; one of the same name is replaced.

    Args:
        act: Who publishes; an administrator.
        folder: What `hunmin documents index` made.
        name: What readers call it.
        seen_by: Who may look things up in it.
        organization_id: Whose members, where it is for an organization.

    Raises:
        RoleNeeded, PersonNeeded: The actor is no administrator.
        NameUnusable: The name has no letter and no digit.
        OrganizationNotFound: There is no such organization.
        ManifestMissing, ManifestBroken, WrongInput, CollectionBroken: It is no collection.
    """
    accounts.check_administers(act.actor)
    label = accounts.clean_label(name)
    assert (seen_by == "organization") == (organization_id is not None)
    if organization_id is not None:
        organizations.get_organization(act, organization_id)
    facts = Collection(folder.absolute()).manifest.facts
    row = act.session.scalar(select(CollectionRow).where(CollectionRow.name == label))
    row = row or CollectionRow(name=label)
    row.folder, row.manifest_sha256 = str(folder.absolute()), manifest_sha256(folder)
    row.seen_by, row.organization_id = seen_by, organization_id
    row.documents, row.passages = facts["documents"], facts["passages"]
    row.published_at = act.now
    act.session.add(row)
    act.session.flush()
    audit.record(
        act,
        "documents.collection.publish",
        row.id,
        manifest_sha256=row.manifest_sha256,
        seen_by=seen_by,
    )
    return collection_queries.collection_view(row)


def withdraw_collection(act: Act, collection_id: str) -> None:
    """Let no question be looked up in a collection any more. Its folder stays.

    Raises:
        RoleNeeded, PersonNeeded: The actor is no administrator.
        CollectionNotFound: There is none.
    """
    accounts.check_administers(act.actor)
    row = act.session.get(CollectionRow, collection_id)
    if row is None:
        raise CollectionNotFound
    act.session.delete(row)
    audit.record(act, "documents.collection.withdraw", collection_id)


def _row_to_read(act: Act, file_id: str) -> FileRow | None:
    waiting = select(FileRow).where(FileRow.id == file_id, FileRow.state == "waiting")
    return act.session.scalar(waiting.with_for_update())


def _delete(act: Act, rows: Sequence[FileRow]) -> None:
    for row in rows:
        act.session.delete(row)
        audit.record(act, "documents.file.delete", row.id)
    if any(row.blob_sha256 for row in rows):
        worker.enqueue(act, SWEEP_JOB, unique_key=f"{SWEEP_JOB} deleted")
