"""Views and the routes that show them: HTML through a template, JSON as they are."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, ClassVar, Literal

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from typing_extensions import override

from hunmin.faces.accept import wants_json
from hunmin.faces.errors import PROBLEM_RESPONSES
from hunmin.faces.templates import render

_REQUEST = "request_for_faces"
_HTML_SCHEMA = {"schema": {"type": "string"}}


class View(BaseModel):
    """What a page says, typed. Its fields are the names the template may use."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    template: ClassVar[str]
    """`room/file.html`, a file in the room's `templates/`."""
    no_store: ClassVar[bool] = False
    """The page holds a secret: nothing on the way may keep it."""

    def values(self) -> dict[str, Any]:
        """Return the fields by name, nested views still as objects."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class PageRoute(APIRoute):
    """A route whose handler may return a `View`, shown in the face the request asks for."""

    @override
    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, with_faces(endpoint), **options)


class PageRouter(APIRouter):
    """A router for pages. Every GET page has a JSON twin at its address plus `.json`.

    The twin is what OpenAPI shows, with the view as its schema. `/` has `/index.json`.
    Handlers are plain functions: they run in threads and may ask the database.
    """

    @override
    def __init__(self, **options: Any) -> None:
        options.setdefault("route_class", PageRoute)
        options.setdefault("responses", PROBLEM_RESPONSES)
        super().__init__(**options)

    @override
    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        shown = inspect.signature(endpoint).return_annotation
        is_page = isinstance(shown, type) and issubclass(shown, View)
        if is_page and "GET" in (options.get("methods") or ["GET"]):
            twin = ("/index" if path == "/" else path) + ".json"
            twin_options: dict[str, Any] = {**options, "name": f"{endpoint.__name__}_json"}
            super().add_api_route(twin, with_faces(endpoint, face="json"), **twin_options)
            options["include_in_schema"] = False
        elif is_page:
            answers = dict(options.get("responses") or {})
            options["responses"] = {**answers, 200: {"content": {"text/html": _HTML_SCHEMA}}}
        super().add_api_route(path, endpoint, **options)


def with_faces(
    endpoint: Callable[..., Any], *, face: Literal["json"] | None = None
) -> Callable[..., Any]:
    """Return `endpoint` such that a `View` it returns is rendered where a browser asks."""
    if getattr(endpoint, "has_faces", False):
        return endpoint
    if inspect.iscoroutinefunction(endpoint):
        raise TypeError(f"{endpoint.__name__}: a page handler is a plain function")

    signature = inspect.signature(endpoint)
    # FastAPI hands a handler one request, so the handler's own is shared where it has one.
    own = next((p.name for p in signature.parameters.values() if p.annotation is Request), None)

    @functools.wraps(endpoint)
    def show(**named: Any) -> object:  # noqa: ANN401 (any handler's)
        request: Request = named[own] if own else named.pop(_REQUEST)
        answer = endpoint(**named)
        if not isinstance(answer, View) or face == "json" or wants_json(request):
            return answer
        headers = {"Cache-Control": "no-store"} if answer.no_store else None
        return render(request, answer.template, answer.values(), headers=headers)

    parameters = list(signature.parameters.values())
    if own is None:
        kind = inspect.Parameter.KEYWORD_ONLY
        parameters.append(inspect.Parameter(_REQUEST, kind, annotation=Request))
    vars(show).update(has_faces=True, __signature__=signature.replace(parameters=parameters))
    return show
