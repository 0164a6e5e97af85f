"""Every page that is not the chat: accessible, light and dark, on a phone, and without scripts."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE, check_accessible, check_fits
from tests.support.desk import make_key, make_link

OPEN_PAGES = ("/sign-in", "/docs", "/docs/errors", "/status", "/nowhere")
NO_PAGE = ("404 (Not Found)",)


@pytest.mark.parametrize("path", OPEN_PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_public_page_is_accessible_and_fits(open_page, path, scheme, size):
    page = open_page(path, scheme=scheme, size=size, faults_allowed=NO_PAGE)

    check_accessible(page)
    check_fits(page)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_number_in_a_table_stays_in_one_line(open_page, size):
    page = open_page("/docs/errors", size=size)

    lines = page.evaluate(
        """() => [...document.querySelectorAll("td:nth-child(2)")].map(cell => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return range.getClientRects().length;
        })"""
    )
    assert len(lines) > 50
    assert set(lines) == {1}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_account_page_is_accessible_and_fits(app, sign_in_page, scheme, size, language):
    make_key(app, "dana")
    page = sign_in_page("dana", scheme=scheme, size=size, language=language)
    page.goto("/account")

    check_accessible(page)
    check_fits(page)

    page.locator("#name").fill("보고서 프로그램")
    page.locator("form.row button").click()

    assert page.locator("#secret").input_value().startswith("hm-")
    check_accessible(page)
    check_fits(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_guest_who_signs_in_is_asked_what_to_take_along(app, open_page, scheme, size):
    page = open_page("/sign-in", scheme=scheme, size=size)
    page.context.request.post("/chat", form={"text": "안녕하세요?"})
    page.goto(f"/sign-in/{make_link(app, '다나')}")

    check_accessible(page)
    check_fits(page)

    assert page.locator("#adopt").is_checked()
    page.locator("main form button").click()
    page.wait_for_url("**/chat")
    listed = page.context.request.get("/chat.json").json()["listed"]["conversations"]
    assert [conversation["title"] for conversation in listed] == ["안녕하세요?"]


def test_a_page_asked_for_in_high_contrast_stays_so(open_page):
    page = open_page("/sign-in", language="en")
    page.locator("summary").click()
    check_accessible(page)
    page.get_by_role("button", name="High contrast").click()

    page.locator("html[data-theme=contrast]").wait_for(state="attached")
    expect(page).to_have_url(re.compile(r"/sign-in$"))
    check_accessible(page)


def test_a_theme_chosen_by_hand_beats_the_system(open_page):
    page = open_page("/sign-in", scheme="dark", language="en")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("summary").click()
    page.get_by_role("button", name="Light").click()
    page.locator("html[data-theme=light]").wait_for(state="attached")
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert (before, after) == ("rgb(19, 20, 22)", "rgb(255, 255, 255)")


def test_the_other_language_is_one_click_away_and_stays(open_page):
    page = open_page("/sign-in", language="ko")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    page.get_by_role("link", name="English").click()
    page.locator("html[lang=en]").wait_for(state="attached")
    page.goto("/docs")

    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_signing_in_and_making_a_key_need_no_script(app, open_page):
    page = open_page(f"/sign-in/{make_link(app)}", scripts=False)
    page.locator("main form button").click()
    page.goto("/account")
    page.locator("#name").fill("report")
    page.locator("form.row button").click()

    assert page.locator("#secret").input_value().startswith("hm-")
    assert not page.locator("[data-copy]").is_visible()


def test_a_new_key_is_copied_with_one_button(sign_in_page):
    page = sign_in_page("dana", language="en")
    page.goto("/account")
    page.locator("#name").fill("report")
    page.get_by_role("button", name="Make a key").click()
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied").wait_for()

    secret = page.locator("#secret").input_value()
    assert page.evaluate("navigator.clipboard.readText()") == secret


def test_the_keyboard_reaches_the_content_first_and_everything_after(open_page):
    page = open_page("/sign-in", language="en")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.locator(":focus")).to_have_id("name")
