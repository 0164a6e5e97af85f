"""A temporary chat in a real browser: answered, changed, stopped; and nothing of it is kept."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, check_accessible, check_fits
from tests.browser.talking import ask, box, open_chat, questions, send, until_written
from tests.fakes import ScriptedEngine

CANARY = "까나리아 7731"
LONG = "길게 씁니다. " * 400


@pytest.fixture
def engine():
    """Give an engine that answers with a canary, or at length."""
    return ScriptedEngine(
        {"길게": LONG}, answer=f"{CANARY} 답", pause_seconds=0.01, context_tokens=4096
    )


def open_temporary(open_page, **options):
    page = open_chat(open_page, **options)
    page.get_by_role("button", name=re.compile("^임시 대화")).click()
    page.get_by_text("여기에도 서버에도 남지 않습니다").wait_for()
    return page


EVERYTHING_KEPT = """async () => {
    const kept = [JSON.stringify(sessionStorage), JSON.stringify(localStorage), document.cookie];
    for (const name of await caches.keys()) {
        for (const one of await (await caches.open(name)).keys()) kept.push(one.url);
    }
    kept.push(JSON.stringify(await indexedDB.databases()), location.href, document.title);
    kept.push(JSON.stringify(history.state));
    return kept.join(" ");
}"""


def test_no_word_of_it_is_in_the_browser_the_list_or_the_address(open_page):
    page = open_temporary(open_page)
    check_accessible(page)
    ask(page, CANARY)
    box(page).fill(f"{CANARY} 반쯤 쓴 글")
    assert CANARY not in page.evaluate(EVERYTHING_KEPT)
    expect(page).to_have_url(re.compile("/chat$"))
    expect(page.locator(".conversations .row")).to_have_count(0)
    expect(page.get_by_role("button", name="좋은 답변")).to_have_count(0)
    check_accessible(page)

    page.reload()
    page.locator("#chat[data-ready]").wait_for()
    expect(page.locator("li.model")).to_have_count(0)
    expect(box(page)).to_have_value("")
    page.goto("/sign-in")
    page.go_back()
    page.locator("#chat[data-ready]").wait_for()
    assert CANARY not in page.content()


def test_what_was_typed_comes_along_and_the_chat_goes_on_with_all_that_was_said(open_page, engine):
    page = open_chat(open_page, size=PHONE)
    box(page).fill("먼저 쓴 글")
    page.get_by_role("button", name=re.compile("^임시 대화")).click()
    expect(box(page)).to_have_value("먼저 쓴 글")
    assert "먼저" not in page.evaluate(EVERYTHING_KEPT)
    box(page).press("Control+Enter")
    page.locator("li.model").wait_for()
    until_written(page)
    ask(page, "다음 질문")
    said = [message.content for message in engine.generations[-1].messages]
    assert said == ["먼저 쓴 글", f"{CANARY} 답", "다음 질문"]
    check_fits(page)

    page.get_by_role("button", name="질문 고치기").last.click()
    page.locator("#edit").fill("고친 질문")
    page.locator("#edit").press("Enter")
    expect(page.locator("#edit")).to_have_count(0)
    until_written(page)
    expect(page.locator("li.you .branches")).to_contain_text("2/2")
    page.get_by_role("button", name="다른 답변 받기").last.click()
    expect(page.locator("li.model .branches")).to_contain_text("2/2")
    assert questions(page) == ["먼저 쓴 글", "고친 질문"]


def test_it_is_stopped_and_left_at_once(open_page, engine):
    page = open_temporary(open_page)
    send(page, "길게")
    page.get_by_text("길게 씁니다.").wait_for()
    page.get_by_role("button", name="멈추기").click()
    page.get_by_text("여기서 멈췄습니다").wait_for()
    send(page, "길게")
    page.locator("li.model").nth(1).get_by_text("길게 씁니다.").wait_for()
    page.keyboard.press("Control+Shift+o")
    page.get_by_text("무엇을 이야기해 볼까요?").wait_for()
    expect(page.get_by_role("button", name=re.compile("^임시 대화"))).to_be_visible()
    page.wait_for_timeout(300)

    assert engine.running == 0
