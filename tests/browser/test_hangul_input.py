"""Enter and the Korean input method: no syllable is lost, doubled, or sent half made.

Composition is Chromium's own, driven through its debugging protocol. The orders of other systems
(two keydowns on Windows, the late keydown of Safari) are made of the events they were seen to send.
"""

import pytest
from playwright.sync_api import expect

from tests.browser.talking import QUESTIONS, ask, box, menu, open_chat, questions, until_written

ENTER = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
ENTER_OF_INPUT_METHOD = {"key": "Process", "code": "Enter", "windowsVirtualKeyCode": 229}


class Korean:
    """A Korean keyboard: composes syllables in the box that has the focus."""

    def __init__(self, page):
        self.page = page
        self.protocol = page.context.new_cdp_session(page)

    def compose(self, syllable):
        self.protocol.send(
            "Input.imeSetComposition",
            {"text": syllable, "selectionStart": len(syllable), "selectionEnd": len(syllable)},
        )

    def commit(self, syllable):
        self.protocol.send("Input.insertText", {"text": syllable})

    def press(self, key, *, release=True):
        self.protocol.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
        if release:
            self.protocol.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})

    def type(self, text):
        """Type whole syllables, each composed and committed."""
        for syllable in text:
            self.compose(syllable)
            self.commit(syllable)


@pytest.fixture
def page(open_page):
    return open_chat(open_page)


@pytest.fixture
def korean(page):
    box(page).focus()
    return Korean(page)


def settle(page):
    """Give a message that should not go out the time to go out."""
    page.wait_for_timeout(400)


@pytest.mark.parametrize("key", [ENTER, ENTER_OF_INPUT_METHOD], ids=["13", "229"])
@pytest.mark.parametrize("release", [True, False], ids=["released", "held"])
def test_enter_in_a_syllable_sends_nothing_and_the_next_one_sends_it_whole(
    page, korean, key, release
):
    korean.type("안녕하세")
    korean.compose("ㅇ")
    korean.compose("요")
    korean.press(key, release=release)
    settle(page)
    assert questions(page) == []
    expect(box(page)).to_have_value("안녕하세요")

    korean.commit("요")
    settle(page)
    assert questions(page) == []
    korean.press(ENTER)
    until_written(page)

    expect(page.locator(QUESTIONS)).to_have_text(["안녕하세요"])
    expect(box(page)).to_have_value("")


def test_enter_again_and_again_in_a_syllable_never_sends(page, korean):
    korean.compose("한")
    for _ in range(3):
        korean.press(ENTER_OF_INPUT_METHOD)
        korean.press(ENTER)
    settle(page)

    assert questions(page) == []
    assert box(page).input_value().startswith("한")
    assert "\n" not in box(page).input_value()


KEYDOWNS = """(box, presses) => {
    for (const [type, options] of presses) {
        if (type.startsWith("composition")) {
            box.dispatchEvent(new CompositionEvent(type, {bubbles: true, ...options}));
            continue;
        }
        const event = new KeyboardEvent(type, {
            bubbles: true, cancelable: true, key: "Enter", code: "Enter", ...options,
        });
        Object.defineProperty(event, "keyCode", {get: () => options.keyCode});
        box.dispatchEvent(event);
    }
}"""

WINDOWS = [
    ("compositionstart", {"data": ""}),
    ("compositionupdate", {"data": "요"}),
    ("keydown", {"keyCode": 229, "isComposing": True}),
    ("compositionend", {"data": "요"}),
    ("keydown", {"keyCode": 13, "isComposing": False}),
    ("keyup", {"keyCode": 13}),
]
SAFARI = [
    ("compositionstart", {"data": ""}),
    ("compositionupdate", {"data": "요"}),
    ("compositionend", {"data": "요"}),
    ("keydown", {"keyCode": 229, "isComposing": False}),
    ("keyup", {"keyCode": 13}),
]
FIREFOX = [
    ("compositionstart", {"data": ""}),
    ("compositionupdate", {"data": "요"}),
    ("keydown", {"keyCode": 229, "isComposing": True}),
    ("compositionend", {"data": "요"}),
    ("keyup", {"keyCode": 13}),
]
ORDERS = {"windows": WINDOWS, "safari": SAFARI, "firefox": FIREFOX}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_the_enter_that_ends_a_syllable_does_not_send_in_any_browsers_order(page, order):
    box(page).fill("안녕하세요")
    box(page).evaluate(KEYDOWNS, order)
    settle(page)
    assert questions(page) == []
    expect(box(page)).to_have_value("안녕하세요")

    box(page).press("Enter")
    until_written(page)
    expect(page.locator(QUESTIONS)).to_have_text(["안녕하세요"])


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_whoever_chose_so_sends_with_that_very_enter_once_and_whole(page, order):
    choose(page, "composedEnter")
    box(page).fill("안녕하세요")
    box(page).evaluate(KEYDOWNS, order)
    until_written(page)
    settle(page)

    expect(page.locator(QUESTIONS)).to_have_text(["안녕하세요"])
    expect(box(page)).to_have_value("")


def test_whoever_chose_so_sends_a_syllable_that_chromium_composed_once_and_whole(page, korean):
    choose(page, "composedEnter")
    box(page).focus()
    korean.type("안녕하세")
    korean.compose("요")
    korean.press(ENTER_OF_INPUT_METHOD, release=False)
    korean.commit("요")
    korean.press(ENTER)
    until_written(page)
    settle(page)

    expect(page.locator(QUESTIONS)).to_have_text(["안녕하세요"])
    expect(box(page)).to_have_value("")


def choose(page, name):
    page.keyboard.press("Control+/")
    words = {"controlEnter": "Enter로만", "composedEnter": "조합"}[name]
    page.get_by_role("dialog").get_by_role("checkbox", name=words).check()
    page.keyboard.press("Escape")


def test_the_button_waits_for_the_end_of_the_syllable(page, korean):
    korean.type("안녕하세")
    korean.compose("요")
    page.get_by_role("button", name="보내기", exact=True).click()
    until_written(page)

    expect(page.locator(QUESTIONS)).to_have_text(["안녕하세요"])
    expect(box(page)).to_have_value("")


def test_enter_in_a_syllable_does_not_send_an_edited_question_either(page):
    ask(page, "처음")
    page.get_by_role("button", name="질문 고치기").click()
    korean = Korean(page)
    korean.compose("글")
    korean.press(ENTER_OF_INPUT_METHOD)
    settle(page)
    expect(page.locator("#edit")).to_have_value("처음글")

    korean.commit("글")
    korean.press(ENTER)
    page.get_by_text("2/2").wait_for()
    expect(page.locator(QUESTIONS)).to_have_text(["처음글"])


def test_enter_in_a_syllable_does_not_end_a_renaming(page):
    ask(page, "처음")
    menu(page, "처음").get_by_role("button", name="제목 바꾸기").click()
    korean = Korean(page)
    korean.compose("글")
    korean.press(ENTER_OF_INPUT_METHOD)
    settle(page)
    expect(page.get_by_label("제목", exact=True)).to_have_value("글")

    korean.commit("글")
    korean.press(ENTER)
    page.locator(".conversations").get_by_text("글", exact=True).wait_for()


def test_hangul_in_pieces_is_put_together_before_it_is_sent(page):
    box(page).fill("\u1112\u1161\u11ab\u1100\u1173\u11af")
    box(page).press("Enter")
    until_written(page)

    expect(page.locator(QUESTIONS)).to_have_text(["한글"])


def test_shift_and_enter_make_a_new_line(page):
    box(page).press_sequentially("하나")
    box(page).press("Shift+Enter")
    box(page).press_sequentially("둘")
    box(page).press("Enter")
    until_written(page)

    assert questions(page) == ["하나\n둘"]


def test_a_held_enter_sends_once(page):
    box(page).fill("하나")
    box(page).focus()
    for _ in range(3):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    until_written(page)

    expect(page.locator(QUESTIONS)).to_have_text(["하나"])


def test_whoever_chose_so_sends_with_control_and_enter_only(page):
    choose(page, "controlEnter")
    box(page).press_sequentially("하나")
    box(page).press("Enter")
    box(page).press_sequentially("둘")
    assert questions(page) == []
    box(page).press("Control+Enter")
    until_written(page)

    assert questions(page) == ["하나\n둘"]


def test_on_a_touch_screen_enter_makes_a_new_line(open_page):
    page = open_chat(open_page, size=(390, 844), has_touch=True, is_mobile=True)
    box(page).press_sequentially("하나")
    box(page).press("Enter")
    box(page).press_sequentially("둘")
    expect(box(page)).to_have_value("하나\n둘")
    page.get_by_role("button", name="보내기", exact=True).tap()
    until_written(page)

    assert questions(page) == ["하나\n둘"]
