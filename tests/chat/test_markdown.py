"""A model's Markdown without scripts: what it may look like, and that nothing in it is alive."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.chat.markdown import to_html
from hunmin.chat.views import SourceView
from tests.chat.marked import MARKS

TAGS = {
    "a", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "li", "ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr",
    "ul",
}  # fmt: skip
ATTRIBUTES = {"href", "target", "rel", "class", "tabindex", "start", "align"}


class Reader(HTMLParser):
    """Collects every tag and attribute."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def tags_of(html):
    reader = Reader()
    reader.feed(html)
    return reader.found


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**굵게**", "<p><strong>굵게</strong></p>"),
        ("하나\n둘", "<p>하나<br />\n둘</p>"),
        ("~~지움~~", "<p><s>지움</s></p>"),
        ("<b>글</b>", "<p>&lt;b&gt;글&lt;/b&gt;</p>"),
        ("![그림](https://a.example/b.png)", "<p>(그림)</p>"),
    ],
)
def test_markdown_becomes_html(text, html):
    assert to_html(text) == f'<div class="block">{html}\n</div>\n'


def test_each_block_stands_by_itself_as_the_scripts_draw_them():
    html = to_html("# 하나\n\n- 둘\n  - 안쪽\n\n---\n\n> 셋\n\n```python\n넷\n```\n끝")

    assert html.count('<div class="block">') == 6
    assert '<div class="code-head"><span>python</span></div>' in html


def test_a_table_and_code_can_be_reached_by_keyboard():
    assert '<div class="table" tabindex="0"><table>' in to_html("| 가 |\n| - |\n| 1 |")
    assert '<pre tabindex="0"><code>x &lt; 1\n' in to_html("```python\nx < 1\n```")


def test_the_sides_of_a_table_need_no_inline_style():
    html = to_html("| 가 | 나 |\n| :-: | --: |\n| 1 | 2 |")

    assert '<td align="right">2</td>' in html
    assert '<th align="center">가</th>' in html
    assert "style" not in html


def test_a_link_shows_where_it_leads_and_tells_nothing():
    html = to_html("[문서](https://docs.example/a?b=1&c)")

    assert 'href="https://docs.example/a?b=1&amp;c"' in html
    assert 'rel="noopener noreferrer nofollow"' in html
    assert "(docs.example)" in html


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "/chat/api/conversations",
        "//evil.example",
    ],
)
def test_a_link_to_anything_else_stays_text(address):
    assert "<a" not in to_html(f"[여기]({address})")
    assert "<a" not in to_html(f"<{address}>")


@given(st.text(alphabet=st.sampled_from("<>\"'`[]()!*_#|- \n:/&;javscriptonheld=가"), max_size=120))
def test_whatever_is_written_no_other_tag_or_attribute_comes_out(text):
    for tag, attributes in tags_of(to_html(text)):
        assert tag in TAGS
        assert set(attributes) <= ATTRIBUTES
        if "href" in attributes:
            assert re.match(r"(?:https?|mailto):", attributes["href"], re.IGNORECASE)


COLLECTION = f"/collections/{'a' * 26}/passages/"


def source(number, citation="「주민등록법」 제16조"):
    return SourceView(
        number=number, file_id=None, collection_id="a" * 26, source="법령", citation=citation,
        address=f"{COLLECTION}{number or 0:020}", page=0, excerpt="",
    )  # fmt: skip


SOURCES = [source(1), source(2, '「"<b>&」 제1조'), source(None)]


def marks_of(text):
    links = (attributes for tag, attributes in tags_of(to_html(text, SOURCES)) if tag == "a")
    return [int(one["href"][-20:]) for one in links if one["href"].startswith(COLLECTION)]


@pytest.mark.parametrize(("text", "marks"), MARKS.items())
def test_marks_lead_to_the_passages_that_were_given_and_nowhere_else(text, marks):
    assert marks_of(text) == marks
    assert "cite" not in to_html(text)


def test_a_mark_says_what_it_cites_and_nothing_of_that_is_alive():
    html = to_html("이렇습니다 [2].", SOURCES)

    assert ">[2]</a>." in html
    assert 'aria-label="[2] 「&quot;&lt;b&gt;&amp;」 제1조"' in html


@given(st.text(alphabet=st.sampled_from("[]()12`*_~|-#> \n$\\:/가<a"), max_size=80))
def test_whatever_is_written_a_mark_leads_to_its_own_passage(text):
    for tag, attributes in tags_of(to_html(text, SOURCES)):
        if tag == "a" and attributes["href"].startswith("/"):
            assert attributes["href"] in {each.address for each in SOURCES[:2]}
    assert to_html(text, SOURCES[2:]) == to_html(text)
