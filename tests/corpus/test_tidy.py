"""Characters and white space."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.corpus.decode import decode, unscramble
from hunmin.corpus.tidy import tidy


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        (unicodedata.normalize("NFD", "훈민정음"), "훈민정음"),
        ("가\r\n나\r다\u2028라\x0b마", "가\n나\n다\n라\n마"),
        ("가\x00나\x07다\ufeff라\u200b마\u202e바", "가나다라마바"),
        ("가\u3000나\u00a0다", "가 나 다"),
        ("결         정", "결 정"),
        ("def f():\n    return  1\n\treturn 2", "def f():\n    return  1\n\treturn 2"),
        ("가  \n나\t\n", "가\n나"),
        ("가\n\n\n\n나", "가\n\n나"),
        (" " * 60 + "현진건", "현진건"),
        ("가\ud800나", "가나"),
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_text_becomes_plain(text, tidied):
    assert tidy(text) == tidied


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("화학(化學, )은", "화학(化學)은"),
        ("제임스 (, James)는", "제임스 (James)는"),
        ("서울 ()은", "서울은"),
        ("서울(, )은", "서울은"),
        ("그는(1900년 ~ 1950년) 말했다", "그는(1900년 ~ 1950년) 말했다"),
        ("값 (가, 나)", "값 (가, 나)"),
    ],
)
def test_leftovers_of_template_stripping_go_where_asked(text, tidied):
    assert tidy(text, strip_empty_parentheses=True) == tidied
    assert tidy("f() + g( )") == "f() + g( )"


@given(st.text())
def test_tidying_twice_changes_nothing_more(text):
    once = tidy(text)

    assert tidy(once) == once
    assert unicodedata.is_normalized("NFC", once)
    once.encode()


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        " " * 500_000 + "x",
        "\t" * 500_000 + "x",
        "(" * 200_000,
        "(" + " " * 300_000,
        "가(" + ", " * 200_000,
        "\n" * 500_000 + "x",
    ],
)
def test_hostile_white_space_takes_time_in_proportion_to_its_length(text):
    assert len(tidy(text, strip_empty_parentheses=True)) <= len(text)


KOREAN = (
    "나랏말싸미 듕귁에 달아 문자와로 서르 사맛디 아니할쎄 그래서 새로 스물여덟 글자를 만들었다."
)


@pytest.mark.parametrize(
    ("raw", "repair"),
    [
        (KOREAN.encode(), "none"),
        (b"\xef\xbb\xbf" + KOREAN.encode(), "bom"),
        (KOREAN.encode("cp949"), "cp949"),
        ("똠방각하 펲시콜라".encode("cp949"), "cp949"),
        (KOREAN.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + KOREAN.encode("utf-16-be"), "utf-16"),
    ],
)
def test_bytes_are_read_in_the_encodings_korean_files_come_in(raw, repair):
    text, done = decode(raw)

    assert done == repair
    assert text in (KOREAN, "똠방각하 펲시콜라")


@given(st.binary())
def test_any_bytes_become_some_text(raw):
    text, _ = decode(raw)

    tidy(text).encode()


@pytest.mark.parametrize("right", ["utf-8", "cp949"])
def test_korean_read_with_a_western_code_page_is_put_right(right):
    latin = KOREAN.encode(right).decode("latin-1")
    windows = "".join(c.encode("latin-1").decode("cp1252", "ignore") or c for c in latin)

    assert unscramble(latin) == KOREAN
    assert unscramble(windows) == KOREAN
    assert windows != latin or right == "cp949"


@pytest.mark.parametrize("text", [KOREAN, "Café à la crème, señor", "", "naïve", "über " * 100])
def test_text_that_is_right_is_left_alone(text):
    assert unscramble(text) is None
