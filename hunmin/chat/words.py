"""The sentences the page's scripts say, in the reader's language.

They are read from the scripts themselves, where they stand in `_("...")` as in templates; so a
sentence is written in one place, and there is nothing to build. The page carries the translations
that its first view needs; the others come with the scripts that say them.
"""

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from hunmin import faces
from hunmin.act import Language

_SAID = re.compile(r'(?<![\w.])_\(\s*("(?:[^"\\]|\\.)*")')


FIRST_SCRIPTS = ("chat/early.js", "chat/app.js")
"""The scripts of the first view, the one that is wanted soonest first."""


@cache
def script_words() -> tuple[str, ...]:
    """Return every sentence of the scripts, in English."""
    return _said_in(script.name for script in (Path(__file__).parent / "static").glob("*.js"))


@cache
def first_words() -> tuple[str, ...]:
    """Return the sentences of the scripts that the first view needs."""
    room, names = "chat/", faces.first_modules(*FIRST_SCRIPTS)
    return _said_in(name.removeprefix(room) for name in names if name.startswith(room))


def _said_in(names: Iterable[str]) -> tuple[str, ...]:
    folder = Path(__file__).parent / "static"
    said = (_SAID.findall((folder / name).read_text("utf-8")) for name in names)
    return tuple(sorted({json.loads(quoted) for found in said for quoted in found}))


def translated(language: Language, *, first: bool) -> dict[str, str]:
    """Return sentences with their translation; none are needed in English.

    Args:
        language: Into which.
        first: Those of the first view; else all others.
    """
    if language == "en":
        return {}
    words = set(first_words())
    wanted = words if first else set(script_words()) - words
    return {word: faces.translate(language, word) for word in sorted(wanted)}
