"""What went wrong, in the face the request asks for: a page, problem+json, or a room's own.

A `Problem` follows RFC 9457. It never repeats what was sent: no prompt, key or name can leak
through an error. A room that speaks an outside protocol under a path registers an `ErrorFace`
for it, and every error there takes that form, also those that no handler saw.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, PrivateAttr
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hunmin.errors import (
    BodyTooLarge,
    HunminError,
    InternalError,
    MethodNotAllowed,
    PageNotFound,
    RequestInvalid,
)
from hunmin.faces.accept import wants_html
from hunmin.faces.language import language_of
from hunmin.faces.templates import render

PROBLEM_TYPE = "application/problem+json"

_INVALID_FIELDS_MAX = 20
_SERVER_FAULT = 500


class InvalidField(BaseModel):
    """One part of a request that is not as it should be."""

    model_config = ConfigDict(hide_input_in_errors=True)

    where: list[str | int]
    """The way to it: `["body", "name"]`."""
    reason: str
    """In English, without the value."""


class Problem(BaseModel):
    """An error as RFC 9457 writes it, with a stable code and the request's id."""

    model_config = ConfigDict(hide_input_in_errors=True)

    type: str
    """Where the code is explained."""
    title: str
    """The code in words."""
    status: int
    detail: str
    """What happened and what to do next, in the request's language."""
    code: str
    request_id: str
    fields: list[InvalidField] = []

    _known: HunminError = PrivateAttr()

    @property
    def error(self) -> HunminError:
        """Return the error it tells of, for a room that tells it in its own way."""
        return self._known


ErrorFace = Callable[[Request, Problem], Response]
"""Shows a problem the way an outside protocol expects it."""

PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    kind: {
        "description": description,
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for kind, description in {
        "4XX": "The request cannot be answered; `code` and `detail` say why.",
        "5XX": "The service cannot answer now; `code` and `detail` say why.",
    }.items()
}
"""What any page may answer instead, for OpenAPI. `web` adds the schema it refers to."""


def problem_of(request: Request, error: Exception) -> Problem:
    """Return what to say about an exception. One that nobody foresaw says nothing of itself."""
    known = _known(error)
    problem = Problem(
        type=f"/docs/errors#{known.code}",
        title=known.code.replace("_", " ").capitalize(),
        status=known.status,
        detail=known.message(language_of(request)),
        code=known.code,
        request_id=getattr(request.state, "request_id", ""),
        fields=_fields(error.errors()) if isinstance(error, RequestValidationError) else [],
    )
    problem._known = known  # noqa: SLF001 (the one who makes it)
    return problem


def _known(error: Exception) -> HunminError:
    known: HunminError
    match error:
        case HunminError():
            known = error
        case RequestValidationError():
            known = RequestInvalid()
        case HTTPException(status_code=404):
            known = PageNotFound()
        case HTTPException(status_code=405):
            known = MethodNotAllowed(allow=(error.headers or {}).get("Allow", "GET"))
        case HTTPException(status_code=413):
            known = BodyTooLarge()
        case HTTPException(status_code=status) if status < _SERVER_FAULT:
            known = RequestInvalid()
        case _:
            known = InternalError()
    return known


def _fields(found: Sequence[Mapping[str, Any]]) -> list[InvalidField]:
    return [
        InvalidField(where=list(one["loc"]), reason=str(one["msg"]))
        for one in found[:_INVALID_FIELDS_MAX]
    ]


def show_problem(
    request: Request, problem: Problem, *, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with a problem in the face that fits the path and the `Accept` header."""
    request.state.error_code = problem.code  # for the access line and the counters
    path: str = request.scope["path"]
    faces: Mapping[str, ErrorFace] = getattr(request.app.state, "error_faces", {})
    for prefix, face in faces.items():
        if path == prefix or path.startswith(f"{prefix}/"):
            response = face(request, problem)
            response.headers.update(headers or {})
            return response
    if wants_html(request) and not path.endswith(".json"):
        return render(
            request,
            "web/error.html",
            {"problem": problem},
            status=problem.status,
            headers={"Cache-Control": "no-store", **(headers or {})},
        )
    return JSONResponse(
        problem.model_dump(mode="json"),
        status_code=problem.status,
        media_type=PROBLEM_TYPE,
        headers={"Cache-Control": "no-store", "Vary": "Accept, Accept-Language", **(headers or {})},
    )
