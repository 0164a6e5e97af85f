"""What is judged good enough, and the reason given where it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.corpus import QualityConfig
from hunmin.corpus.language import identify
from hunmin.corpus.ngrams import comparable
from hunmin.corpus.quality import judge
from tests.corpus.conftest import paragraph

GOOD = paragraph(1, sentences=12)
ENGLISH = (
    "The library was built on the hill, and in the winter of that year it was the only warm place "
    "to read. People came with their children and stayed until the lamps were lit. "
) * 1


def reason(text, language="ko", **thresholds):
    verdict = judge(text, comparable(text), language, QualityConfig(**thresholds))
    return verdict and verdict[0]


STATUTE = """# 도서관법

##### 제1조 (목적)

이 법은 국민의 정보 접근권과 알 권리를 보장하는 도서관의 사회적 책임을 규정함을 목적으로 한다.

##### 제2조 (정의)

이 법에서 사용하는 용어의 뜻은 다음과 같다.

1. "도서관"이란 자료를 수집ㆍ정리ㆍ분석ㆍ보존하여 공중에게 제공하는 시설을 말한다.

2. "자료"란 인쇄자료, 필사자료, 시청각자료, 마이크로형태자료, 전자자료를 말한다.
"""
CODE = """# 데이터 작업

데이터 액세스는 앱의 백본입니다. 다음 예제에서는 데이터베이스에 연결하는 방법을 보여 줍니다.

```csharp
public class PersonRepository
{
    public Person GetPersonById(int id) { return _context.People.Find(id); }
}
```

이 코드는 개체를 만들고 `id`로 사람을 찾습니다. 자세한 내용은 설명서를 참조하세요.
"""


@pytest.mark.parametrize("text", [GOOD, STATUTE, CODE])
def test_prose_statutes_and_documentation_pass(text):
    assert reason(text) is None


def test_english_passes_as_english():
    assert reason(ENGLISH, "en") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("짧은 글입니다.", "too_short"),
        ("가 " * 8 + "나" * 60, "too_short"),
        (GOOD + "\ufffd" * 20, "broken_characters"),
        (GOOD + " ┌─┬─┐ │ │ │ └─┴─┘" * 80, "symbols"),
        ("가 나 다 라 마 바 사 아 자 차 카 타 파 하 " * 5, "word_length"),
        (GOOD.replace(" ", ""), "too_short"),
        (" ".join(GOOD.replace(" ", "")[i : i + 40] for i in range(0, 440, 40)), "word_length"),
        ("\n".join(f"- {line}" for line in GOOD.split(". ")), "bullet_lines"),
        ("\n".join(f"{line}…" for line in GOOD.split(". ")), "ellipsis_lines"),
        ("\n".join(paragraph(i, 1).rstrip(".") for i in range(30)), "line_punctuation"),
        ("\n".join([paragraph(1, 1), paragraph(2, 1)] * 8), "duplicate_lines"),
        (paragraph(3, 2) + ("\n\n" + paragraph(1, 3) + "\n" + paragraph(2, 1)) * 2,
         "duplicate_paragraphs"),
        (GOOD + " 지금 바로 전화 주세요" * 40, "top_ngram"),
        (" ".join(paragraph(i % 6, 3) for i in range(30)), "duplicate_ngrams"),
        ("서울 부산 대구 인천 광주 대전 울산 세종 경기 강원 충북 충남 전북 전남 경북 경남 제주 " * 2
         + "배 감 귤 딸기 수박", "stop_words"),
    ],
)  # fmt: skip
def test_other_text_is_dropped_for_the_reason_it_should_be(text, why):
    assert reason(text) == why


def test_thresholds_are_settings():
    assert reason("짧은 글입니다.", chars_min=1, eojeols_min=1, stop_words_min=0) is None
    assert reason(GOOD, stop_words_min=10_000) == "stop_words"


@given(st.text(min_size=1), st.sampled_from(["ko", "en", "other"]))
def test_any_text_gets_a_verdict_without_failing(text, language):
    verdict = judge(
        text, comparable(text), language,
        QualityConfig(chars_min=0, eojeols_min=1, letters_share_min=0, eojeol_chars_max=1000),
    )  # fmt: skip
    assert verdict is None or (verdict[0].isidentifier() and verdict[1])


@given(st.lists(st.integers(0, 3), min_size=1, max_size=300))
def test_repetitive_text_gets_a_verdict_without_failing(numbers):
    text = " ".join(("가나다에서", "라마바를", "사아자가", "차카타는")[n] for n in numbers)
    judge(text, comparable(text), "ko", QualityConfig(chars_min=0, eojeols_min=1))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (GOOD, "ko"),
        (CODE, "ko"),
        ("한국어 " + "print(x) " * 2, "ko"),
        (ENGLISH, "en"),
        ("Der Hund läuft über die Straße und bellt die Katze an, ohne Pause.", "other"),
        ("東海道新幹線は東京駅から新大阪駅までを結ぶ高速鉄道路線である。", "other"),
        ("Москва — столица России, город федерального значения.", "other"),
        ("12345 67890 +-*/ !!!", "other"),
        ("", "other"),
        ("import os\n" * 500 + GOOD * 20, "ko"),
    ],
)
def test_language_is_told_by_script(text, language):
    assert identify(text) == language
