"""Rating an answer in a real browser, and agreeing that it may be used for training."""

from playwright.sync_api import expect

from tests.browser.conftest import PHONE, check_accessible, check_fits
from tests.browser.talking import NOT_THERE, ask, open_chat

SAVE = "저장"


def test_an_answer_is_rated_agreed_to_and_the_consent_taken_back_by_keyboard_alone(sign_in_page):
    page = sign_in_page("dana", faults_allowed=NOT_THERE)
    page.goto("/chat")
    page.locator("#chat[data-ready]").wait_for()
    ask(page, "전입신고")
    good = page.get_by_role("button", name="좋은 답변")
    good.press("Enter")
    dialog = page.get_by_role("dialog", name="이 답변은 어땠나요?")
    agree = dialog.get_by_role("checkbox", name="동의합니다 (안내 1호)")
    expect(agree).not_to_be_checked()
    expect(dialog.get_by_text("동의하지 않아도 아무 불이익이 없습니다.")).to_be_visible()
    dialog.get_by_label("이해하기 쉽습니다").press("Space")
    agree.press("Space")
    dialog.get_by_role("button", name=SAVE).press("Enter")
    dialog.wait_for(state="detached")
    expect(good).to_have_attribute("aria-pressed", "true")
    expect(good).to_be_focused()

    page.reload()
    page.locator("#chat[data-ready]").wait_for()
    good.press("Enter")
    expect(agree).to_be_checked()
    expect(dialog.get_by_label("이해하기 쉽습니다")).to_be_checked()
    dialog.get_by_role("link", name="나의 평가").press("Enter")
    page.get_by_role("heading", name="나의 평가").wait_for()
    page.get_by_role("button", name="동의 철회").press("Enter")
    page.get_by_text("학습에 쓰지 않습니다.").wait_for()
    page.get_by_role("button", name="삭제").press("Enter")
    page.get_by_text("평가한 답변이 없습니다.").wait_for()


def test_a_guest_is_asked_for_no_consent_and_takes_the_verdict_back(open_page):
    page = open_chat(open_page, size=PHONE)
    ask(page, "전입신고")
    bad = page.get_by_role("button", name="나쁜 답변")
    bad.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("학습에 쓰지 않습니다.")).to_be_visible()
    expect(dialog.get_by_text("동의합니다")).to_have_count(0)
    dialog.get_by_label("좋은 답변").check()
    expect(dialog.get_by_label("내용이 맞습니다")).to_be_visible()
    dialog.get_by_label("나쁜 답변").check()
    dialog.get_by_label("한국어가 어색합니다").check()
    check_accessible(page)
    check_fits(page)
    dialog.get_by_role("button", name=SAVE).click()
    expect(bad).to_have_attribute("aria-pressed", "true")

    bad.click()
    dialog.get_by_role("button", name="평가 지우기").click()
    expect(bad).to_have_attribute("aria-pressed", "false")
