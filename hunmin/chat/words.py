"""The sentences the page's scripts say, in the reader's language.

They are read from the scripts themselves, where they stand in `_("...")` as in templates, and the
page carries their translations; so a sentence is written in one place, and there is nothing to
build.
"""

import json
import re
from functools import cache
from pathlib import Path

from hunmin import faces
from hunmin.act import Language

_SAID = re.compile(r'(?<![\w.])_\(\s*("(?:[^"\\]|\\.)*")')


@cache
def script_words() -> tuple[str, ...]:
    """Return every sentence of the scripts, in English."""
    scripts = sorted((Path(__file__).parent / "static").glob("*.js"))
    said = (_SAID.findall(script.read_text("utf-8")) for script in scripts)
    return tuple(sorted({json.loads(quoted) for found in said for quoted in found}))


@cache
def translated(language: Language) -> dict[str, str]:
    """Return the sentences of the scripts with their translation; none are needed in English."""
    if language == "en":
        return {}
    return {word: faces.translate(language, word) for word in script_words()}
