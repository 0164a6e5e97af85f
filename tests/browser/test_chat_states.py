"""The chat page when things are slow, broken or many; and what a screen reader is told."""

import asyncio

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import check_accessible
from tests.browser.talking import (
    QUESTIONS,
    ask,
    box,
    listen,
    menu,
    open_chat,
    questions,
    send,
    spoken,
    until_written,
)
from tests.fakes import ANSWER, ScriptedEngine

WORDS = "낱말이 이어집니다. " * 150


class TestSpeech:
    @pytest.fixture
    def engine(self):
        return ScriptedEngine(pause_seconds=0.02)

    def test_the_beginning_and_the_end_are_spoken_once_and_not_each_token(self, open_page):
        page = open_chat(open_page)
        listen(page)
        ask(page, "안녕하세요")
        page.wait_for_function("window.spoken.at(-1).startsWith('답변이 끝났습니다.')")
        said = [one for one in spoken(page) if one]

        assert len(said) == 2
        assert said[0] == "답변을 쓰는 중"
        assert "이사한 날부터 14일 안에 합니다. 새 주소지의 주민센터" in said[1]

    def test_the_conversation_is_a_log_that_is_not_read_aloud_by_itself(self, open_page):
        page = open_chat(open_page)
        log = page.get_by_role("log", name="대화 내용")

        expect(log).to_have_attribute("aria-live", "off")
        expect(log).to_have_attribute("tabindex", "0")
        expect(page.locator("#chat [aria-live=polite]")).to_have_count(1)
        ask(page, "안녕하세요")
        expect(page.locator("li.model .said")).to_have_attribute("lang", "ko")

    def test_the_whole_way_from_the_top_to_an_answer_needs_only_a_keyboard(self, open_page):
        page = open_chat(open_page)
        page.get_by_role("link", name="본문 바로가기").focus()
        seen = []
        while "메시지" not in seen:
            page.keyboard.press("Tab")
            seen.append(page.evaluate(NAME))
            assert len(seen) < 30
        for name in ("새 대화", "내 대화 검색", "단축키", "대화 내용"):
            assert name in seen
        page.keyboard.type("안녕하세요")
        page.keyboard.press("Enter")
        until_written(page)
        assert page.evaluate(NAME) == "메시지"

    def test_a_title_and_a_search_being_typed_outlive_an_answer_that_ends(self, open_page):
        page = open_chat(open_page)
        send(page, "전입신고 준비물")
        menu(page, "전입신고 준비물").get_by_role("button", name="제목 바꾸기").click()
        page.keyboard.type("이사")
        until_written(page)
        expect(page.get_by_label("제목", exact=True)).to_have_value("이사")
        page.keyboard.press("Enter")
        page.locator(".conversations").get_by_text("이사", exact=True).wait_for()

        send(page, "또 하나")
        page.keyboard.press("Control+k")
        page.keyboard.type("14")
        until_written(page)
        page.locator(".excerpt").wait_for()
        expect(page.get_by_label("내 대화 검색")).to_have_value("14")


NAME = """() => {
    const at = document.activeElement;
    return at.ariaLabel || at.labels?.[0]?.textContent.trim() || at.textContent.trim();
}"""


class TestManyWords:
    @pytest.fixture
    def engine(self):
        return ScriptedEngine(answer=WORDS, context_tokens=4096)

    def test_however_fast_they_come_they_are_drawn_at_most_once_a_frame(self, open_page):
        page = open_chat(open_page)
        page.evaluate(
            """() => {
                window.frames_ = 0;
                window.drawn = 0;
                const tick = () => { window.frames_ += 1; requestAnimationFrame(tick); };
                requestAnimationFrame(tick);
                let frame = -1;
                new MutationObserver(() => {
                    window.drawn += 1;
                }).observe(document.querySelector(".log"), {childList: true, subtree: true});
            }"""
        )
        ask(page, "길게")

        drawn, frames = page.evaluate("[window.drawn, window.frames_]")
        assert drawn <= frames + 5
        assert page.locator("li.model .said").inner_text().strip() == WORDS.strip()


class Held(ScriptedEngine):
    """An engine that loads for as long as a test wants."""

    may_start = False

    async def start(self):
        while not self.may_start:  # noqa: ASYNC110 (set by the test, in another thread)
            await asyncio.sleep(0.05)
        await super().start()


class TestStarting:
    @pytest.fixture
    def engine(self):
        return Held()

    def test_a_question_asked_while_the_model_loads_is_answered_by_itself(self, open_page, engine):
        page = open_chat(open_page)
        expect(
            page.get_by_text("모델을 불러오는 중이지만 미리 질문할 수 있습니다.")
        ).to_be_visible()
        send(page, "안녕하세요")
        page.get_by_text("준비되는 대로 답변을 시작합니다.").wait_for()
        check_accessible(page)
        engine.may_start = True
        until_written(page)

        expect(page.locator(".said").get_by_text("14일 안에")).to_be_visible()
        page.get_by_text("미리 질문할 수 있습니다.").wait_for(state="detached")


class TestBroken:
    @pytest.fixture
    def engine(self):
        return ScriptedEngine(fail_after=3)

    def test_an_answer_that_breaks_off_says_why_and_can_be_asked_for_again(self, open_page, engine):
        page = open_chat(open_page)
        ask(page, "안녕하세요")
        expect(page.locator(".remark.bad").get_by_text("모델이 답할 수 없습니다")).to_be_visible()
        expect(page.get_by_text(ANSWER[:5]).first).to_be_visible()
        check_accessible(page)

        engine.fail_after = None
        page.get_by_role("button", name="다시 시도").click()
        page.locator(".said").get_by_text("14일 안에").wait_for()
        until_written(page)


class TestUnavailable:
    @pytest.fixture
    def engine(self):
        return ScriptedEngine(start_error=RuntimeError("no model"))

    @pytest.mark.filterwarnings("ignore")
    def test_a_model_that_did_not_load_is_said_in_words(self, open_page):
        page = open_chat(open_page)
        page.get_by_text("모델을 불러오지 못했습니다.").wait_for()
        send(page, "안녕하세요")
        page.locator("li.model .remark.bad").wait_for()

        expect(page.get_by_role("button", name="다시 시도")).to_be_visible()


class TestServerGone:
    def test_nothing_typed_is_lost_and_the_reason_is_said(self, open_page):
        page = open_chat(open_page, faults_allowed=("ERR_FAILED", "404 (Not Found)"))
        page.route("**/chat/api/**", lambda route: route.abort())
        box(page).fill("중요한 질문")
        box(page).press("Enter")
        page.get_by_role("alert").get_by_text("서버에 연결할 수 없습니다.").wait_for()
        expect(box(page)).to_have_value("중요한 질문")
        check_accessible(page)

        page.unroute("**/chat/api/**")
        box(page).press("Enter")
        until_written(page)
        expect(page.get_by_role("alert")).to_have_count(0)


HOLD = """() => {
    const real = window.fetch;
    const held = new Promise((goOn) => (window.goOn = goOn));
    window.fetch = async (...asked) => (await held, real(...asked));
}"""
"""Hold back whatever is asked of the server, as a slow network does, until `goOn`."""


class TestSlowNetwork:
    def test_what_is_typed_while_the_first_question_goes_out_is_the_next_message(self, open_page):
        page = open_chat(open_page)
        page.evaluate(HOLD)
        box(page).fill("첫 질문")
        box(page).press("Enter")
        page.keyboard.type("다음 질문")
        page.evaluate("window.goOn()")
        until_written(page)

        expect(page.locator(QUESTIONS)).to_have_text(["첫 질문"])
        expect(box(page)).to_have_value("다음 질문")
        page.reload()
        page.locator("#chat[data-ready]").wait_for()
        expect(box(page)).to_have_value("다음 질문")

    def test_a_question_that_fails_comes_back_before_what_was_typed_meanwhile(self, open_page):
        page = open_chat(open_page, faults_allowed=("ERR_FAILED", "404 (Not Found)"))
        page.evaluate(HOLD)
        page.route("**/chat/api/**", lambda route: route.abort())
        box(page).fill("첫 질문")
        box(page).press("Enter")
        page.keyboard.type("다음")
        page.evaluate("window.goOn()")
        page.get_by_role("alert").wait_for()

        expect(box(page)).to_have_value("첫 질문\n다음")

    def test_whoever_goes_elsewhere_meanwhile_is_left_there_with_what_they_type(self, open_page):
        page = open_chat(open_page)
        ask(page, "안녕하세요")
        page.evaluate(HOLD)
        box(page).fill("둘째 질문")
        box(page).press("Enter")
        page.get_by_role("link", name="새 대화").click()
        box(page).fill("새 글")
        with page.expect_response("**/messages"):
            page.evaluate("window.goOn()")
        page.wait_for_timeout(300)

        expect(box(page)).to_have_value("새 글")
        assert questions(page) == []


class TestTwoModels:
    @pytest.fixture
    def engine(self):
        return ScriptedEngine(models=("small", "large"))

    def test_the_model_is_chosen_from_a_menu(self, open_page):
        page = open_chat(open_page)
        page.get_by_label("모델", exact=True).select_option("large")
        ask(page, "안녕하세요")
        check_accessible(page)

        expect(page.locator(".facts")).to_contain_text("large")


def test_where_an_answer_comes_from_is_told_down_to_the_licenses(open_page, traced):
    page = open_chat(open_page)
    ask(page, "안녕하세요")
    asked = page.get_by_role("button", name="어디에서 온 답인가요?")
    asked.click()
    dialog = page.get_by_role("dialog", name="어디에서 온 답인가요?")
    dialog.get_by_text("CC-BY-SA-3.0").wait_for()
    check_accessible(page)

    expect(dialog.get_by_role("row")).to_have_count(2)
    expect(dialog.get_by_text("출처 1곳, 문서 12건")).to_be_visible()
    assert dialog.get_by_role("rowheader").inner_text().startswith(traced)
    for name in ("hunmin-reference", "run", "words"):
        expect(dialog.get_by_text(name, exact=True).first).to_be_visible()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    expect(asked).to_be_focused()


def test_a_model_that_was_replaced_since_says_so(open_page, traced, engine):
    page = open_chat(open_page)
    ask(page, "안녕하세요")
    manifest = engine.folder / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"run"', '"other-run"'), "utf-8")
    page.get_by_role("button", name="어디에서 온 답인가요?").click()

    page.get_by_text("같은 이름의 모델이 바뀌었습니다").wait_for()
    assert traced


@pytest.fixture
def traced(engine, tmp_path):
    """Give the engine a model with a record, and return the name of its source."""
    from hunmin.manifest import SourceRecord
    from hunmin.steps import open_step

    def step(name, kind, inputs, sources=None):
        with open_step(tmp_path / name, kind=kind, name=name, recipe={}, inputs=inputs) as made:
            (made.folder / "made.txt").write_text(name)
            made.finish(facts={}, sources=sources)
        return tmp_path / name

    source = SourceRecord(
        name="kowiki", license="CC-BY-SA-3.0", origin="위키백과", documents=12, text_bytes=3000
    )
    corpus = step("words", "corpus", {}, [source])
    run = step("run", "checkpoint", {"corpus": corpus})
    engine.folder = step("hunmin-reference", "model", {"checkpoint": run})
    return "kowiki"
