"""Formulas in the chat page: drawn as MathML, and only where there are some; money stays money."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, check_accessible, check_fits
from tests.browser.talking import ask, open_chat
from tests.chat.formulas import FORMULAS, PRICES
from tests.fakes import ScriptedEngine

ANSWER = """근의 공식입니다.

$$
x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}
$$

여기에서 $a \\ne 0$이고, 책은 $5와 $10입니다. 틀린 식: $\\frac{1$

\\[ \\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix} = \\sum_{i=1}^{40} i^2 + 11111111111111111 \\]
"""


@pytest.fixture
def engine():
    return ScriptedEngine({"공식": ANSWER, "값": "책은 $5와 $10입니다."}, context_tokens=4096)


WITH_MODULES = """async texts => {
        const app = document.querySelector("script[src$='/app.js']").src;
        const {blocksOf, GrowingBlocks} = await import(app.replace("app.js", "markdown.js"));
        await import(app.replace("chat/app.js", "web/vendor/katex/katex.min.js"));
        const read = html => [...new DOMParser().parseFromString(html, "text/html")
            .querySelectorAll("annotation, code.math")].map(one => one.textContent);
"""
"""The page's own readers of texts, with KaTeX there."""


def test_formulas_are_drawn_and_read_aloud_and_prices_stay(open_page):
    page = open_chat(open_page, size=PHONE)
    ask(page, "공식")
    answer = page.locator("li.model .said")
    answer.locator("math mfrac").first.wait_for()
    check_accessible(page)
    check_fits(page)

    expect(answer.locator("math")).to_have_count(3)
    expect(answer.locator("math[display=block]")).to_have_count(2)
    expect(answer).to_contain_text("책은 $5와 $10입니다.")
    expect(page.get_by_role("group", name="수식")).to_have_count(2)
    assert page.locator(".katex [style], .katex[style]").count() == 0


def test_the_copy_of_an_answer_has_the_source_of_its_formulas(open_page):
    page = open_chat(open_page)
    ask(page, "공식")
    page.locator("li.model math").first.wait_for()
    page.get_by_role("button", name="답변 복사").click()
    page.wait_for_function("document.querySelector('#chat > [role=status]').textContent")

    assert page.evaluate("navigator.clipboard.readText()") == ANSWER


def test_what_draws_formulas_is_fetched_only_where_there_are_some(open_page):
    page = open_chat(open_page)
    asked = []
    page.on("request", lambda request: asked.append(request.url.split("/")[-1]))
    ask(page, "값")
    assert "katex.min.js" not in asked
    ask(page, "공식")
    page.locator("li.model math").first.wait_for()

    assert asked.count("katex.min.js") == 1


def test_without_scripts_the_source_of_a_formula_is_shown(open_page):
    page = open_chat(open_page, scripts=False)
    page.locator("#message").fill("공식")
    page.get_by_role("button", name="보내기").click()
    page.locator(".formula").first.wait_for()

    expect(page.locator("code.math").nth(1)).to_have_text("$a \\ne 0$")
    check_fits(page)


def test_scripts_and_server_agree_on_what_a_formula_is(open_page):
    page = open_chat(open_page)
    texts = [*FORMULAS, *PRICES]
    found = page.evaluate(
        WITH_MODULES + "return texts.map(text => read(blocksOf(text).join('')));}", texts
    )

    assert dict(zip(texts, found, strict=True)) == FORMULAS | {text: [] for text in PRICES}


def test_a_growing_text_with_formulas_ends_as_the_whole_one_reads(open_page):
    page = open_chat(open_page)
    texts = [*FORMULAS, *PRICES, ANSWER, "글\n$$ 시작\n\n끝", "글\n\\[ 시작\n- 항목\n\n끝"]
    different = page.evaluate(
        WITH_MODULES
        + """
        return texts.filter(text => {
            const growing = new GrowingBlocks();
            let last = [];
            for (let end = 1; end <= text.length; end += 1) {
                last = growing.update(text.slice(0, end));
            }
            return JSON.stringify(last) !== JSON.stringify(blocksOf(text));
        });}""",
        texts,
    )

    assert different == []
