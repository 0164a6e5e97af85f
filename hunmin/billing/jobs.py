"""The background work of billing: sweeping counts, checking invoices, posting alerts."""

from hunmin import logs
from hunmin.billing import actions, invoice_queries, webhook
from hunmin.billing.charges import ALERT_JOB
from hunmin.worker import Handlers, Job

SWEEP_SECONDS = 3_600
VERIFY_SECONDS = 86_400

log = logs.get(__name__)


def register(handlers: Handlers) -> None:
    """Let workers do this room's jobs."""
    handlers.add("billing.slot.sweep", sweep, every_seconds=SWEEP_SECONDS)
    handlers.add("billing.invoice.verify", verify, every_seconds=VERIFY_SECONDS)
    handlers.add(ALERT_JOB, post_alert)


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


def post_alert(job: Job) -> None:
    """Tell the address of the settings of one alert, where there is one; twice does no harm."""
    address = job.settings.alerts.webhook_url.get_secret_value()
    if address:
        webhook.post_alert(
            address, budget_id=job.arguments["budget_id"], percent=job.arguments["percent"]
        )
