"""The gateway's background work: closing what nobody will settle any more."""

from hunmin import logs
from hunmin.gateway import actions
from hunmin.worker import Handlers, Job

CLOSE_LOST_SECONDS = 60

log = logs.get(__name__)


def register(handlers: Handlers) -> None:
    """Let workers do this room's jobs."""
    handlers.add("gateway.request.lose", close_lost, every_seconds=CLOSE_LOST_SECONDS)


def close_lost(job: Job) -> None:
    """Close every answer that is past its deadline. Running twice does no harm."""
    with job.act() as act:
        lost = actions.close_lost(act)
    if lost:
        log.warning("answers past their deadline were closed as lost", count=lost)
