"""What the page says: every sentence of its scripts and templates is there in Korean."""

import re
from pathlib import Path

import pytest

from hunmin import chat, errors
from hunmin.chat.words import script_words, translated
from hunmin.faces import translate

ROOM = Path(chat.__file__).parent
TEMPLATE_WORDS = sorted(
    {
        found
        for template in (ROOM / "templates").glob("*.html")
        for pair in re.findall(r"""_\("([^"]*)"\)|_\('([^']*)'\)""", template.read_text("utf-8"))
        for found in pair
        if found
    }
)
PLACEHOLDERS = re.compile(r"\{\w+\}")


def test_the_scripts_say_something():
    assert len(script_words()) > 100
    assert "Send" in script_words()


@pytest.mark.parametrize("words", [*script_words(), *TEMPLATE_WORDS])
def test_every_sentence_is_there_in_korean_with_the_same_places_to_fill(words):
    korean = translate("ko", words)

    assert korean != words
    assert re.search("[가-힣]", korean)
    assert set(PLACEHOLDERS.findall(korean)) == set(PLACEHOLDERS.findall(words))


def test_no_translation_is_left_over():
    catalog = (ROOM / "translations" / "ko.po").read_text("utf-8")
    translated_ones = set(re.findall(r'^msgid "(.+)"$', catalog, re.MULTILINE))

    assert translated_ones == {*script_words(), *TEMPLATE_WORDS}


def test_an_english_page_carries_no_translations():
    assert translated("en", first=True) == translated("en", first=False) == {}
    assert translated("ko", first=True)["Send"] == "보내기"


def test_the_first_view_carries_its_own_words_and_the_others_come_later():
    first, later = (translated("ko", first=one) for one in (True, False))

    assert not first.keys() & later.keys()
    assert first.keys() | later.keys() == set(script_words())
    assert later["How was this answer?"] == "이 답변은 어땠나요?"
    assert len(later) > 80


def test_every_error_that_passes_has_words_after_a_reload_too():
    """Of an answer that failed only the code is kept; what helps is said for each."""
    script = (ROOM / "static" / "faults.js").read_text("utf-8")
    known = set(re.findall(r"^    (\w+): (?:_\(|\w+,$)", script, re.MULTILINE))
    passing = {
        kind.code
        for kind in errors.catalog()
        if kind.status in {429, 503, 504}
        and kind.code.startswith(("answer_", "context_", "database_", "engine_", "rate_", "concur"))
    }

    assert len(passing) > 8
    assert passing <= known
