"""Korean and English: which one a request asks for, and the words of the pages in it.

English sentences are written in templates and code, inside `_( )`. Each room keeps its Korean in
`translations/ko.po`; the catalogs are read once, at the first use. There is nothing to compile.
"""

import io
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from starlette.requests import HTTPConnection

from hunmin.act import Language

LANGUAGES: tuple[Language, ...] = ("ko", "en")
DEFAULT_LANGUAGE: Language = "ko"
LANGUAGE_COOKIE = "hunmin_language"

PACKAGE = Path(__file__).resolve().parent.parent

_HEADER_CHARACTERS_MAX = 500


def mark(text: str) -> str:
    """Mark a sentence for translation where it is written; it is translated where it is shown."""
    return text


def language_of(request: HTTPConnection) -> Language:
    """Return the language of a request: `?lang=`, then the cookie, then `Accept-Language`."""
    known: Language | None = getattr(request.state, "language", None)
    if known is None:
        known = choose_language(
            asked=request.query_params.get("lang"),
            cookie=request.cookies.get(LANGUAGE_COOKIE),
            accepted=request.headers.get("accept-language", ""),
        )
        request.state.language = known
    return known


def choose_language(*, asked: str | None, cookie: str | None, accepted: str) -> Language:
    """Return the first of the three that names a language we speak; Korean where none does."""
    for name in (asked, cookie, *_by_preference(accepted)):
        for language in LANGUAGES:
            if name is not None and name.lower().split("-")[0] == language:
                return language
    return DEFAULT_LANGUAGE


def _by_preference(accepted: str) -> list[str]:
    """Return the language tags of an `Accept-Language` header, the most wanted first."""
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted[:_HEADER_CHARACTERS_MAX].split(",")):
        tag, _, weight = part.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if tag.strip() and quality > 0:
            ranked.append((-quality, place, tag.strip()))
    return [tag for _, _, tag in sorted(ranked)]


@cache
def translations(language: Language) -> NullTranslations:
    """Return the words of every room in one language. English is what the code is written in."""
    if language == "en":
        return NullTranslations()
    rooms: list[Translations] = []
    for path in sorted(PACKAGE.glob(f"*/translations/{language}.po")):
        compiled = io.BytesIO()
        with path.open("rb") as source:
            write_mo(compiled, read_po(source, locale=language))
        compiled.seek(0)
        rooms.append(Translations(compiled))
    first, *others = rooms
    for room in others:
        first.merge(room)
    return first


def translate(language: Language, text: str) -> str:
    """Return a marked sentence in `language`."""
    return translations(language).gettext(text) if text else ""
