"""The pages of limits, budgets, prices and invoices: accessible, light and dark, on a phone."""

from datetime import UTC, datetime

import pytest

from hunmin import accounts, billing, organizations
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.billing import KnownTerms, Limits, Price
from hunmin.db import new_id
from tests.browser.conftest import DESK, PHONE, check_accessible, check_fits

SPRING, SUMMER = datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 7, 9, tzinfo=UTC)


@pytest.fixture
def paths(app, address):
    """Give the address of each page, with something of everything on it."""
    del address  # the application is served, so that its tables are there
    database = app.state.database
    with open_act(database, SYSTEM) as act:
        dana = accounts.create_user(act, name="dana", roles=["administrator"])
        made = organizations.create_organization(act, name="세종 연구소", owner_id=dana.id)
        project = organizations.create_project(act, made.id, name="한국어 요약")
        where = (made.id, project.id)
        _, service = organizations.create_service_account(act, *where, name="야간 보고서")
        billing.set_organization_limits(act, made.id, Limits(600, 200_000, 16))
        billing.set_project_limits(act, *where, Limits(60))
        billing.set_price(act, Price("hunmin-reference", "", billing.day_of(act.now), 100, 10, 400))
        for unit, amount in (("tokens", 100), ("won", 500_000)):
            billing.set_budget(
                act, made.id, unit=unit, amount=amount, period="month", hard=unit == "won"
            )
    program = Actor(
        user_id=service.key.user_id,
        kind="key",
        key_id=service.key.id,
        organization_id=made.id,
        project_id=project.id,
    )
    with open_act(database, SYSTEM, now=SPRING) as act:
        billing.set_price(act, Price("haerye", "", SPRING.date(), 10**5, 0, 10**6))
    for month, model in ((SPRING, "haerye"), (SUMMER, "haerye"), (None, "hunmin-reference")):
        with open_act(database, program, now=month) as act:
            charge = billing.Charge(
                KnownTerms(), model=model, prompt_tokens=70, completion_tokens_max=30
            )
            asked = new_id()
            charge.reserve(act, admission_id=asked, deadline_at=act.now.replace(year=2099))
            used = billing.Used(
                prompt_tokens=70, cached_tokens=0, completion_tokens=20, failed=False
            )
            charge.settle(act, admission_id=asked, used=used)
    with open_act(database, SYSTEM) as act:
        invoice_id = billing.issue_invoice(act, made.id, SPRING.date().replace(day=1))
        billing.void_invoice(act, made.id, invoice_id, reason="이름이 바뀜")
        again = billing.issue_invoice(act, made.id, SPRING.date().replace(day=1))
    path = f"/organizations/{made.id}"
    return [
        f"{path}/limits",
        f"{path}/projects/{project.id}/limits",
        f"{path}/usage",
        "/prices",
        "/invoices",
        f"{path}/invoices",
        f"{path}/invoices/draft?month={SUMMER:%Y-%m}",
        f"{path}/invoices/{invoice_id}",
        f"{path}/invoices/{again}",
    ]


@pytest.mark.parametrize(
    ("scheme", "size", "language"), [("light", DESK, "en"), ("dark", PHONE, "ko")]
)
def test_every_page_is_accessible_and_fits(paths, sign_in_page, scheme, size, language):
    page = sign_in_page("dana", scheme=scheme, size=size, language=language)
    for path in paths:
        page.goto(path)
        assert page.locator("h1").count() == 1, path
        check_accessible(page)
        check_fits(page)


def test_an_invoice_on_paper_is_black_on_white_and_nothing_but_itself(paths, sign_in_page):
    page = sign_in_page("dana", scheme="dark", size=DESK, language="ko")
    page.goto(paths[-1])
    page.emulate_media(media="print", color_scheme="dark")
    shown = page.locator("body").inner_text()
    assert "청구서 2026-03-000002" in shown
    assert "무효로 하기" not in shown
    assert page.locator("header.site").is_hidden()
    ink = "getComputedStyle(document.querySelector('h1')).color"
    assert page.evaluate(ink) == "rgb(0, 0, 0)"
