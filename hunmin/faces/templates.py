"""Pages from templates: where they lie, what every page knows, and the addresses of its files.

A room keeps its own pages in `templates/` and what browsers load in `static/`. The template
`chat/page.html` is `hunmin/chat/templates/page.html`, the asset `chat/page.js` is
`hunmin/chat/static/page.js`. All assets share one version, a hash over all of them, in their
address, so a browser keeps them for good and modules may import each other by relative paths.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from babel.dates import LOCALTZ, format_date, format_time
from babel.numbers import format_decimal
from jinja2 import Environment, FunctionLoader, StrictUndefined
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import HTMLResponse

from hunmin.act import Actor, Language
from hunmin.faces.language import LANGUAGES, PACKAGE, language_of, translations

Theme = Literal["auto", "light", "dark", "contrast"]

THEMES: tuple[Theme, ...] = get_args(Theme)
THEME_COOKIE = "hunmin_theme"

LANGUAGE_NAMES: Mapping[Language, str] = {"ko": "한국어", "en": "English"}


@dataclass(frozen=True, slots=True)
class NavItem:
    """One link of the main menu."""

    path: str
    label: str
    """English, marked for translation with `mark`."""
    roles: frozenset[str] = frozenset()
    """Who sees it: actors with one of these roles; empty for everyone."""

    def is_for(self, actor: Actor | None) -> bool:
        """Return whether an actor sees the link. It opens nothing: the page decides again."""
        return not self.roles or (actor is not None and actor.has_role(*self.roles))

    def holds(self, path: str) -> bool:
        """Return whether a page belongs under this link."""
        return path == self.path or path.startswith(self.path.rstrip("/") + "/")


@dataclass(frozen=True, slots=True)
class Page:
    """What every template may say about the page it is on, as `page`."""

    language: Language
    theme: Theme
    path: str
    here: str
    """The path with its query: where to return to."""
    other_languages: list[tuple[Language, str, str]]
    """Language, its own name for itself, and this page in it."""
    actor: Actor | None
    """Who is looking, where the handler found out."""
    actor_name: str
    """The name of the account that is signed in; empty for guests and strangers."""
    nav: list[NavItem]
    request_id: str
    installable: bool
    """Whether browsers may install the service as an app."""


def page_of(request: Request) -> Page:
    """Return what every template may say about a request."""
    state = request.state
    actor: Actor | None = getattr(state, "actor", None)
    theme = request.cookies.get(THEME_COOKIE, "auto")
    # Without the Host header, which may be anything: only the path is wanted.
    url = URL(scope={**request.scope, "headers": []})
    return Page(
        language=language_of(request),
        theme=next((known for known in THEMES if known == theme), "auto"),
        path=request.scope["path"],
        here=_relative(url),
        other_languages=[
            (language, LANGUAGE_NAMES[language], _relative(url.include_query_params(lang=language)))
            for language in LANGUAGES
            if language != language_of(request)
        ],
        actor=actor,
        actor_name=getattr(state, "actor_name", ""),
        nav=[item for item in getattr(request.app.state, "nav", []) if item.is_for(actor)],
        request_id=getattr(state, "request_id", ""),
        installable=getattr(request.app.state, "installable", False),
    )


def _relative(url: URL) -> str:
    return f"{url.path}?{url.query}" if url.query else url.path


def render(
    request: Request,
    template: str,
    values: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Answer with a page, or with its main part alone where htmx asked.

    Args:
        request: What was asked.
        template: `room/file.html`.
        values: What the template shows.
        status: The HTTP status.
        headers: Further headers.
    """
    page = page_of(request)
    whole = request.headers.get("hx-request") != "true"
    text = (
        environment(page.language)
        .get_template(template)
        .render(
            **values,
            page=page,
            asset=asset,
            layout="web/base.html" if whole else "web/fragment.html",
        )
    )
    return HTMLResponse(
        text,
        status_code=status,
        headers={
            "Content-Language": page.language,
            "Cache-Control": "private, no-cache",
            "Vary": "Accept, Accept-Language, Cookie, HX-Request",
            **(headers or {}),
        },
    )


@cache
def environment(language: Language) -> Environment:
    """Return the templates of every room, speaking one language."""
    made = Environment(
        loader=FunctionLoader(_load),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True
    # The extension adds this method to the environment.
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]

    def day(value: date) -> str:
        local = value.astimezone(LOCALTZ) if isinstance(value, datetime) else value
        return format_date(local, "long", locale=language)

    def moment(value: datetime) -> str:
        hour = format_time(value, "HH:mm", tzinfo=LOCALTZ, locale=language)
        return f"{day(value)} {hour}"

    def number(value: int) -> str:
        return format_decimal(value, locale=language)

    made.filters.update(day=day, moment=moment, number=number)
    return made


def _load(name: str) -> tuple[str, str, Any] | None:
    room, _, file = name.partition("/")
    path = PACKAGE / room / "templates" / file
    if ".." in name or not path.is_file():
        return None
    changed = path.stat().st_mtime_ns
    return path.read_text("utf-8"), str(path), lambda: _unchanged(path, changed)


def _unchanged(path: Path, changed: int) -> bool:
    return path.is_file() and path.stat().st_mtime_ns == changed


@cache
def static_folders() -> dict[str, Path]:
    """Return the folders of files for browsers, by room."""
    return {path.parent.name: path for path in sorted(PACKAGE.glob("*/static"))}


@cache
def static_version() -> str:
    """Return the version in every asset's address: a hash over all of them."""
    digest = hashlib.sha256()
    for room, folder in static_folders().items():
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(f"{room}/{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:16]


def asset(name: str) -> str:
    """Return the address of a file for browsers, `room/path`; it must be there."""
    room, _, file = name.partition("/")
    if not (PACKAGE / room / "static" / file).is_file():
        raise FileNotFoundError(name)
    return f"/static/{static_version()}/{name}"
