"""Billing: how much may be asked, by whom, and what it costs.

Nouns: a *limit* is of a minute, or of one moment; its *holder* is a key, a project, an
organization or an account. Each request counts for all of its holders at once, and the tightest
limit holds. A *budget* is how much a holder may use in a period, in tokens or won; a *price* is
what a million tokens of a model cost. A *charge* is what one answer sets aside when it is let in,
and comes to when it ends. An *invoice* is what an organization owes for a month, and never changes.

The gateway reserves and settles charges inside its own transactions; so limits are exact, however
many servers there are, and a hard budget is never passed.
"""

from hunmin.billing.actions import (
    set_key_limits,
    set_organization_limits,
    set_project_limits,
    set_user_limits,
)
from hunmin.billing.budget_actions import (
    end_budget,
    see_alerts,
    set_budget,
    set_price,
    set_user_budget,
)
from hunmin.billing.charges import Charge, Used, lock_tenant, release
from hunmin.billing.invoice_actions import issue_invoice, void_invoice
from hunmin.billing.invoice_queries import Disagreement, get_invoice, verify_invoices
from hunmin.billing.known import KnownTerms
from hunmin.billing.money import Price, day_of
from hunmin.billing.queries import all_prices, list_limits, organization_limits, project_limits
from hunmin.billing.rules import Holder, Limits
from hunmin.billing.usage_queries import budgets_of, csv_of, usage_of

__all__ = [
    "Charge",
    "Disagreement",
    "Holder",
    "KnownTerms",
    "Limits",
    "Price",
    "Used",
    "all_prices",
    "budgets_of",
    "csv_of",
    "day_of",
    "end_budget",
    "get_invoice",
    "issue_invoice",
    "list_limits",
    "lock_tenant",
    "organization_limits",
    "project_limits",
    "release",
    "see_alerts",
    "set_budget",
    "set_key_limits",
    "set_organization_limits",
    "set_price",
    "set_project_limits",
    "set_user_budget",
    "set_user_limits",
    "usage_of",
    "verify_invoices",
    "void_invoice",
]
