"""What the API takes and answers: the OpenAPI document, and the page that reads it aloud."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from hunmin.faces import Problem

DESCRIPTION = """\
Chat, completions and models as OpenAI's clients speak them under `/v1`, with an API key.
Every page has a JSON twin at its address plus `.json`, with the browser's session.
Errors outside `/v1` are problem+json (RFC 9457) with a stable `code`; `/docs/errors` lists them.
"""

_EVENT_SCHEMA = {
    "type": "object",
    "properties": {"data": {"type": "string", "contentMediaType": "application/json"}},
    "required": ["data"],
}
_METHODS = ("get", "post", "put", "patch", "delete")
_DEPTH_MAX = 4


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body, a parameter or an answer."""

    name: str
    kind: str
    required: bool
    meaning: str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Operation:
    """One address with one method."""

    id: str
    method: str
    path: str
    summary: str
    meaning: str
    credentials: list[str]
    parameters: list[Field]
    body_kind: str
    body: list[Field]
    answers: list["Answer"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One way an operation may end."""

    status: str
    meaning: str
    fields: list[Field] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Section:
    """The operations of one room."""

    tag: str
    operations: list[Operation]


def describe(app: FastAPI) -> None:
    """Have the application describe itself, with the one form of its errors."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title,
                version=app.version,
                description=DESCRIPTION,
                license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
                routes=app.routes,
            )
            schemas: dict[str, Any] = made.setdefault("components", {}).setdefault("schemas", {})
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs", {}))
            schemas["Problem"] = problem
            _describe_events(made)
            if app.state.settings.accounts.guests:
                _welcome_guests(made)
            app.openapi_schema = made
        return app.openapi_schema

    # FastAPI asks for its description to be replaced by assignment.
    app.openapi = document  # type: ignore[method-assign]


def _describe_events(document: dict[str, Any]) -> None:
    """Say of each stream that no room describes that its events carry JSON."""
    for methods in document["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                stream = answer.get("content", {}).get("text/event-stream")
                if stream is not None and stream.get("schema") == {"type": "string"}:
                    stream["schema"] = _EVENT_SCHEMA


def _welcome_guests(document: dict[str, Any]) -> None:
    """Say that what takes a key or a session needs neither: a guest's session is made for it."""
    for methods in document["paths"].values():
        for operation in methods.values():
            taken = {name for choice in operation.get("security", []) for name in choice}
            if taken == {"key", "session"}:
                operation["security"].insert(0, {})


def sections(app: FastAPI) -> list[Section]:
    """Return every operation by room, ready to be shown."""
    document = app.openapi()
    by_tag: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                operation = methods[method]
                tag = (operation.get("tags") or ["service"])[0]
                by_tag.setdefault(tag, []).append(_operation(document, path, method, operation))
    return [Section(tag, operations) for tag, operations in sorted(by_tag.items())]


def _operation(
    document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]
) -> Operation:
    content: Mapping[str, Any] = operation.get("requestBody", {}).get("content", {})
    nothing: tuple[str, Mapping[str, Any]] = ("", {})
    body_kind, body = next(iter(content.items()), nothing)
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        meaning=operation.get("description", ""),
        credentials=[name for choice in operation.get("security", []) for name in choice],
        parameters=[
            Field(
                name=one["name"],
                kind=_kind(document, one.get("schema", {})),
                required=one.get("required", False),
                meaning=one.get("description", ""),
            )
            for one in operation.get("parameters", [])
        ],
        body_kind=body_kind,
        body=_fields(document, body.get("schema", {})),
        answers=[
            _answer(document, status, answer)
            for status, answer in operation.get("responses", {}).items()
        ],
    )


def _answer(document: Mapping[str, Any], status: str, answer: Mapping[str, Any]) -> Answer:
    content: Mapping[str, Any] = answer.get("content", {})
    schema = next((kind.get("schema", {}) for kind in content.values()), {})
    is_problem = schema.get("$ref", "").endswith("/Problem")
    return Answer(
        status=status,
        meaning=answer.get("description", ""),
        fields=[] if is_problem else _fields(document, schema),
    )


def _fields(
    document: Mapping[str, Any], schema: Mapping[str, Any], *, depth: int = 0
) -> list[Field]:
    """Return the fields of an object and of the objects in it, in reading order."""
    schema = _resolve(document, schema)
    if schema.get("type") == "array":
        schema = _resolve(document, schema.get("items", {}))
    if depth > _DEPTH_MAX:
        return []
    required: Sequence[str] = schema.get("required", [])
    listed: list[Field] = []
    for name, inner in schema.get("properties", {}).items():
        resolved = _resolve(document, inner)
        listed.append(
            Field(
                name=name,
                kind=_kind(document, inner),
                required=name in required,
                meaning=inner.get("description") or resolved.get("description", ""),
                depth=depth,
            )
        )
        for choice in [resolved, *resolved.get("anyOf", []), *resolved.get("oneOf", [])]:
            listed += _fields(document, choice, depth=depth + 1)
    return listed


def _kind(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return a type in a few words."""
    schema = _resolve(document, schema)
    for join in ("anyOf", "oneOf"):
        if join in schema:
            return " | ".join(dict.fromkeys(_kind(document, one) for one in schema[join]))
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    if "const" in schema:
        return f'"{schema["const"]}"'
    if schema.get("type") == "array":
        return f"{_kind(document, schema.get('items', {}))}[]"
    return str(schema.get("format") or schema.get("type", "any"))


def _resolve(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = document["components"]["schemas"][name]
    return schema
