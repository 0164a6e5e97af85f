"""Pages that belong to no room: the way in, how it looks, and what the API takes."""

from typing import Annotated

from fastapi import Form
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse

from hunmin import accounts, errors, faces, runs
from hunmin.accounts import AnyoneActor
from hunmin.web import openapi

NAV = (
    faces.NavItem("/chat", faces.mark("Chat")),
    faces.NavItem("/collections", faces.mark("Collections")),
    faces.NavItem("/runs", faces.mark("Runs"), runs.WATCHERS),
    faces.NavItem("/organizations", faces.mark("Organizations"), frozenset({"person"})),
    faces.NavItem("/people", faces.mark("People"), accounts.HOUSE_ROLES),
    faces.NavItem("/prices", faces.mark("Prices"), frozenset({"administrator"})),
    faces.NavItem("/docs", faces.mark("API")),
)

router = faces.PageRouter(tags=["service"])

_PREFERENCE_SECONDS = 365 * 86_400


@router.get("/", include_in_schema=False, status_code=307)
def home() -> RedirectResponse:
    """Lead to the chat, which is what most people come for."""
    return RedirectResponse("/chat", status_code=307)


@router.post("/preferences", status_code=303, response_class=RedirectResponse)
def set_preferences(
    request: Request,
    theme: Annotated[faces.Theme, Form()],
    back: Annotated[str, Form(max_length=2000)] = "/",
) -> RedirectResponse:
    """Keep how pages should look in this browser, and return to the page one was on."""
    kept = "" if theme == "auto" else theme
    faces.set_cookie(request, faces.THEME_COOKIE, kept, seconds=_PREFERENCE_SECONDS)
    return RedirectResponse(safe_path(back), status_code=303)


@router.get("/docs", include_in_schema=False)
def docs(request: Request, _actor: AnyoneActor) -> HTMLResponse:
    """Show what the API takes and answers, from its OpenAPI description."""
    return faces.render(
        request,
        "web/docs.html",
        {"sections": openapi.sections(request.app), "server": str(request.base_url).rstrip("/")},
    )


@router.get("/docs/errors", include_in_schema=False)
def docs_errors(request: Request, _actor: AnyoneActor) -> HTMLResponse:
    """Show every error code: its status and what it means, in Korean or English."""
    language = faces.language_of(request)
    meanings: dict[tuple[str, int], list[str]] = {}
    for kind in errors.catalog():
        meaning = faces.translate(language, kind.meaning())
        meanings.setdefault((kind.code, kind.status), []).append(meaning)
    listed = [
        {"code": code, "status": status, "meaning": " ".join(said)}
        for (code, status), said in sorted(meanings.items())
    ]
    return faces.render(request, "web/errors.html", {"errors": listed})


@router.get("/openapi.json", include_in_schema=False)
def openapi_json(request: Request) -> JSONResponse:
    """Answer with the OpenAPI description of every JSON address."""
    return JSONResponse(request.app.openapi(), headers={"Cache-Control": "no-cache"})


def safe_path(path: str) -> str:
    """Return `path` if it leads to a page of ours, else the first page."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_ours and path.isprintable() and "\\" not in path else "/"
