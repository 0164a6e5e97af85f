"""The chat's background work: deleting the copies of shares whose time is over."""

from hunmin.chat import shares
from hunmin.worker import Handlers, Job

SWEEP_SECONDS = 3_600


def register(handlers: Handlers) -> None:
    """Let workers do this room's jobs."""
    handlers.add("chat.share.sweep", delete_ended_shares, every_seconds=SWEEP_SECONDS)


def delete_ended_shares(job: Job) -> None:
    """Delete every copy whose time is over. Running twice does no harm."""
    with job.act() as act:
        shares.delete_ended_shares(act)
