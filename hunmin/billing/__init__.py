"""Billing: how much may be asked, by whom.

Nouns: a *limit* is of a minute, or of one moment; its *holder* is a key, a project, an
organization or an account. Each request counts for all of its holders at once, and the tightest
limit holds. A *charge* is what one answer sets aside when it is let in, and comes to when it ends.

The gateway reserves and settles charges inside its own transactions; so limits are exact, however
many servers there are.
"""

from hunmin.billing.actions import (
    set_key_limits,
    set_organization_limits,
    set_project_limits,
    set_user_limits,
)
from hunmin.billing.charges import Charge, lock_tenant
from hunmin.billing.known import KnownTerms
from hunmin.billing.queries import list_limits, organization_limits, project_limits
from hunmin.billing.rules import Holder, Limits

__all__ = [
    "Charge",
    "Holder",
    "KnownTerms",
    "Limits",
    "list_limits",
    "lock_tenant",
    "organization_limits",
    "project_limits",
    "set_key_limits",
    "set_organization_limits",
    "set_project_limits",
    "set_user_limits",
]
