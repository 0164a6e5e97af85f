"""The pages of limits, budgets and prices: accessible, light and dark, on a phone."""

import pytest

from hunmin import accounts, billing, organizations
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.billing import KnownTerms, Limits, Price
from tests.browser.conftest import DESK, PHONE, check_accessible, check_fits


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
    with open_act(database, program) as act:
        charge = billing.Charge(
            KnownTerms(), model="hunmin-reference", prompt_tokens=70, completion_tokens_max=30
        )
        charge.reserve(act, admission_id="a", deadline_at=act.now.replace(year=2099))
        used = billing.Used(prompt_tokens=70, cached_tokens=0, completion_tokens=20, failed=False)
        charge.settle(act, admission_id="a", used=used)
    path = f"/organizations/{made.id}"
    return [
        f"{path}/limits",
        f"{path}/projects/{project.id}/limits",
        f"{path}/usage",
        "/prices",
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
