"""The background work of billing: removing counts that count no more."""

from hunmin.billing import actions
from hunmin.worker import Handlers, Job

SWEEP_SECONDS = 3_600


def register(handlers: Handlers) -> None:
    """Let workers do this room's jobs."""
    handlers.add("billing.slot.sweep", sweep, every_seconds=SWEEP_SECONDS)


def sweep(job: Job) -> None:
    """Remove seconds long past and what nobody settled. Twice does no harm."""
    with job.act() as act:
        actions.sweep(act)
