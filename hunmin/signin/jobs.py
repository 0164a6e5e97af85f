"""The background work of sign-in: forgetting what was begun and never ended."""

from hunmin.signin import actions
from hunmin.worker import Handlers, Job

SWEEP_SECONDS = 3_600


def register(handlers: Handlers) -> None:
    """Let workers do this room's jobs."""
    handlers.add("signin.challenge.sweep", sweep, every_seconds=SWEEP_SECONDS)


def sweep(job: Job) -> None:
    """Remove challenges that ended long ago. Twice does no harm."""
    with job.act() as act:
        actions.sweep(act)
