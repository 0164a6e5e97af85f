"""The pages of organizations and people: accessible, light and dark, on a phone, scripts or not."""

from datetime import UTC, datetime

import pytest

from hunmin import accounts, organizations
from hunmin.act import SYSTEM, Actor, open_act
from tests.browser.conftest import DESK, PHONE, check_accessible, check_fits


@pytest.fixture
def paths(app, address):
    """Give the address of each page, for an organization with something of everything."""
    del address  # the application is served, so that its tables are there
    with open_act(app.state.database, SYSTEM) as act:
        dana = accounts.create_user(act, name="dana", roles=["administrator"])
        made = organizations.create_organization(act, name="세종 연구소", owner_id=dana.id)
        project = organizations.create_project(act, made.id, name="한국어 요약")
        _, service = organizations.create_service_account(
            act, made.id, project.id, name="야간 보고서", models=["hunmin-reference"]
        )
    owner = Actor(user_id=dana.id, roles=frozenset({"person"}), proved_at=datetime.now(UTC))
    with open_act(app.state.database, owner) as act:
        organizations.add_to_project(act, made.id, project.id, dana.id, role="manager")
        organizations.create_admin_key(act, made.id, name="자동화")
        organizations.invite(act, made.id, role="billing")
        organizations.rotate_project_key(
            act, made.id, project.id, service.key.id, overlap_hours=1, overlap_hours_max=1
        )
    return [
        "/organizations",
        f"/organizations/{made.id}",
        f"/organizations/{made.id}/projects/{project.id}",
        "/people",
        f"/people/{dana.id}",
    ]


@pytest.mark.parametrize(
    ("scheme", "size", "language"), [("light", DESK, "en"), ("dark", PHONE, "ko")]
)
def test_every_page_is_accessible_and_fits(paths, sign_in_page, scheme, size, language):
    page = sign_in_page("dana", scheme=scheme, size=size, language=language)
    for path in paths:
        page.goto(path)
        check_accessible(page)
        check_fits(page)

    page.goto(paths[2])
    page.locator("summary.button").first.click()
    check_accessible(page)
    page.locator("details[open] form button").nth(1).click()
    page.locator("#secret").wait_for()
    check_accessible(page)
    check_fits(page)
    page.goto(paths[1])
    page.locator("form[action$=invitations] button").click()
    page.locator("#link").wait_for()
    check_accessible(page)
    check_fits(page)


def test_a_key_is_replaced_without_scripts(paths, sign_in_page):
    page = sign_in_page("dana", scripts=False)
    page.goto(paths[2])
    page.locator("summary.button").first.click()
    page.locator("details[open] form button").first.click()

    assert page.locator("#secret").input_value().startswith("hm-")
