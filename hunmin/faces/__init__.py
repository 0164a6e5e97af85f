"""One core, several faces: how a handler's answer becomes a page, JSON or an error.

A page handler returns a typed `View`. A `PageRouter` shows it as HTML through the view's
template, and as JSON at the same address with `.json` or where `Accept` asks for it. An error
becomes a page for a browser, problem+json for a program, or the envelope of an outside protocol
where a room registered one. Everything shown is in Korean or English.

This room knows requests, templates and languages. It knows no database and no other room.
"""

from hunmin.faces.accept import wants_html, wants_json
from hunmin.faces.cookies import cookie_name, set_cookie, speaks_https, waiting_cookies
from hunmin.faces.errors import (
    PROBLEM_RESPONSES,
    ErrorFace,
    Problem,
    problem_of,
    show_problem,
)
from hunmin.faces.language import (
    LANGUAGE_COOKIE,
    LANGUAGES,
    choose_language,
    language_of,
    mark,
    translate,
)
from hunmin.faces.modules import first_modules
from hunmin.faces.pages import PageRoute, PageRouter, View
from hunmin.faces.sending import in_time
from hunmin.faces.templates import (
    THEME_COOKIE,
    NavItem,
    Theme,
    asset,
    render,
    static_folders,
    static_version,
)

__all__ = [
    "LANGUAGES",
    "LANGUAGE_COOKIE",
    "PROBLEM_RESPONSES",
    "THEME_COOKIE",
    "ErrorFace",
    "NavItem",
    "PageRoute",
    "PageRouter",
    "Problem",
    "Theme",
    "View",
    "asset",
    "choose_language",
    "cookie_name",
    "first_modules",
    "in_time",
    "language_of",
    "mark",
    "problem_of",
    "render",
    "set_cookie",
    "show_problem",
    "speaks_https",
    "static_folders",
    "static_version",
    "translate",
    "waiting_cookies",
    "wants_html",
    "wants_json",
]
