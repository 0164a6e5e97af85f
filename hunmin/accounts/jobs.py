"""The background work of accounts: forgetting what nobody can come back to."""

from hunmin import logs
from hunmin.accounts import actions
from hunmin.worker import Handlers, Job

SWEEP_SECONDS = 86_400

log = logs.get(__name__)


def register(handlers: Handlers) -> None:
    """Let workers do this room's jobs."""
    handlers.add("accounts.secret.sweep", sweep, every_seconds=SWEEP_SECONDS)


def sweep(job: Job) -> None:
    """Remove ended links and sessions, and guests that are gone. Twice does no harm."""
    with job.act() as act:
        forgotten = actions.sweep(act)
    if forgotten:
        log.info("guests who cannot come back were forgotten", count=forgotten)
