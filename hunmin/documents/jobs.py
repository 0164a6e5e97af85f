"""The room's background work: reading files people brought, and sweeping away what is left."""

from hunmin import reading
from hunmin.documents import actions, queries, rules, store
from hunmin.errors import BlobBroken, BlobMissing, FileUnreadable, HunminError
from hunmin.reading import Limits
from hunmin.retrieval import cut
from hunmin.worker import Handlers, Job

SWEEP_SECONDS = 3_600


def register(handlers: Handlers) -> None:
    """Let workers do this room's jobs."""
    handlers.add(actions.READ_JOB, read_file)
    handlers.add(actions.SWEEP_JOB, sweep, every_seconds=SWEEP_SECONDS)


def read_file(job: Job) -> None:
    """Read one file in a process of its own, keep its passages, and forget its bytes.

    A store that is away is waited for, as every job does; what a file itself is at fault for is
    told to its owner.
    """
    file_id = job.arguments["file_id"]
    with job.act() as act:
        waits = queries.file_to_read(act, file_id)
    if waits is None:
        return
    name, sha256 = waits
    blobs = store.open_store(job.settings)
    limits = Limits(
        bytes_max=job.settings.documents.file_bytes_max, characters_max=rules.FILE_CHARACTERS_MAX
    )
    try:
        content = store.content_of(blobs, file_id, sha256)
    except (BlobMissing, BlobBroken):
        _refuse(job, file_id, FileUnreadable(reason="damaged"))
        return
    try:
        read = reading.read(content, name=name, limits=limits)
    except HunminError as error:
        _refuse(job, file_id, error)
    else:
        passages = cut(name, [(page.number, page.text) for page in read.pages])
        with job.act() as act:
            actions.keep_reading(act, file_id, read, passages)
    blobs.delete(sha256)


def sweep(job: Job) -> None:
    """Delete files nobody asked about, and bytes that no file names. Twice does no harm."""
    with job.act() as act:
        actions.delete_unused_files(act)
    store.sweep(job.act, store.open_store(job.settings))


def _refuse(job: Job, file_id: str, error: HunminError) -> None:
    with job.act() as act:
        actions.fail_file(act, file_id, error)
