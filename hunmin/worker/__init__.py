"""Small background work: jobs kept in the database, done at least once, a little later.

Nouns: a *job* names a *handler* and its arguments; a *lease* is the time a worker may keep a job
without a sign of life. A job is enqueued in the transaction of the act that wants it, so it exists
exactly when that act does. A worker that dies loses its lease, and another does the job again:
so a handler does no harm when it runs twice. Hours on GPUs are not for this room.
"""

from hunmin.worker.handlers import Handlers, Job, find_handlers
from hunmin.worker.loop import Worker
from hunmin.worker.queue import Due, cancel, enqueue, read_due

__all__ = [
    "Due",
    "Handlers",
    "Job",
    "Worker",
    "cancel",
    "enqueue",
    "find_handlers",
    "read_due",
]
