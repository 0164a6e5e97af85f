"""The words of the pages: what is marked in code and templates, and what has Korean.

Run it to see what is missing, ready to be pasted: `python -m tests.support.catalog`.
"""

import json
import re
import sys
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

import hunmin
from hunmin import errors

PACKAGE = Path(str(hunmin.__file__)).parent
OPTIONS = {
    # An error in a template must show here, not hide what it marks.
    ".html": {"silent": "false", "trimmed": "true", "encoding": "utf-8"},
}
_IN_SCRIPTS = re.compile(r'\b_\(\s*"((?:[^"\\]|\\.)*)"')
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "mark": None}


def rooms() -> list[str]:
    """Return the rooms that show words."""
    found = {path.parent.parent.name for path in PACKAGE.glob("*/templates/*.html")}
    found |= {path.parent.parent.name for path in PACKAGE.glob("*/translations/*.po")}
    return sorted(found)


def marked(room: str) -> set[str]:
    """Return every sentence a room marks for translation."""
    folder = PACKAGE / room
    sources = [(path, "python") for path in folder.rglob("*.py")]
    sources += [(path, "jinja2.ext:babel_extract") for path in folder.rglob("*.html")]
    scripts = [path for path in (folder / "static").rglob("*.js") if "vendor" not in path.parts]
    # Babel does not look inside the template strings that our scripts write HTML in.
    sentences = {
        json.loads(f'"{text}"')
        for path in scripts
        for text in _IN_SCRIPTS.findall(path.read_text())
    }
    if room == "errors":
        sentences |= {kind.meaning() for kind in errors.catalog()}
    for path, method in sources:
        found = extract_from_file(method, path, KEYWORDS, options=OPTIONS.get(path.suffix, {}))
        for _line, text, _comments, _context in found:
            sentences.add(text if isinstance(text, str) else text[0])
    return sentences


def translated(room: str) -> dict[str, Message]:
    """Return every sentence of a room's Korean catalog."""
    path = PACKAGE / room / "translations" / "ko.po"
    if not path.is_file():
        return {}
    with path.open("rb") as stream:
        catalog: Catalog = read_po(stream, locale="ko", abort_invalid=True)
    return {
        message.id if isinstance(message.id, str) else message.id[0]: message
        for message in catalog
        if message.id
    }


def missing(room: str) -> list[str]:
    """Return what a room says without Korean."""
    known = translated(room)
    return sorted(text for text in marked(room) if text not in known or not known[text].string)


if __name__ == "__main__":
    for name in rooms():
        for sentence in missing(name):
            escaped = sentence.replace("\\", "\\\\").replace('"', '\\"')
            sys.stdout.write(f'# {name}\nmsgid "{escaped}"\nmsgstr ""\n\n')
