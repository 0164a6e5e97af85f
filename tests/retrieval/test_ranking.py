"""Which passages fit a question; the order in memory is that of a collection."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hunmin.retrieval import Collection, cut, rank
from hunmin.retrieval.collection import Document
from hunmin.retrieval.terms import terms

TEXT = """# 주민등록법

##### 제1조 (목적)

주민을 등록하게 하여 행정사무를 처리한다.

##### 제16조 (거주지의 이동)

전입한 날부터 14일 이내에 전입신고를 하여야 한다.

##### 제40조 (과태료)

전입신고를 하지 아니한 자에게는 5만원 이하의 과태료를 부과한다."""

PASSAGES = cut("주민등록법", [(0, TEXT)])


def test_words_meet_whatever_particle_they_carry():
    assert set(terms("전입신고는")) & set(terms("전입신고를")) == {"전입", "입신", "신고"}


def test_an_article_number_is_one_word():
    assert terms("제16조의2제1항") == ["제16조의2", "제", "1", "항"]


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("전입신고는 며칠 안에 해야 하나요?", "제16조"),
        ("전입신고 안 하면 과태료가 얼마야?", "제40조"),
        ("주민등록법 제1조가 뭐야?", "제1조"),
    ],
)
def test_the_passage_that_answers_comes_first(question, article):
    assert rank(question, PASSAGES, count=1)[0][0].anchor == article


def test_what_shares_no_word_is_not_returned():
    assert rank("xyz", PASSAGES, count=5) == []
    assert rank("?!", PASSAGES, count=5) == []
    assert rank("전입신고", [], count=5) == []


@settings(max_examples=20)
@given(
    st.lists(st.text(alphabet="가나다라 ab제1조\n", max_size=60), max_size=12),
    st.text(alphabet="가나다라 ab제1조", max_size=20),
)
def test_a_collection_gives_the_same_order_and_scores(collection_of, texts, question):
    passages = [
        passage for at, text in enumerate(texts) for passage in cut(f"글 {at}", [(0, text)])
    ]
    documents = [
        (Document("s", str(at), f"글 {at}", "CC0-1.0"), cut(f"글 {at}", [(0, text)]))
        for at, text in enumerate(texts)
    ]

    found = Collection(collection_of(documents)).search(question, count=100)

    ranked = rank(question, passages, count=100)
    assert [each.score for each in found] == pytest.approx([score for _, score in ranked])
    assert {each.passage.citation for each in found} == {each.citation for each, _ in ranked}
