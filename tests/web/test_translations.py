"""Everything shown is in Korean and in English."""

import re
import string

import pytest

from hunmin import errors
from hunmin.faces.language import translations
from tests.support import catalog

ROOMS = catalog.rooms()


@pytest.mark.parametrize("room", ROOMS)
def test_every_marked_sentence_has_korean(room):
    assert catalog.missing(room) == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_korean_is_kept_for_what_nobody_says(room):
    assert set(catalog.translated(room)) - catalog.marked(room) == set()


@pytest.mark.parametrize("room", ROOMS)
def test_a_translation_names_the_same_values_as_the_sentence(room):
    for text, message in catalog.translated(room).items():
        assert _values(text) == _values(str(message.string)), text


def _values(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)s|\{\w+\}", text))


def test_rooms_that_say_the_same_translate_it_the_same():
    said: dict[str, dict[str, str]] = {}
    for room in ROOMS:
        for text, message in catalog.translated(room).items():
            said.setdefault(text, {})[room] = str(message.string)
    quarrels = {text: rooms for text, rooms in said.items() if len(set(rooms.values())) > 1}
    assert quarrels == {}


def test_the_catalogs_are_read_without_being_compiled():
    assert translations("ko").gettext("Sign in") == "로그인"
    assert translations("en").gettext("Sign in") == "Sign in"


def test_every_error_speaks_both_languages():
    kinds = [getattr(errors, name) for name in errors.__all__]
    plain = [kind for kind in kinds if not _needs_facts(kind)]
    assert len(plain) > 10
    for kind in plain:
        error = kind()
        assert any("가" <= letter <= "힣" for letter in error.message("ko")), kind.__name__
        assert set(error.message("en")) <= set(string.printable), kind.__name__


def _needs_facts(kind: type[errors.HunminError]) -> bool:
    try:
        kind()
    except TypeError:
        return True
    return False
