"""Pages and dialogs behind a sign-in, in high contrast and in forced colors."""

import re

import pytest
from fastapi.routing import iter_route_contexts

from tests.browser.conftest import check_accessible
from tests.browser.talking import ask, menu
from tests.browser.test_organizations import paths  # noqa: F401 (a fixture)
from tests.support.tenants import MAKERS, make_tenants

NO_MATTER = ("the server responded with a status of",)
"""What the browser says of pages for others, which are pages too."""


@pytest.fixture
def settings(settings):
    """Give settings that let conversations be shared."""
    return settings.model_copy(update={"chat": settings.chat.model_copy(update={"shares": True})})


@pytest.fixture(params=["contrast", "forced"])
def in_strong_contrast(request, address):
    """Give `in_strong_contrast(open, ...)`: a page opened in one of the two modes."""

    def opened(how, *asked, **options):
        if request.param == "forced":
            options["forced_colors"] = "active"
        page = how(*asked, faults_allowed=NO_MATTER, **options)
        if request.param == "contrast":
            theme = {"name": "hunmin_theme", "value": "contrast", "url": address}
            page.context.add_cookies([theme])
        return page

    return opened


def pages_of(app, tenant):
    """Return the address of every page that names nothing, or something of a tenant.

    Each page has its facts beside it as JSON; so one knows which addresses are pages.
    """
    known = {context.path for context in iter_route_contexts(app.routes)}
    pages = sorted(path for path in known if f"{path}.json" in known)
    names = {path: re.findall(r"\{(\w+)", path) for path in pages}
    return [
        path.format(**{name: MAKERS[name](tenant)[0] for name in names[path]})
        for path in pages
        if MAKERS.keys() >= set(names[path])
    ]


def test_every_page_of_an_account_is_accessible_in_strong_contrast(
    app, address, open_page, in_strong_contrast
):
    tenant, _ = make_tenants(app)
    page = in_strong_contrast(open_page, "/offline")
    name, _, secret = tenant.headers["owner"]["Cookie"].partition("=")
    page.context.add_cookies([{"name": name, "value": secret, "url": address}])
    pages = pages_of(app, tenant)
    assert {"/account", "/account/feedback", "/account/shares", "/organizations"} <= set(pages)
    for path in pages:
        page.goto(path)
        check_accessible(page)


def test_the_pages_of_people_are_accessible_in_strong_contrast(
    paths,  # noqa: F811
    sign_in_page,
    in_strong_contrast,
):
    page = in_strong_contrast(sign_in_page, "dana")
    for path in (path for path in paths if path.startswith("/people")):
        page.goto(path)
        check_accessible(page)


def test_every_dialog_of_a_conversation_and_what_is_shared_is_accessible(
    sign_in_page, in_strong_contrast
):
    page = in_strong_contrast(sign_in_page, "dana")

    def check():
        check_accessible(page)
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")

    page.goto("/chat")
    page.locator("#chat[data-ready]").wait_for()
    ask(page, "전입신고 준비물")
    menu(page, "전입신고 준비물")
    check()
    page.get_by_role("navigation", name="폴더").get_by_role("button", name="새 폴더").click()
    check()
    page.get_by_role("button", name="답변 방식").click()
    check()
    page.get_by_role("button", name="나쁜 답변").click()
    page.get_by_role("checkbox", name="동의합니다").check()
    check_accessible(page)
    page.get_by_role("button", name="저장").click()
    page.get_by_role("dialog").wait_for(state="detached")
    check_accessible(page)
    menu(page, "전입신고 준비물").get_by_role("button", name="공유하기").click()
    page.get_by_role("button", name="주소 만들기").click()
    address = page.get_by_label("주소").input_value()
    check()
    for path in ("/account/shares", "/account/feedback", address):
        page.goto(path)
        check_accessible(page)
