"""The room's background work: what is older than it is kept, and bytes that no file names."""

from itertools import islice

from hunmin.batches import actions, queries, store
from hunmin.worker import Handlers, Job

SWEEP_SECONDS = 3_600
TOGETHER_BLOBS = 500


def register(handlers: Handlers) -> None:
    """Let workers do this room's jobs."""
    handlers.add("batches.file.sweep", sweep, every_seconds=SWEEP_SECONDS)


def sweep(job: Job) -> None:
    """Delete what is old, and bytes that no file names. Twice does no harm."""
    with job.act() as act:
        actions.delete_old(act)
    blobs = store.open_store(job.settings)
    hashes = blobs.hashes()
    while some := list(islice(hashes, TOGETHER_BLOBS)):
        with job.act() as act:
            unnamed = queries.unnamed(act, some)
        for sha256 in unnamed:
            blobs.delete(sha256)
