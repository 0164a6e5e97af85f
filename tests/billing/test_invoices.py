"""Invoices: issued once for a month, numbered without gaps, never changed, checked at any time."""

import threading
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from hunmin import billing
from hunmin.act import SYSTEM, open_act
from hunmin.audit.tables import EventRow
from hunmin.billing import Price, invoice_queries, invoicing, money
from hunmin.billing.invoicing import InvoiceDocument
from hunmin.billing.tables import UsageDayRow
from hunmin.billing.usage import UsageSum
from hunmin.errors import (
    InvoiceEmpty,
    InvoiceExists,
    InvoiceNotFound,
    InvoiceVoid,
    MonthOpen,
    OrganizationNotFound,
    RoleNeeded,
)
from tests.billing.asking import SECONDS_MAX, ask, end

OCTOBER = date(2026, 10, 1)
ISSUED = datetime.fromisoformat("2026-11-03T00:00:00+09:00")


@pytest.fixture
def owed(database, act_as, noon, programs) -> None:
    """Have two projects of a team use something in October: 11 won, and some of a won."""
    assert money.month_of(money.day_of(noon)) == OCTOBER
    with act_as() as act:
        billing.set_price(act, Price("paper", "", money.day_of(noon), 100, 10, 1000))
    for program in (programs.one, programs.elsewhere):
        for _ in range(2):
            asked = ask(database, program, prompt=10, most=3000, now=noon)
            end(database, asked, prompt=10, completion=2800, now=noon)


def issue(database, team, *, now: datetime = ISSUED, month: date = OCTOBER) -> str:
    with open_act(database, SYSTEM, now=now) as act:
        return billing.issue_invoice(act, team.id, month)


def verify(database) -> list[tuple[str, str]]:
    with open_act(database, SYSTEM, read_only=True) as act:
        return [(one.number, one.what) for one in billing.verify_invoices(act)[1]]


@pytest.mark.usefixtures("owed")
def test_an_invoice_is_the_sum_of_its_answers_with_ten_percent_on_top(database, act_as, team):
    invoice_id = issue(database, team)
    with act_as(team.billing) as act:
        invoice = billing.get_invoice(act, team.id, invoice_id)
    document = invoice.document
    assert (document.number, invoice.state) == ("2026-10-000001", "issued")
    assert [line.requests for line in document.lines] == [2, 2]
    assert sum(line.micro_won for line in document.lines) == 4 * (10 * 100 + 2800 * 1000)
    assert (document.net_won, document.vat_won, document.total_won) == (11, 1, 12)
    assert verify(database) == []
    with database.session() as session:
        event = session.query(EventRow).filter_by(kind="billing.invoice.issue").one()
        assert event.details["sha256"] == invoice.sha256


@pytest.mark.usefixtures("owed")
def test_a_month_is_invoiced_once_it_cannot_come_to_more(database, act_as, team):
    with pytest.raises(MonthOpen):
        issue(database, team, now=ISSUED - timedelta(seconds=1))
    issue(database, team)
    with pytest.raises(InvoiceExists):
        issue(database, team)
    with pytest.raises(InvoiceEmpty):
        issue(database, team, month=date(2026, 9, 1))
    with act_as() as act:
        assert invoice_queries.all_open_months(act) == []


@pytest.mark.usefixtures("owed")
def test_a_void_invoice_keeps_its_number_and_another_takes_its_place(database, act_as, team):
    first = issue(database, team)
    with open_act(database, SYSTEM, now=ISSUED) as act:
        billing.void_invoice(act, team.id, first, reason="wrong\u0000 name")
    with pytest.raises(InvoiceVoid), act_as() as act:
        billing.void_invoice(act, team.id, first, reason="again")
    second = issue(database, team)
    with act_as(team.owner) as act:
        listed = invoice_queries.list_invoices(act, team.id)
    assert [(one.document.number, one.state) for one in listed] == [
        ("2026-10-000002", "issued"),
        ("2026-10-000001", "void"),
    ]
    assert (listed[0].id, listed[1].reason) == (second, "wrong name")
    assert verify(database) == []


@pytest.mark.usefixtures("owed")
def test_only_administrators_issue_and_only_who_pays_sees(database, act_as, team, make_person):
    with pytest.raises(RoleNeeded), act_as(team.owner) as act:
        billing.issue_invoice(act, team.id, OCTOBER)
    invoice_id = issue(database, team)
    with pytest.raises(RoleNeeded), act_as(team.owner) as act:
        billing.void_invoice(act, team.id, invoice_id, reason="dear")
    with pytest.raises(RoleNeeded), act_as(team.developer) as act:
        billing.get_invoice(act, team.id, invoice_id)
    with pytest.raises(OrganizationNotFound), act_as(make_person("outside")) as act:
        billing.get_invoice(act, team.id, invoice_id)
    with pytest.raises(InvoiceNotFound), act_as(team.owner) as act:
        billing.get_invoice(act, team.id, team.id)


@pytest.mark.usefixtures("owed")
def test_no_program_changes_an_issued_invoice(database, team):
    issue(database, team)
    for statement in (
        "UPDATE billing_invoices SET organization_id = 'x'",
        "DELETE FROM billing_invoices",
    ):
        with pytest.raises(DBAPIError, match="never changed"), database.session() as session:
            session.execute(text(statement))


@pytest.mark.usefixtures("owed")
def test_whatever_was_tampered_with_is_found(database, act_as, team):
    invoice_id = issue(database, team)
    with database.session() as session:
        session.execute(update(UsageDayRow).values(micro_won=UsageDayRow.micro_won + 1))
    assert verify(database) == [("2026-10-000001", "differs")]
    with act_as() as act:
        billing.void_invoice(act, team.id, invoice_id, reason="wrong")
    assert verify(database) == []

    trigger = "billing_invoices_no_update" if database.dialect == "sqlite" else None
    with database.session() as session:
        session.execute(
            text(
                f"DROP TRIGGER {trigger}"
                if trigger
                else "ALTER TABLE billing_invoices DISABLE TRIGGER ALL"
            )
        )
        session.execute(text("UPDATE billing_invoices SET serial = 3, sha256 = 'x'"))
    assert verify(database) == [
        ("000001", "missing"),
        ("000002", "missing"),
        ("2026-10-000001", "changed"),
    ]


@pytest.mark.usefixtures("owed")
def test_issued_at_the_same_time_it_is_issued_once(database, team):
    came: list[str] = []

    def try_to_issue() -> None:
        try:
            issue(database, team)
            came.append("issued")
        except InvoiceExists:
            came.append("exists")

    threads = [threading.Thread(target=try_to_issue) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(came) == ["exists", "exists", "issued"]


def test_what_ends_past_its_deadline_costs_nothing_even_without_limits(
    database, act_as, noon, programs
):
    with act_as() as act:
        billing.set_price(act, Price("paper", "", money.day_of(noon), 100, 10, 1000))
    asked = ask(database, programs.one, now=noon)
    end(database, asked, now=noon + timedelta(seconds=SECONDS_MAX + 60))
    with database.session() as session:
        row = session.query(UsageDayRow).one()
        assert (row.requests, row.micro_won) == (1, 0)


amounts = st.integers(0, 10**15)


@given(st.lists(amounts, max_size=20))
def test_no_won_is_lost_or_made_up(costs):
    lines = [
        UsageSum(
            project_id="",
            project="",
            model=str(place),
            requests=1,
            failed=0,
            prompt_tokens=1,
            cached_tokens=0,
            completion_tokens=1,
            micro_won=cost,
        )
        for place, cost in enumerate(costs)
    ]
    document = InvoiceDocument.of(organization_id="o", organization="o", month=OCTOBER, lines=lines)
    assert 0 <= sum(costs) - document.net_won * money.MICRO_WON < money.MICRO_WON
    assert 0 <= document.net_won - document.vat_won * 10 < 10
    assert document.total_won == document.net_won + document.vat_won
    kept = document.numbered(7).kept
    again = InvoiceDocument.model_validate(kept)
    assert invoicing.sha256_of(again.kept) == invoicing.sha256_of(kept)
    assert again.number == "2026-10-000007"


def test_a_months_last_moments_may_take_a_day_and_more():
    assert invoicing.closes_on(date(2026, 12, 1)) == date(2027, 1, 3)
