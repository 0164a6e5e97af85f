"""Documents in a real browser: attach, paste, drop, ask, and read the source in its place."""

import pytest
from playwright.sync_api import expect

from hunmin import documents
from hunmin.act import SYSTEM, open_act
from tests.browser.conftest import DESK, PHONE, check_accessible, check_fits
from tests.browser.talking import ask, box, open_chat, send, until_written
from tests.chat.marked import MARKS
from tests.fakes import ScriptedEngine
from tests.support.collections import make_laws
from tests.support.office_files import Content, hwpx

FINE = "신고를 하지 아니한 자에게는 5만원 이하의 과태료를 부과한다."
QUESTION = "과태료는 얼마인가요?"


@pytest.fixture
def engine():
    """Give an engine whose answer names its source."""
    return ScriptedEngine(answer="5만원 이하입니다 [1].")


@pytest.fixture
def statutes(app, tmp_path):
    """Give a collection of one law, published to everyone."""
    with open_act(app.state.database, SYSTEM) as act:
        return documents.publish_collection(
            act, make_laws(tmp_path / "laws"), name="법령", seen_by="everyone"
        )


def attach(page, name, content):
    """Bring a file through the dialog, and wait until it has been read."""
    page.get_by_role("button", name="자료와 함께 묻기").click()
    dialog = page.get_by_role("dialog", name="자료와 함께 묻기")
    dialog.get_by_label("파일 고르기").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )
    dialog.wait_for(state="detached")


@pytest.mark.parametrize(
    ("size", "scheme", "language"), [(DESK, "light", "ko"), (PHONE, "dark", "ko")]
)
def test_a_file_is_attached_asked_about_and_read_in_its_place(open_page, size, scheme, language):
    page = open_chat(open_page, size=size, scheme=scheme, language=language)
    page.get_by_role("button", name="자료와 함께 묻기").click()
    dialog = page.get_by_role("dialog", name="자료와 함께 묻기")
    dialog.wait_for()
    check_accessible(page)
    page.keyboard.press("Escape")
    attach(page, "안내.hwpx", hwpx(Content(paragraph=FINE)))
    expect(page.locator(".chips")).to_contain_text("읽음")
    check_accessible(page)
    check_fits(page)

    ask(page, QUESTION)
    expect(page.locator(".chips")).to_have_count(0)
    expect(page.locator("li.you .brought")).to_have_text("안내.hwpx")
    sources = page.get_by_role("region", name="출처")
    summary = sources.locator("summary").first
    expect(summary).to_contain_text("[1]")
    summary.click()
    expect(sources.locator("blockquote").first).to_contain_text(FINE)
    check_accessible(page)
    check_fits(page)

    page.reload()
    page.locator("#chat[data-ready]").wait_for()
    expect(page.get_by_role("region", name="출처")).to_contain_text("「안내.hwpx」")
    page.locator(".sources summary").first.click()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="원문에서 보기").first.click()
    passage = opened.value
    expect(passage.locator("blockquote")).to_contain_text(FINE)
    check_accessible(passage)
    check_fits(passage)


@pytest.mark.usefixtures("statutes")
def test_a_collection_is_chosen_and_each_answer_shows_its_articles(open_page):
    page = open_chat(open_page)
    look_up(page)
    expect(page.locator(".chips")).to_have_text("법령")
    for question in (QUESTION, "전입신고는 언제 하나요?"):
        ask(page, question)
        expect(page.locator(".chips")).to_have_text("법령")
    expect(page.locator(".sources summary b")).to_have_count(
        page.locator(".sources summary").count()
    )
    expect(page.locator("li.model").first.locator(".sources")).to_contain_text(
        "「주민등록법」 제40조"
    )

    page.get_by_role("button", name="‘법령’ 빼기").click()
    ask(page, "안녕")
    expect(page.locator("li.model").last.locator(".sources")).to_have_count(0)

    page.goto("/collections")
    check_accessible(page)
    page.get_by_role("link", name="법령").click()
    page.get_by_label("질문").fill("과태료")
    page.get_by_role("button", name="검색").click()
    expect(page.get_by_role("link", name="「주민등록법」 제40조")).to_be_visible()
    check_accessible(page)
    check_fits(page)


def look_up(page):
    """Have questions looked up in the collection."""
    page.get_by_role("button", name="자료와 함께 묻기").click()
    page.get_by_label("법령").check()
    page.get_by_role("button", name="마침").click()


@pytest.mark.usefixtures("statutes")
@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_a_mark_leads_to_its_passage_by_keyboard_too(open_page, size, scheme):
    page = open_chat(open_page, size=size, scheme=scheme)
    look_up(page)
    ask(page, QUESTION)
    mark = page.locator("li.model .said").get_by_role("link", name="[1] 「주민등록법」 제40조")
    expect(mark).to_have_text("[1]")
    expect(page.locator(".sources details[open]")).to_have_count(0)
    check_accessible(page)
    check_fits(page)

    mark.focus()
    with page.expect_popup() as opened:
        page.keyboard.press("Enter")
    passage = opened.value
    expect(passage.locator("blockquote")).to_contain_text(FINE)
    passage.get_by_role("link", name="이전 대목").click()
    expect(passage.get_by_role("heading", level=1)).to_have_text("「주민등록법」 제16조")
    check_accessible(passage)
    check_fits(passage)


@pytest.mark.usefixtures("statutes")
def test_marks_become_links_while_an_answer_is_written_and_nothing_moves(open_page, engine):
    engine.default = f"{'길게 씁니다 [1]. ' * 9}없는 것 [7], `코드 [1]`"
    engine.pause_seconds = 0.02
    page = open_chat(open_page, size=PHONE)
    look_up(page)
    send(page, QUESTION)
    marks = page.locator("li.model .said a.cite")
    marks.first.wait_for()
    page.evaluate(
        """() => {
            window.shifts = [];
            new PerformanceObserver(list => window.shifts.push(
                ...list.getEntries().map(entry => entry.value)
            )).observe({type: "layout-shift"});
        }"""
    )
    until_written(page)

    assert page.evaluate("window.shifts") == []
    expect(marks).to_have_count(9)
    page.reload()
    page.locator("#chat[data-ready]").wait_for()
    expect(marks).to_have_count(9)


def test_scripts_read_marks_as_the_server_does_and_a_growing_text_too(open_page):
    page = open_chat(open_page)
    found = page.evaluate(
        """async texts => {
            const app = document.querySelector("script[src$='/app.js']").src;
            const {blocksOf, GrowingBlocks} = await import(app.replace("app.js", "markdown.js"));
            const source = number => ({
                number, citation: '「"<b>&」', address: `/collections/a/passages/${number}`,
            });
            const sources = [source(1), source(2), {...source(3), address: "javascript:x"}];
            const read = html => [...new DOMParser().parseFromString(html, "text/html")
                .querySelectorAll("a[href^='/']")].map(one => {
                    const [, number] = one.getAttribute("href").match(/passages.([0-9]+)$/);
                    const named = one.getAttribute("aria-label") === `[${number}] 「"<b>&」`;
                    const whole = named && one.textContent === `[${number}]`;
                    return whole ? Number(number) : one.outerHTML;
                });
            return texts.map(text => {
                blocksOf(text);  // what was drawn without passages is not taken for what has them
                const growing = new GrowingBlocks();
                let last = [];
                for (let end = 1; end <= text.length; end += 1) {
                    last = growing.update(text.slice(0, end), sources);
                }
                const ways = [last, blocksOf(text, sources), blocksOf(text)];
                return ways.map(blocks => read(blocks.join("")));
            });
        }""",
        list(MARKS),
    )

    assert dict(zip(MARKS, found, strict=True)) == {
        text: [marks, marks, []] for text, marks in MARKS.items()
    }


@pytest.mark.usefixtures("statutes")
def test_a_newcomer_tries_a_collection_and_sees_the_article_beside_an_answer_without_marks(
    open_page, engine
):
    engine.default = "모르겠습니다."
    page = open_chat(open_page)
    check_accessible(page)
    page.get_by_role("button", name="「주민등록법」 제1조는 무슨 내용인가요?").click()
    expect(page.locator(".chips")).to_have_text("법령")
    box(page).press("Enter")
    until_written(page)

    sources = page.get_by_role("region", name="출처")
    expect(sources.locator("details[open] blockquote")).to_contain_text("주민의 거주관계")
    expect(sources.locator("summary").first).to_contain_text("「주민등록법」 제1조")
    check_accessible(page)


DROP = """([name, text, kind]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], name));
    const box = document.querySelector("#message");
    const options = {bubbles: true, cancelable: true};
    box.dispatchEvent(kind === "drop"
        ? new DragEvent("drop", {...options, dataTransfer: transfer})
        : new ClipboardEvent("paste", {...options, clipboardData: transfer}));
}"""


def test_files_are_pasted_and_dropped_and_one_that_cannot_be_read_says_why(open_page):
    page = open_chat(open_page)
    page.evaluate(DROP, ["붙임.txt", FINE, "paste"])
    page.evaluate(DROP, ["나쁨.pdf", "%PDF-1.7 없음", "drop"])
    chips = page.locator(".chips li")
    expect(chips).to_have_count(2)
    expect(chips.first).to_contain_text("읽음")
    expect(chips.last.locator(".why")).to_contain_text("올리십시오")
    check_accessible(page)

    box(page).fill(QUESTION)
    send = page.get_by_role("button", name="보내기", exact=True)
    expect(send).to_be_disabled()
    page.get_by_role("button", name="‘나쁨.pdf’ 빼기").click()
    expect(send).to_be_enabled()
    send.click()
    expect(page.get_by_role("region", name="출처")).to_contain_text("붙임.txt")


@pytest.mark.usefixtures("statutes")
def test_without_scripts_sources_are_read_too(open_page):
    page = open_chat(open_page)
    look_up(page)
    ask(page, QUESTION)
    cookies = page.context.cookies()

    plain = open_page("about:blank", scripts=False)
    plain.context.add_cookies(cookies)
    plain.goto(page.url)
    expect(plain.get_by_role("region", name="출처")).to_contain_text("「주민등록법」 제40조")
    check_fits(plain)
