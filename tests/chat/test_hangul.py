"""Initial consonants find what they are the initials of."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hunmin.chat import hangul

TEXTS = st.one_of(
    st.text(max_size=40),
    st.text("가나훈민정음값뷁ㄱㄳㅏ ᄫᅡᆼ가ㅤabcéßİ1 \n", max_size=40),
)


@pytest.mark.parametrize(
    ("text", "initials"),
    [
        ("훈민정음", "ㅎㅁㅈㅇ"),
        ("세종대왕 1443년", "ㅅㅈㄷㅇ1443ㄴ"),
        ("빨리 API를", "ㅃㄹapiㄹ"),
        ("몫ㄳ", "ㅁㄱㅅ"),
        (unicodedata.normalize("NFD", "훈민"), "ㅎㅁ"),
        ("ᄫᅡᆼ나", "ㅸㄴ"),
        ("Éß", "ess"),
        ("", ""),
    ],
)
def test_initials_are_those_a_keyboard_types(text, initials):
    assert hangul.initials(text) == initials


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ㅎㅁㅈㅇ", "훈민정음"),
        ("훈ㅁ정", "훈민정"),
        ("ㅁ정음", "민정음"),
        ("ㅎ,ㅊㄱ", "해, 책 곳"),
        ("ㅊㄱㅅ", "책 곳ㅅ"),
        ("ㅊㄳ", "책 곳ㅅ"),
        ("정ㅁ", None),
        ("훈ㅈ", None),
        ("", None),
        (" ", None),
    ],
)
def test_a_consonant_matches_the_syllables_it_begins(words, found):
    text = "훈민정음 해, 책 곳ㅅ"
    at = hangul.find(text, words)

    assert (at and text[at[0] : at[1]]) == found


@pytest.mark.parametrize(
    ("words", "asks"),
    [("ㅎㅁ", True), ("훈ㅁ정", True), ("훈민", False), ("abc", False), ("ㅏ", False), ("", False)],
)
def test_words_with_a_lone_consonant_ask_for_initials(words, asks):
    assert hangul.asks_for_initials(words) is asks


@given(TEXTS)
@example("ᄀ\nᅡ")
@example("a\n\u0301")
def test_every_text_is_found_by_its_own_initials(text):
    text = unicodedata.normalize("NFC", text)
    own = hangul.initials(text)

    assert hangul.initials(own) == own
    assert bool(own) == (hangul.find(text, own) is not None)


@given(TEXTS, TEXTS, TEXTS)
def test_initials_of_a_part_stand_in_the_initials_of_the_whole(before, part, after):
    """So a database that keeps initials is asked with `LIKE`, and what it misses is not there."""
    whole = unicodedata.normalize("NFC", f"{before} {part} {after}")
    part = unicodedata.normalize("NFC", part)

    if hangul.find(whole, part) is not None:
        assert hangul.initials(part) in hangul.initials(whole)


@given(TEXTS, st.integers(min_value=0, max_value=50))
def test_only_as_many_letters_are_read_as_asked_for(text, letters_max):
    assert hangul.initials(text, letters_max=letters_max) == hangul.initials(text)[:letters_max]
