"""Invoices over HTTP: issued, read, taken away as a table, declared void, checked by a command."""

import csv
import io
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from hunmin import billing
from hunmin.__main__ import app as hunmin_app
from hunmin.act import SYSTEM, Actor, open_act
from tests.billing.test_pages import HTML, House
from tests.fakes import MODEL
from tests.support.desk import sign_in, stranger
from tests.support.serving import wait_for_engine

MARCH = datetime(2026, 3, 9, tzinfo=UTC)


@pytest.fixture
def house(client) -> House:
    """Give a served application with an organization that used something in March."""
    wait_for_engine(client.app)
    made = House(client)
    database = client.app.state.database
    program = Actor(
        user_id=made.dana.user_id,
        kind="key",
        key_id=made.key_id,
        organization_id=made.id,
        project_id=made.project_id,
    )
    with open_act(database, SYSTEM, now=MARCH) as act:
        billing.set_price(act, billing.Price(MODEL, "", MARCH.date(), 10**6, 0, 10**6))
    with open_act(database, program, now=MARCH) as act:
        charge = billing.Charge(
            billing.KnownTerms(), model=MODEL, prompt_tokens=70, completion_tokens_max=30
        )
        charge.reserve(act, admission_id="a", deadline_at=act.now.replace(year=2099))
        used = billing.Used(prompt_tokens=70, cached_tokens=0, completion_tokens=30, failed=False)
        charge.settle(act, admission_id="a", used=used)
    return made


def issue(house: House) -> str:
    """Issue the invoice for March and return its address."""
    issued = house.administrator.post(f"{house.path}/invoices", data={"month": "2026-03"})
    assert issued.status_code == 303, issued.text
    return issued.headers["location"]


def test_an_invoice_is_issued_read_and_taken_away(house):
    waiting = house.administrator.get("/invoices", headers=HTML).text
    assert "연구소" in waiting
    assert "100" in waiting
    assert "청구서 발행" in house.administrator.get(f"{house.path}/invoices", headers=HTML).text
    draft = house.owner.get(f"{house.path}/invoices/draft?month=2026-03", headers=HTML).text
    assert "청구서 초안" in draft

    address = issue(house)
    page = house.owner.get(address, headers=HTML).text
    assert "2026-03-000001" in page
    assert "무효로 하기" not in page  # which is for administrators
    told = house.owner.get(f"{address}.json").json()["invoice"]
    assert (told["document"]["net_won"], told["document"]["total_won"]) == (100, 110)
    table = house.owner.get(f"{address}.csv")
    assert 'filename="invoice-2026-03-000001.csv"' in table.headers["content-disposition"]
    (line,) = csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff")))
    assert (line["project"], line["model"], line["won"]) == ("요약", MODEL, "100.000000")

    void = house.administrator.post(f"{address}/void", data={"reason": "이름이 바뀜"})
    assert void.headers["location"] == address
    assert "이름이 바뀜" in house.owner.get(address, headers=HTML).text
    assert issue(house) != address


def test_who_may_not_is_refused(house):
    data = {"month": "2026-03"}
    assert house.owner.post(f"{house.path}/invoices", data=data).json()["code"] == "role_needed"
    assert house.owner.get("/invoices.json").json()["code"] == "role_needed"
    outside = sign_in(stranger(house.app), "밖")
    assert outside.get(f"{house.path}/invoices.json").status_code == 404
    for month, code in (("2026-13", 422), ("2099-01", 409)):
        answer = house.administrator.post(f"{house.path}/invoices", data={"month": month})
        assert answer.status_code == code


def test_a_command_checks_every_invoice(house, settings):
    issue(house)
    command = ["billing", "verify", "--data", str(settings.data)]
    checked = CliRunner().invoke(hunmin_app, command)
    assert (checked.exit_code, checked.stdout) == (0, "1 invoices, 0 that do not agree.\n")
    with house.app.state.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE billing_usage_days SET micro_won = 1")
    checked = CliRunner().invoke(hunmin_app, command)
    assert checked.exit_code == 1
    assert "2026-03-000001 is not what was used" in checked.stdout
