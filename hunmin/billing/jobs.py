"""The background work of billing: removing counts that count no more, checking invoices."""

from hunmin import logs
from hunmin.billing import actions, invoice_queries
from hunmin.worker import Handlers, Job

SWEEP_SECONDS = 3_600
VERIFY_SECONDS = 86_400

log = logs.get(__name__)


def register(handlers: Handlers) -> None:
    """Let workers do this room's jobs."""
    handlers.add("billing.slot.sweep", sweep, every_seconds=SWEEP_SECONDS)
    handlers.add("billing.invoice.verify", verify, every_seconds=VERIFY_SECONDS)


def sweep(job: Job) -> None:
    """Remove seconds long past and what nobody settled. Twice does no harm."""
    with job.act() as act:
        actions.sweep(act)


def verify(job: Job) -> None:
    """Look whether every invoice is what was issued and used, and log what is not."""
    with job.act() as act:
        _, found = invoice_queries.verify_invoices(act)
    for one in found:
        log.error("an invoice does not agree", number=one.number, what=one.what)
