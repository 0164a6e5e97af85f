"""Keeping order in a real browser: folders, pins, the archive, search by initials, wishes."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE, check_accessible, check_fits
from tests.browser.talking import NOT_THERE, ask, menu, open_chat
from tests.fakes import MODEL, ScriptedEngine

ROWS = ".conversations .row .title"


@pytest.fixture
def settings(settings):
    """Give settings that let conversations be shared."""
    return settings.model_copy(update={"chat": settings.chat.model_copy(update={"shares": True})})


@pytest.fixture
def engine():
    """Give an engine with two models."""
    return ScriptedEngine(models=(MODEL, "other"))


def places(page):
    return page.get_by_role("navigation", name="폴더")


def make_folder(page, name, instructions=""):
    places(page).get_by_role("button", name="새 폴더").click()
    dialog = page.get_by_role("dialog", name="새 폴더")
    dialog.get_by_label("이름").fill(name)
    dialog.get_by_label("지시문").fill(instructions)
    dialog.get_by_role("button", name="저장").click()
    dialog.wait_for(state="detached")


def test_a_conversation_is_filed_pinned_found_by_initials_and_archived_by_keyboard_alone(open_page):
    page = open_chat(open_page)
    ask(page, "훈민정음이 뭐야?")
    page.keyboard.press("Control+Shift+o")
    page.get_by_text("무엇을 이야기해 볼까요?").wait_for()
    ask(page, "점심 메뉴")
    expect(page.locator(ROWS)).to_have_text(["점심 메뉴", "훈민정음이 뭐야?"])

    new_folder = places(page).get_by_role("button", name="새 폴더")
    new_folder.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_label("이름").focus()
    page.keyboard.type("우리말")
    page.keyboard.press("Enter")
    page.get_by_text("빈 폴더입니다.").wait_for()
    expect(new_folder).to_be_focused()

    for _ in range(3):
        page.keyboard.press("ArrowUp")
    expect(page.locator(":focus")).to_have_text("모든 대화")
    page.keyboard.press("Enter")
    expect(page.locator(ROWS)).to_have_count(2)

    page.keyboard.press("Control+k")
    page.keyboard.type("ㅎㅁㅈㅇ")
    expect(page.locator(ROWS)).to_have_text(["훈민정음이 뭐야?"])
    for _ in range(7):
        if page.locator(":focus").get_attribute("aria-label") == "‘훈민정음이 뭐야?’ 메뉴":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_label("폴더").focus()
    page.keyboard.press("ArrowDown")
    page.get_by_text("폴더를 바꿨습니다.").wait_for()
    expect(page.get_by_role("dialog").get_by_label("폴더")).to_be_focused()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="맨 위에 고정").press("Enter")
    page.get_by_role("dialog").wait_for(state="detached")
    page.keyboard.press("Control+k")
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.get_by_role("heading", name="고정한 대화").wait_for()
    expect(page.locator(ROWS)).to_have_text(["훈민정음이 뭐야?", "점심 메뉴"])
    places(page).get_by_role("button", name="우리말").press("Enter")
    expect(page.locator(ROWS)).to_have_text(["훈민정음이 뭐야?"])
    places(page).get_by_role("button", name="모든 대화").press("Enter")
    expect(page.locator(ROWS)).to_have_count(2)

    page.get_by_role("button", name="‘훈민정음이 뭐야?’ 메뉴").press("Enter")
    page.get_by_role("button", name="보관함에 넣기").press("Enter")
    expect(page.locator(ROWS)).to_have_text(["점심 메뉴"])
    places(page).get_by_role("button", name="보관함").press("Enter")
    expect(page.locator(ROWS)).to_have_text(["훈민정음이 뭐야?"])


def test_a_conversation_begun_in_a_folder_stays_there_and_is_told_what_the_folder_says(
    open_page, engine
):
    page = open_chat(open_page)
    make_folder(page, "민원", "짧게 답하세요.")
    ask(page, "전입신고")
    expect(page.locator(ROWS)).to_have_text(["전입신고"])
    assert engine.generations[-1].messages[0].content == "짧게 답하세요."

    page.get_by_role("button", name="‘민원’ 폴더 바꾸기").click()
    page.get_by_role("dialog").get_by_role("button", name="삭제").click()
    page.get_by_role("alertdialog").get_by_role("button", name="삭제").click()
    expect(places(page).get_by_text("민원")).to_have_count(0)
    expect(page.locator(ROWS)).to_have_text(["전입신고"])


def test_folders_are_moved_up_and_down(open_page):
    page = open_chat(open_page)
    make_folder(page, "가")
    make_folder(page, "나")
    page.get_by_role("button", name="‘나’ 폴더 바꾸기").click()
    page.get_by_role("dialog").get_by_role("button", name="위로").click()
    expect(places(page).locator(".title")).to_have_text(["모든 대화", "나", "가", "보관함"])
    page.keyboard.press("Escape")
    page.reload()
    expect(places(page).locator(".title")).to_have_text(["모든 대화", "나", "가", "보관함"])


def test_how_to_answer_is_said_once_and_kept(open_page, engine):
    page = open_chat(open_page)
    page.locator("#model-menu").select_option("other")
    ask(page, "안녕")
    page.get_by_role("button", name="답변 방식").click()
    here = page.get_by_role("group", name="이 대화")
    everywhere = page.get_by_role("group", name="모든 대화")
    expect(here.get_by_label("모델")).to_have_value("other")
    here.get_by_label("지시문").fill("이 대화에서는 반말로.")
    here.get_by_label("온도").fill("0.2")
    everywhere.get_by_label("지시문").fill("짧게.")
    page.get_by_role("button", name="저장").click()
    page.get_by_role("dialog").wait_for(state="detached")
    page.reload()
    page.locator("#chat[data-ready]").wait_for()
    expect(page.locator("#model-menu")).to_have_value("other")
    ask(page, "또")

    asked = engine.generations[-1]
    assert asked.messages[0].content == "이 대화에서는 반말로.\n\n짧게."
    assert (asked.model, asked.sampling.temperature) == ("other", 0.2)


def test_instructions_that_are_too_long_are_kept_in_the_box_and_refused_in_words(open_page):
    page = open_chat(open_page, faults_allowed=("422",))
    page.get_by_role("button", name="답변 방식").click()
    words = page.get_by_role("dialog").get_by_label("지시문")
    words.fill("가" * 4_001)
    page.get_by_role("button", name="저장").click()
    page.get_by_role("dialog").get_by_role("alert").get_by_text("4,000자").wait_for()

    assert len(words.input_value()) == 4_001


def test_a_conversation_is_shared_masked_read_by_a_stranger_and_taken_back_by_keyboard_alone(
    sign_in_page, open_page
):
    page = sign_in_page("dana", faults_allowed=NOT_THERE)
    page.goto("/chat")
    page.locator("#chat[data-ready]").wait_for()
    ask(page, "제 번호는 010-1234-5678입니다")
    page.locator(".conversations .row .more").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="공유하기").press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("개인정보를 2개 찾았습니다").wait_for()
    check_accessible(page)
    dialog.get_by_role("button", name="주소 만들기").press("Enter")
    address = dialog.get_by_label("주소").input_value()
    check_accessible(page)

    reader = open_page(address, size=PHONE, faults_allowed=NOT_THERE)
    reader.get_by_text("제 번호는").first.wait_for()
    assert "010-1234-5678" not in reader.content()
    check_accessible(reader)
    check_fits(reader)

    dialog.get_by_role("link", name="공유한 대화").press("Enter")
    page.get_by_role("heading", name="공유한 대화").wait_for()
    check_accessible(page)
    page.get_by_role("button", name="공유 끝내기").press("Enter")
    page.get_by_text("공유한 대화가 없습니다.").wait_for()
    reader.reload()
    reader.get_by_text("볼 수 있는 대화가 없습니다").wait_for()


def test_a_conversation_is_downloaded_in_the_form_one_chooses(open_page):
    page = open_chat(open_page)
    ask(page, "전입신고 준비물")
    with page.expect_download() as coming:
        menu(page, "전입신고 준비물").get_by_role("link", name="Markdown").click()

    assert coming.value.suggested_filename.endswith(".md")
    assert "전입신고 준비물" in Path(coming.value.path()).read_text("utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE])
def test_every_dialog_is_accessible_and_fits(open_page, size, scheme):
    page = open_chat(open_page, size=size, scheme=scheme)
    ask(page, "전입신고 준비물")

    def open_list():
        if size == PHONE and not page.get_by_role("dialog", name="대화 목록").count():
            page.locator(".talk-head").get_by_role("button", name="대화 목록").click()

    def check(close="Escape"):
        check_accessible(page)
        check_fits(page)
        page.keyboard.press(close)

    open_list()
    make_folder(page, "민원과 아주 긴 이름을 가진 폴더가 여기에 있습니다")
    page.locator(".places .more").click()
    check()
    places(page).get_by_role("button", name="모든 대화").click()
    menu(page, "전입신고 준비물")
    check()
    if size == PHONE:
        page.keyboard.press("Escape")
    page.get_by_role("button", name="답변 방식").click()
    check()
