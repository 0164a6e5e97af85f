"""Invoices: what a month comes to, what it is called, when it may be issued. Pure.

An invoice is a document: what it says is hashed as it is issued, and neither changes afterwards.
What is wrong with one is put right by voiding it and issuing another under a new number.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from hunmin.billing import money
from hunmin.billing.usage import UsageSum
from hunmin.errors import InvoiceEmpty, MonthOpen

VAT_PERCENT = 10
"""Korea's value added tax."""

CLOSED_AFTER = timedelta(days=2)
"""How long after its last day a month may still come to more: no answer is written for longer."""


class InvoiceDocument(BaseModel):
    """What an invoice says."""

    model_config = ConfigDict(frozen=True)

    number: str
    """Empty: it is a draft."""
    organization_id: str
    organization: str
    """Its name at the time of the invoice."""
    month: date
    """The first day of it, in Seoul."""
    lines: list[UsageSum]
    net_won: int
    """The sum of the lines, without the part of a won."""
    vat_won: int
    total_won: int

    @classmethod
    def of(
        cls, *, organization_id: str, organization: str, month: date, lines: Sequence[UsageSum]
    ) -> Self:
        """Return the draft of what an organization owes for a month."""
        net_won = sum(line.micro_won for line in lines) // money.MICRO_WON
        vat_won = net_won * VAT_PERCENT // 100
        return cls(
            number="",
            organization_id=organization_id,
            organization=organization,
            month=month,
            lines=list(lines),
            net_won=net_won,
            vat_won=vat_won,
            total_won=net_won + vat_won,
        )

    def numbered(self, serial: int) -> Self:
        """Return the document under its number.

        Args:
            serial: How many invoices the house has issued, this one included.
        """
        return self.model_copy(update={"number": number_of(self.month, serial)})

    @property
    def kept(self) -> dict[str, Any]:
        """Return it as plain values."""
        return self.model_dump(mode="json")


def number_of(month: date, serial: int) -> str:
    """Return the number of an invoice: its month, and its place among all there are."""
    return f"{month:%Y-%m}-{serial:06}"


def sha256_of(kept: dict[str, Any]) -> str:
    """Return the hash of an invoice, given as plain values."""
    text = json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def closes_on(month: date) -> date:
    """Return the first day on which a month can be invoiced, in Seoul."""
    return money.next_month(month) + CLOSED_AFTER


def check_issuable(document: InvoiceDocument, *, now: datetime) -> None:
    """Raise unless a month is over, and something is owed for it.

    Raises:
        MonthOpen: Answers of the month may still be written.
        InvoiceEmpty: It comes to less than a won.
    """
    if money.day_of(now) < closes_on(document.month):
        raise MonthOpen(closes_on=closes_on(document.month))
    if document.net_won == 0:
        raise InvoiceEmpty
