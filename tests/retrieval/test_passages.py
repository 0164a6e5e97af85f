"""Documents cut into passages: by article where there are articles, and nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.retrieval import cut
from hunmin.retrieval.passages import PASSAGE_CHARACTERS, title_of

LAW = """# 주민등록법

## 제1장 총칙

##### 제1조 (목적)

이 법은 주민을 등록하게 함을 목적으로 한다.

## 제2장 신고

##### 제16조 (거주지의 이동)

**①** 신거주지에 전입한 날부터 14일 이내에 전입신고를 하여야 한다.

**②** 시장은 지체 없이 통보하여야 한다.

## 부칙

##### 제1조 (시행일)

이 법은 공포한 날부터 시행한다."""


def test_a_law_is_cut_by_article_and_cited_as_lawyers_do():
    passages = cut("주민등록법", [(0, LAW)])

    assert [(each.anchor, each.citation, each.heading) for each in passages] == [
        ("제1조", "「주민등록법」 제1조", "제1장 총칙 > 제1조 (목적)"),
        ("제16조", "「주민등록법」 제16조", "제2장 신고 > 제16조 (거주지의 이동)"),
        ("부칙제1조", "「주민등록법」 부칙 제1조", "부칙 > 제1조 (시행일)"),
    ]
    assert passages[0].text == "이 법은 주민을 등록하게 함을 목적으로 한다."


def test_a_long_article_is_cut_by_its_paragraphs():
    long = LAW.replace("통보하여야 한다.", "통보하여야 한다. " + "그러하다. " * 300)

    citations = [each.citation for each in cut("주민등록법", [(0, long)])]

    assert citations[1:5] == [
        "「주민등록법」 제16조제1항",
        "「주민등록법」 제16조제2항",
        "「주민등록법」 제16조제2항",
        "「주민등록법」 부칙 제1조",
    ]


@pytest.mark.parametrize(("sign", "number"), [("⑳", 20), ("㉑", 21), ("㊿", 50)])
def test_paragraphs_are_numbered_far(sign, number):
    text = f"제3조(일) {sign} {'가 ' * 600}"

    assert cut("법", [(0, text)])[0].citation == f"「법」 제3조제{number}항"


def test_articles_without_markdown_are_articles_too():
    """As they come out of HWP and PDF files: the text goes on in the same line."""
    passages = cut("조례", [(1, "제2조의2(정의) 이 조례에서 쓰는 말은 다음과 같다."), (2, "1. 말")])

    assert [(each.citation, each.page, each.text) for each in passages] == [
        ("「조례」 제2조의2", 1, "이 조례에서 쓰는 말은 다음과 같다.\n1. 말")
    ]


def test_an_article_is_on_the_page_it_begins_on():
    pages = [(1, "제1조(목적) 가"), (2, "나\n제2조(뜻) 다"), (3, "제3조(때) 라")]

    assert [(each.anchor, each.page) for each in cut("고시", pages)] == [
        ("제1조", 1),
        ("제2조", 2),
        ("제3조", 3),
    ]


def test_a_sentence_that_cites_an_article_begins_none():
    passages = cut(
        "고시", [(0, "제7조(벌칙) 다음과 같다.\n제3조(정의)에 따라\n제5조제1항을 본다.")]
    )

    assert [each.anchor for each in passages] == ["제7조"]


@pytest.mark.parametrize(
    ("line", "heading", "text"),
    [
        ("##### 제12조 (한국(韓國)의 뜻)", "제12조 (한국(韓國)의 뜻)", "본문"),
        ("##### 제12조", "제12조", "본문"),
        ("##### 제12조 삭제 <2020. 5. 27.>", "제12조", "삭제 <2020. 5. 27.>\n본문"),
        ("제12조(뜻)① 첫째", "제12조 (뜻)", "① 첫째\n본문"),
    ],
)
def test_an_article_begins_in_many_ways(line, heading, text):
    (passage,) = cut("법", [(0, f"{line}\n본문")])

    assert (passage.anchor, passage.heading, passage.text) == ("제12조", heading, text)


def test_a_heading_that_speaks_of_an_article_is_a_heading():
    (passage,) = cut("해설", [(0, "## 제12조의 뜻\n본문")])

    assert (passage.citation, passage.heading) == ("「해설」 제12조의 뜻", "제12조의 뜻")


def test_other_text_is_cut_at_headings_and_pages():
    pages = [(1, "# 안내\n\n가나다\n\n## 수수료\n\n400원"), (2, "라마바")]

    assert [(each.citation, each.heading, each.page, each.text) for each in cut("안내", pages)] == [
        ("「안내」 1쪽", "", 1, "가나다"),
        ("「안내」 1쪽", "수수료", 1, "400원"),
        ("「안내」 2쪽", "수수료", 2, "라마바"),
    ]


def test_the_title_is_the_first_heading():
    assert title_of("\n# 주민등록법 \n\n본문", "id") == "주민등록법"
    assert title_of("본문\n# 주민등록법", "id") == "id"


def test_a_line_as_long_as_a_paragraph_is_no_heading():
    """Each passage repeats its headings: one of a whole book would fill the memory."""
    passages = cut("글", [(0, f"# {'가' * 400}\n\n## 나\n\n본문")])

    assert [len(each.heading) for each in passages] == [0, 1]
    assert passages[0].text.startswith("# 가가")


_LINES = st.lists(
    st.one_of(
        st.text(alphabet="가나다 ①②abc.", max_size=80),
        st.sampled_from(
            ["# 제목", "### 절", "##### 제1조 (목적)", "제2조(정의) 본문", "", "나" * 2500]
        ),
        st.text(alphabet="라 ", min_size=900, max_size=3000),
    ),
    max_size=30,
)


@given(st.lists(_LINES, max_size=3))
def test_no_word_is_lost_no_passage_is_long_and_none_shares_its_anchor(lines):
    pages = [(number, "\n".join(page)) for number, page in enumerate(lines, start=1)]

    passages = cut("법", pages)

    assert all(0 < len(each.text) <= PASSAGE_CHARACTERS for each in passages)
    assert len({each.anchor for each in passages}) == len(passages)
    kept = "".join("".join(each.text.split()) for each in passages)
    body = "\n".join(line for page in lines for line in page if not line.startswith("#"))
    assert kept == "".join(body.replace("제2조(정의) 본문", "본문").split())
