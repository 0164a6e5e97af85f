"""What a model or a person writes can neither run nor ask for anything, and machines can read who.

Every page watched here fails the test when it asks another host or breaks the content policy.
"""

import pytest
from playwright.sync_api import expect

from tests.browser.talking import ask, box, open_chat
from tests.fakes import ScriptedEngine

EVIL = "https://evil.example"

PAYLOADS = [
    "<script>window.ran = 1</script>",
    '<img src="x" onerror="window.ran = 1">',
    f'<img src="{EVIL}/a.png">',
    f"![그림]({EVIL}/b.png)",
    f"![그림][g]\n\n[g]: {EVIL}/c.png",
    '<svg onload="window.ran = 1"><script>window.ran = 1</script></svg>',
    f'<math><maction xlink:href="{EVIL}">x</maction></math>',
    f'<math><mtext><table><mglyph><style><img src="{EVIL}/d.png" onerror="window.ran=1">',
    "[누르세요](javascript:window.ran=1)",
    "[누르세요](JaVaScRiPt:window.ran=1)",
    "[누르세요](&#106;avascript:window.ran=1)",
    "[누르세요](data:text/html,<script>window.ran=1</script>)",
    "[누르세요](vbscript:window.ran=1)",
    "<javascript:window.ran=1>",
    f'<iframe src="{EVIL}"></iframe>',
    f'<link rel="stylesheet" href="{EVIL}/e.css"><style>@import "{EVIL}/f.css"</style>',
    f'<form action="{EVIL}"><button>보내기</button></form>',
    f'<video src="{EVIL}/g.mp4" autoplay></video><audio src="{EVIL}/h.mp3"></audio>',
    f'<object data="{EVIL}"></object><embed src="{EVIL}">',
    f'<meta http-equiv="refresh" content="0;url={EVIL}"><base href="{EVIL}">',
    '<a href="#" onclick="window.ran=1">x</a><div style="background:url(https://evil.example)">',
    "```html\n<img src=x onerror=window.ran=1>\n```",
    "`<img src=x onerror=window.ran=1>`",
    '```"><img/src=x/onerror=window.ran=1>\ncode\n```',
    "| <img src=x onerror=window.ran=1> |\n| --- |\n| <script>window.ran=1</script> |",
    "</script><script>window.ran=1</script>",
    "<!--<script>window.ran=1//-->",
    "{{constructor.constructor('window.ran=1')()}} ${window.ran=1}",
    '[x](https://a.example/"onmouseover="window.ran=1)',
    "<details open ontoggle=window.ran=1><summary>x</summary></details>",
    "<template><script>window.ran=1</script></template>",
    "\u2028</script>\u2029<script>window.ran=1</script>",
    f"$\\href{{javascript:window.ran=1}}{{x}} \\url{{{EVIL}}}$",
    f"$\\includegraphics{{{EVIL}/i.png}}$ 그리고 $\\htmlStyle{{background:url({EVIL})}}{{x}}$",
    "$\\htmlId{x}{y} \\htmlData{a=b}{z} \\htmlClass{button}{w}$",
    "$$\\text{<img src=x onerror=window.ran=1>} < </math><img src=x onerror=window.ran=1>$$",
    "$\\fcolorbox{red}{blue}{x} \\pmb{y}$",
    '$\\textcolor{red"onmouseover="window.ran=1}{x}$',
    "$x$<math><mi><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=1'>",
    "$</annotation><annotation-xml encoding='text/html'><img src=x onerror=window.ran=1>$",
    "$\\def\\a{\\a\\a}\\a$ $\\rule{9999999em}{9999999em}$",
]

FORBIDDEN = (
    "script, img, svg, annotation-xml, mglyph, maction, [href]:not(a), iframe, object, embed, "
    "video, audio, form, input, style, link, meta, base, details, template, [onerror], [onload], "
    "[onclick], [onmouseover], [style], [src], "
    'a:not([href^="https://"]):not([href^="http://"]):not([href^="mailto:"])'
)


@pytest.fixture
def engine():
    """Give a model that answers with whatever was asked of it."""
    return ScriptedEngine({payload: payload for payload in PAYLOADS}, context_tokens=4096)


def nothing_ran(page):
    assert page.evaluate("window.ran") is None
    found = page.locator(".said").locator(FORBIDDEN)
    assert found.evaluate_all("found => found.map(one => one.outerHTML)") == []


def test_nothing_a_model_writes_runs_or_asks_for_anything(open_page):
    page = open_chat(open_page)
    for payload in PAYLOADS:
        page.get_by_role("link", name="새 대화").first.click()
        page.get_by_text("무엇을 이야기해 볼까요?").wait_for()
        ask(page, payload)
        page.locator(".said").last.hover()
        nothing_ran(page)
        assert page.locator("li.you .said").inner_text().strip() == payload.strip()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_nothing_runs_when_conversations_are_read_again(open_page, scripts):
    page = open_chat(open_page)
    addresses = []
    for payload in PAYLOADS[::3]:
        page.get_by_role("link", name="새 대화").first.click()
        page.get_by_text("무엇을 이야기해 볼까요?").wait_for()
        ask(page, payload)
        addresses.append(page.url)
    if scripts:
        for address in addresses:
            page.goto(address)
            page.locator("#chat[data-ready]").wait_for()
            nothing_ran(page)
        return
    cookies = page.context.cookies()
    plain = open_chat(open_page, scripts=False)
    plain.context.add_cookies(cookies)
    for address in addresses:
        plain.goto(address)
        found = plain.locator(".said").locator(FORBIDDEN)
        expect(found).to_have_count(0)


def test_a_title_and_a_search_are_text_as_well(open_page):
    page = open_chat(open_page)
    ask(page, '<img src="x" onerror="window.ran = 1">')
    page.locator("#search").fill("<img")
    page.get_by_text("찾은 대화").wait_for()

    assert page.evaluate("window.ran") is None
    expect(page.locator(".conversations img, h1 img")).to_have_count(0)
    expect(page.locator(".conversations .title")).to_contain_text("<img")


def test_links_open_elsewhere_and_tell_this_page_nothing(open_page):
    page = open_chat(open_page)
    ask(page, next(payload for payload in PAYLOADS if payload.startswith("[x](https:")))
    link = page.locator("li.model .said a")

    assert link.get_attribute("href").startswith("https://a.example/")
    expect(link).to_have_attribute("target", "_blank")
    assert "noopener" in link.get_attribute("rel")
    assert link.get_attribute("onmouseover") is None


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        (f"<{EVIL}/a>", ""),
        (f"[evil.example]({EVIL})", ""),
        (f"[누르세요]({EVIL})", "(evil.example)"),
        (f"[https://bank.example/?evil.example]({EVIL})", "(evil.example)"),
        ("[https://bank.example](https://bank.example@evil.example)", "(evil.example)"),
        ("<https://bank.example@evil.example>", "(evil.example)"),
        ("[evil.example.bank.example](https://evil.example)", "(evil.example)"),
    ],
)
def test_a_link_whose_words_deceive_shows_where_it_leads(open_page, markdown, shown):
    page = open_chat(open_page)
    host = page.evaluate(
        """async text => {
            const app = document.querySelector("script[src$='/app.js']").src;
            const {blocksOf} = await import(app.replace("app.js", "markdown.js"));
            const page = new DOMParser().parseFromString(blocksOf(text).join(""), "text/html");
            return page.querySelector(".host")?.textContent ?? "";
        }""",
        markdown,
    )
    assert host == shown


def test_a_growing_text_ends_as_the_whole_one_reads(open_page):
    page = open_chat(open_page)
    texts = [*PAYLOADS, TEXT]
    different = page.evaluate(
        """async texts => {
            const app = document.querySelector("script[src$='/app.js']").src;
            const {blocksOf, GrowingBlocks} = await import(app.replace("app.js", "markdown.js"));
            const different = [];
            for (const text of texts) {
                const growing = new GrowingBlocks();
                let last = [];
                for (let end = 1; end <= text.length; end += 1) {
                    last = growing.update(text.slice(0, end));
                }
                const whole = blocksOf(text);
                if (JSON.stringify(last) !== JSON.stringify(whole)) different.push([last, whole]);
            }
            return different;
        }""",
        texts,
    )
    # A picture whose address stands further below cannot be known while the text grows.
    assert [one for one in different if "![그림][g]" not in str(one)] == []
    expect(box(page)).to_be_visible()


TEXT = """# 제목

첫 문단입니다.
둘째 줄.

1. 하나

2. 둘
   - 안쪽
   - 안쪽 둘

   이어지는 문단

3. 셋

- 가
- 나

* 다른 목록

> 인용
> 이어짐

```text
코드

코드
```

제목 둘
---

| 가 | 나 |
| --- | ---: |
| 1 | 2 |

~~지움~~ **굵게** *기울임* `코드`
"""
