"""High contrast, forced colors, the narrowest window, still pictures: for those who need them."""

from itertools import groupby

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, check_accessible, check_fits
from tests.browser.talking import ask, box, listen, open_chat, send, spoken
from tests.browser.test_chat import LONG, RICH, check_every_state
from tests.browser.test_pages import NO_PAGE, OPEN_PAGES
from tests.fakes import ScriptedEngine
from tests.support.desk import make_key

NARROW = (320, 640)
"""A window of 1280 pixels at 400 %, as WCAG 1.4.10 asks."""

MIXED = """주소는 https://www.example.go.kr/very/long/path/without/any/break/index.do?a=1 입니다.

大韓民國憲法第一條第一項大韓民國은民主共和國이다大韓民國의主權은國民에게있고모든權力은國民으로부터나온다.

Pneumonoultramicroscopicsilicovolcanoconiosisandmore띄어쓰기없이이어지는아주아주아주아주긴한국어문장입니다

`a_very_long_name_of_a_function_that_never_ends(with_an_argument_that_is_long_too)`

- [x] https://example.org/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa

$a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q + r + s + t = 123456789$"""


@pytest.fixture
def engine():
    """Give an engine with an answer of every kind."""
    answers = {"길게": LONG, "코드": RICH, "섞어": MIXED}
    return ScriptedEngine(answers, pause_seconds=0.01, context_tokens=4096)


@pytest.fixture(params=["contrast", "forced"])
def looked_at(request, open_page, address):
    """Give `open_page` for one of the two modes of strong contrast."""
    if request.param == "forced":
        return lambda path, **more: open_page(path, forced_colors="active", **more)

    def with_theme(path, **more):
        page = open_page("about:blank", **more)
        page.context.add_cookies([{"name": "hunmin_theme", "value": "contrast", "url": address}])
        page.goto(path)
        expect(page.locator("html[data-theme=contrast]")).to_have_count(1)
        return page

    return with_theme


def test_every_state_of_the_chat_page_is_accessible_in_strong_contrast(looked_at):
    page = open_chat(looked_at)
    check_every_state(page, size=DESK, language="ko")


def test_every_public_page_is_accessible_in_strong_contrast(looked_at):
    page = looked_at("/offline", faults_allowed=NO_PAGE)
    for path in ("/offline", *OPEN_PAGES):
        page.goto(path)
        check_accessible(page)


def test_the_account_page_is_accessible_in_forced_colors(app, sign_in_page):
    make_key(app, "dana")
    page = sign_in_page("dana", forced_colors="active")
    page.goto("/account")
    check_accessible(page)


def test_no_page_scrolls_sideways_in_the_narrowest_window(open_page):
    page = open_page("/offline", size=NARROW, faults_allowed=NO_PAGE)
    for path in ("/offline", *OPEN_PAGES):
        page.goto(path)
        check_fits(page)


def test_no_state_of_the_chat_page_scrolls_sideways_in_the_narrowest_window(open_page):
    page = open_chat(open_page, size=NARROW)
    check_every_state(page, size=NARROW, language="ko")


@pytest.mark.parametrize("size", [NARROW, (390, 844)], ids=["narrow", "phone"])
def test_words_without_a_place_to_break_stay_in_the_window(open_page, size):
    page = open_chat(open_page, size=size)
    ask(page, "섞어")
    page.locator("li.model math").wait_for()
    check_fits(page)

    log = page.locator(".log")
    assert log.evaluate("log => log.scrollWidth <= log.clientWidth")
    box(page).fill(MIXED.split()[1])
    box(page).press("Enter")
    page.locator("li.you").nth(1).wait_for()
    assert log.evaluate("log => log.scrollWidth <= log.clientWidth")


def test_nothing_moves_for_whoever_asked_for_stillness(open_page):
    page = open_chat(open_page, reduced_motion="reduce")
    send(page, "길게")
    page.get_by_text("문단 01.").wait_for()
    page.locator("summary").click()

    assert page.evaluate("document.getAnimations().length") == 0


def test_a_dialog_takes_the_focus_keeps_it_and_gives_it_back(open_page):
    page = open_chat(open_page)
    opener = page.get_by_role("button", name="단축키")
    opener.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    for _ in range(8):
        inside = page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
        assert inside
        page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")

    expect(opener).to_be_focused()


def test_the_live_region_speaks_twice_for_an_answer_however_long_it_is(open_page):
    page = open_chat(open_page)
    listen(page)
    ask(page, "길게")
    page.wait_for_timeout(100)
    said = [one for one, _ in groupby(spoken(page)) if one]

    assert len(said) == 2


def test_a_question_mark_shows_every_key_unless_it_is_switched_off(open_page):
    page = open_chat(open_page)
    box(page).press("?")
    expect(box(page)).to_have_value("?")
    page.locator(".log").focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="단축키와 입력")
    dialog.get_by_label("?로 이 창을 열지 않기").check()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    page.locator(".log").focus()
    page.keyboard.press("?")
    page.keyboard.press("Control+/")
    dialog.wait_for()

    expect(page.get_by_role("dialog")).to_have_count(1)
