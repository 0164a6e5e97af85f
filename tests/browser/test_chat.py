"""The chat page in a real browser: asking, branches, the list, keeping, copying, errors."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE, check_accessible, check_fits
from tests.browser.talking import (
    ask,
    box,
    open_chat,
    send,
    until_written,
)
from tests.fakes import ANSWER, ScriptedEngine

LONG = "\n\n".join(f"문단 {number:02}. 경복궁은 조선의 법궁입니다." for number in range(80))
RICH = """코드와 표입니다.

```python
def greet(name):
    return f"안녕, {name}"
```

| 항목 | 수 |
| :-- | --: |
| 하나 | 1 |

[공식 문서](https://docs.python.org/ko/3/)와 `코드`."""

NO_PAGE = ("404 (Not Found)",)


@pytest.fixture
def engine():
    """Give an engine with an answer of every kind."""
    return ScriptedEngine({"길게": LONG, "코드": RICH}, pause_seconds=0.01, context_tokens=4096)


def test_a_question_is_answered_as_it_is_written(open_page):
    page = open_chat(open_page)
    send(page, "길게")
    page.get_by_text("문단 01.").wait_for()
    expect(page.get_by_role("button", name="멈추기")).to_be_visible()
    assert not page.get_by_text("문단 79.").is_visible()
    until_written(page)

    expect(page.get_by_text("문단 79.")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/chat/c/[0-9a-z]{26}$"))
    expect(page).to_have_title("길게 · 훈민")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_state_of_the_page_is_accessible_and_fits(open_page, scheme, size, language):
    page = open_chat(open_page, scheme=scheme, size=size, language=language)
    check_every_state(page, size=size, language=language)


def check_every_state(page, *, size, language):
    """Bring the page into each of its states, and look at each."""
    words = WORDS[language]

    def check():
        check_accessible(page)
        check_fits(page)

    check()
    box(page).fill("길게")
    page.get_by_role("button", name=words["send"], exact=True).click()
    page.get_by_text("문단 01.").wait_for()
    check()
    page.get_by_role("button", name=words["stop"]).click()
    page.get_by_role("button", name=words["send"], exact=True).wait_for()
    box(page).fill("코드")
    page.get_by_role("button", name=words["send"], exact=True).click()
    page.locator("li.model").nth(1).locator(".facts").wait_for()
    check()
    page.locator("li.you").last.get_by_role("button", name=words["edit"]).click()
    check()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+/")
    check()
    page.keyboard.press("Escape")
    page.get_by_role("button", name=words["from"]).last.click()
    page.locator("dialog .remark, dialog .trace").first.wait_for()
    check()
    page.keyboard.press("Escape")
    if size != DESK:
        page.get_by_role("button", name=words["list"]).click()
        check()
    page.locator(".conversations li").first.hover()
    page.locator(".conversations li").first.get_by_role("button").last.click()
    check()


WORDS = {
    "ko": {
        "send": "보내기",
        "stop": "멈추기",
        "edit": "질문 고치기",
        "from": "어디에서 온 답인가요?",
        "list": "대화 목록",
    },
    "en": {
        "send": "Send",
        "stop": "Stop",
        "edit": "Edit question",
        "from": "Where does this come from?",
        "list": "Conversations",
    },
}


def test_stopping_keeps_what_was_written_and_gives_the_box_back(open_page):
    page = open_chat(open_page)
    send(page, "길게")
    page.get_by_text("문단 01.").wait_for()
    page.get_by_role("button", name="멈추기").click()
    until_written(page)

    expect(page.get_by_text("여기서 멈췄습니다.")).to_be_visible()
    expect(page.get_by_text("문단 01.")).to_be_visible()
    expect(box(page)).to_be_focused()
    page.reload()
    page.locator("#chat[data-ready]").wait_for()
    expect(page.get_by_text("여기서 멈췄습니다.")).to_be_visible()


def test_another_answer_is_a_branch_one_can_switch_and_it_stays_chosen(open_page):
    page = open_chat(open_page)
    ask(page, "안녕하세요")
    page.get_by_role("button", name="다른 답변 받기").click()
    page.get_by_text("2/2").wait_for()
    until_written(page)
    with page.expect_response(lambda response: response.url.endswith("/branch")):
        page.get_by_role("button", name="이전 갈래").click()
    page.get_by_text("1/2").wait_for()
    page.reload()
    page.locator("#chat[data-ready]").wait_for()

    expect(page.get_by_text("1/2")).to_be_visible()
    assert page.get_by_role("button", name="이전 갈래").is_disabled()


def test_an_edited_question_goes_out_again_and_the_old_one_stays(open_page):
    page = open_chat(open_page)
    ask(page, "처음 질문")
    page.get_by_role("button", name="질문 고치기").click()
    page.locator("#edit").fill("고친 질문")
    page.get_by_role("button", name="다시 보내기").click()
    page.get_by_text("2/2").wait_for()
    until_written(page)
    expect(page.locator("li.you .said")).to_have_text(["고친 질문"])

    page.locator("li.you").get_by_role("button", name="이전 갈래").click()
    page.get_by_text("처음 질문", exact=True).last.wait_for()
    expect(page.locator("li.you .said")).to_have_text(["처음 질문"])


def test_the_up_arrow_in_an_empty_box_edits_the_last_question(open_page):
    page = open_chat(open_page)
    ask(page, "처음 질문")
    box(page).press("ArrowUp")
    page.locator("#edit").press_sequentially(" 더")
    page.keyboard.press("Enter")
    page.get_by_text("2/2").wait_for()

    expect(page.locator("li.you .said")).to_have_text(["처음 질문 더"])


def test_a_conversation_is_renamed_found_and_deleted_by_keyboard_alone(open_page):
    page = open_chat(open_page)
    ask(page, "전입신고 준비물")
    page.locator(".conversations li a").focus()
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("aria-label", "‘전입신고 준비물’ 메뉴")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="제목 바꾸기").press("Enter")
    page.keyboard.type("이사")
    page.keyboard.press("Enter")
    page.locator(".conversations").get_by_text("이사", exact=True).wait_for()
    expect(page).to_have_title("이사 · 훈민")

    page.keyboard.press("Control+k")
    page.keyboard.type("없는 말")
    page.get_by_text("찾은 대화가 없습니다.").wait_for()
    page.keyboard.press("Control+a")
    page.keyboard.type("14일")
    page.locator(".excerpt").wait_for()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.get_by_text("오늘", exact=True).wait_for()

    more = page.get_by_role("button", name="‘이사’ 메뉴")
    more.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="삭제", exact=True).press("Enter")
    page.get_by_role("alertdialog").wait_for()
    expect(page.locator(":focus")).to_have_text("취소")
    page.keyboard.press("Escape")
    page.get_by_role("alertdialog").wait_for(state="detached")
    expect(page.locator(".conversations li")).to_have_count(1)
    expect(more).to_be_focused()

    page.keyboard.press("Enter")
    page.get_by_role("button", name="삭제", exact=True).press("Enter")
    page.get_by_role("alertdialog").wait_for()
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("삭제")
    page.keyboard.press("Enter")
    page.get_by_text("무엇을 이야기해 볼까요?").wait_for()
    expect(page.locator(".conversations li")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/chat$"))


def test_everything_can_be_deleted_at_once(open_page):
    page = open_chat(open_page)
    ask(page, "하나")
    page.keyboard.press("Control+Shift+o")
    page.get_by_text("무엇을 이야기해 볼까요?").wait_for()
    ask(page, "둘")
    page.get_by_role("button", name="모두 삭제").click()
    page.get_by_role("alertdialog").get_by_role("button", name="모두 삭제").click()
    page.get_by_text("대화를 시작하면 여기에 목록이 생깁니다.").wait_for()

    expect(page.locator(".conversations li")).to_have_count(0)


def test_ones_conversations_can_be_taken_away(open_page):
    page = open_chat(open_page)
    ask(page, "안녕하세요")
    with page.expect_download() as started:
        page.get_by_role("link", name="모두 내려받기").click()

    assert started.value.suggested_filename.startswith("hunmin-")


def test_going_from_one_conversation_to_another_and_back(open_page):
    page = open_chat(open_page)
    ask(page, "하나")
    page.get_by_role("link", name="새 대화").click()
    ask(page, "둘")
    page.locator(".conversations").get_by_text("하나", exact=True).click()
    page.locator("li.you .said").get_by_text("하나").wait_for()
    page.go_back()
    page.locator("li.you .said").get_by_text("둘").wait_for()

    expect(page.locator("li.you")).to_have_count(1)


def test_a_draft_survives_a_reload_and_belongs_to_its_conversation(open_page):
    page = open_chat(open_page)
    box(page).fill("쓰다 만 글")
    page.reload()
    page.locator("#chat[data-ready]").wait_for()
    expect(box(page)).to_have_value("쓰다 만 글")

    ask(page, "보낸 글")
    expect(box(page)).to_have_value("")
    box(page).fill("다음 초안")
    page.get_by_role("link", name="새 대화").click()
    page.get_by_text("무엇을 이야기해 볼까요?").wait_for()
    expect(box(page)).to_have_value("")
    page.go_back()
    page.locator("li.you").wait_for()
    expect(box(page)).to_have_value("다음 초안")


def test_an_answer_goes_on_after_a_reload(open_page):
    page = open_chat(open_page)
    send(page, "길게")
    page.get_by_text("문단 01.").wait_for()
    page.reload()
    page.locator("#chat[data-ready]").wait_for()
    page.get_by_role("button", name="멈추기").wait_for()
    until_written(page)

    text = page.locator("li.model").inner_text()
    assert [text.count(f"문단 {number:02}.") for number in range(80)] == [1] * 80


def test_a_reader_who_scrolled_up_is_left_there(open_page):
    page = open_chat(open_page)
    send(page, "길게")
    page.get_by_text("문단 12.").wait_for()
    page.locator(".log").hover()
    page.mouse.wheel(0, -4000)
    page.get_by_role("button", name="맨 아래로").wait_for()
    place = page.evaluate("document.querySelector('.log').scrollTop")
    until_written(page)
    assert page.evaluate("document.querySelector('.log').scrollTop") == place

    page.get_by_role("button", name="맨 아래로").click()
    page.get_by_text("문단 79.").wait_for()
    page.get_by_role("button", name="맨 아래로").wait_for(state="detached")


def test_whoever_reads_along_sees_the_newest_words(open_page):
    page = open_chat(open_page)
    ask(page, "길게")

    left = page.locator(".log").evaluate(
        "log => log.scrollHeight - log.scrollTop - log.clientHeight"
    )
    assert left < 2


def test_code_is_colored_and_copied_and_tables_keep_their_sides(open_page):
    page = open_chat(open_page)
    ask(page, "코드")
    page.locator(".hljs-keyword").first.wait_for()
    page.get_by_role("button", name="코드 복사").click()
    page.get_by_text("복사했습니다", exact=True).wait_for()

    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == 'def greet(name):\n    return f"안녕, {name}"'
    aligned = page.locator("td").last.evaluate("cell => getComputedStyle(cell).textAlign")
    assert aligned in {"right", "end"}
    link = page.get_by_role("link", name="공식 문서")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(page.locator(".host")).to_have_text("(docs.python.org)")


def test_an_answer_is_copied_as_it_was_written_and_marked_as_a_models(open_page):
    page = open_chat(open_page)
    ask(page, "안녕하세요")
    page.get_by_role("button", name="답변 복사").click()
    page.wait_for_function("document.querySelector('#chat > [role=status]').textContent")

    assert page.evaluate("navigator.clipboard.readText()") == ANSWER
    marked = page.evaluate(
        """async () => {
            const [item] = await navigator.clipboard.read();
            return (await item.getType("text/html")).text();
        }"""
    )
    assert 'data-ai-generated="true"' in marked


def test_a_line_of_facts_and_the_mark_of_a_model_stand_with_each_answer(open_page):
    page = open_chat(open_page)
    ask(page, "안녕하세요")
    answer = page.locator("li.model")

    expect(answer).to_have_attribute("data-ai-generated", "true")
    expect(answer).to_have_attribute("data-ai-model", "hunmin-reference")
    expect(answer.get_by_text("AI가 생성한 글입니다")).to_be_visible()
    facts = answer.locator(".facts").inner_text()
    assert "hunmin-reference" in facts
    assert re.search(r"[\d.]+초", facts)
    assert re.search(r"\d+토큰", facts)
    expect(page.locator("meta[name=ai-generated-content]")).to_have_count(1)


def test_what_happens_to_ones_words_is_said_beside_the_box(open_page):
    page = open_chat(open_page)

    hint = page.locator("#message-hint").inner_text()
    assert "이 서버에만 저장" in hint
    assert "학습에 쓰이지 않" in hint
    assert "지울 수 있습니다" in hint
    expect(box(page)).to_have_attribute("aria-describedby", "message-hint")


def test_an_example_fills_the_box_and_leaves_the_sending_to_the_reader(open_page):
    page = open_chat(open_page)
    page.locator(".examples button").first.click()

    expect(box(page)).to_have_value("너는 누구야?")
    expect(page.locator("li.you")).to_have_count(0)
    page.keyboard.press("Enter")
    page.locator("li.you").wait_for()


def test_a_message_that_is_too_long_says_so_and_is_not_sent(open_page):
    page = open_chat(open_page)
    box(page).fill("가" * 20_005)

    expect(page.get_by_text("5자 초과")).to_be_visible()
    assert page.get_by_role("button", name="보내기", exact=True).is_disabled()


def test_an_edited_question_that_is_too_long_says_so_and_loses_nothing(open_page):
    page = open_chat(open_page)
    ask(page, "처음 질문")
    page.get_by_role("button", name="질문 고치기").click()
    page.locator("#edit").fill("가" * 20_005)

    expect(page.get_by_text("5자 초과")).to_be_visible()
    expect(page.locator("#edit")).to_have_value("가" * 20_005)
    assert page.get_by_role("button", name="다시 보내기").is_disabled()
    check_accessible(page)


def test_what_was_typed_before_the_scripts_came_is_kept(open_page):
    page = open_page("/chat")
    page.route("**/app.js", lambda route: (page.wait_for_timeout(500), route.continue_()))
    page.reload(wait_until="commit")
    box(page).fill("일찍 쓴 글")
    page.locator("#search").fill("일찍")
    page.locator("#chat[data-ready]").wait_for()

    expect(box(page)).to_have_value("일찍 쓴 글")
    expect(page.locator("#search")).to_have_value("일찍")


def test_the_page_reads_and_answers_without_scripts(open_page):
    page = open_chat(open_page, scripts=False)
    box(page).fill("안녕하세요")
    page.get_by_role("button", name="보내기").click()
    page.locator(".said").get_by_text("14일 안에").wait_for()

    expect(page.get_by_text("AI가 생성한 글입니다")).to_be_visible()
    expect(page.locator(".conversations li")).to_have_count(1)
    check_fits(page)


def test_on_a_phone_the_list_is_a_drawer(open_page):
    page = open_chat(open_page, size=PHONE)
    ask(page, "하나")
    page.get_by_role("link", name="새 대화").click()
    page.get_by_text("무엇을 이야기해 볼까요?").wait_for()
    page.get_by_role("button", name="대화 목록").click()
    page.get_by_role("dialog").get_by_role("link", name="API").wait_for()
    page.get_by_role("dialog").get_by_text("하나", exact=True).click()
    page.get_by_role("dialog").wait_for(state="detached")

    expect(page.locator("li.you .said")).to_have_text("하나")
