"""What OpenAPI says of the API's operations beyond what FastAPI finds by itself.

Requests are parsed by the room, not by FastAPI, so that errors have OpenAI's envelope and bodies
their limit; their schemas are therefore written in here, from the same classes that parse them.
"""

from typing import Any

from pydantic import BaseModel

from hunmin.gateway.replies import ErrorReply, Reply

Responses = dict[int | str, dict[str, Any]]

_REQUEST_ID = {
    "x-request-id": {
        "description": "Finds the request in the server's log and audit record.",
        "schema": {"type": "string"},
        "required": True,
    }
}
_RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds to wait before the next try.",
        "schema": {"type": "integer", "minimum": 1},
    }
}


def _error(description: str, *, may_wait: bool = False) -> dict[str, Any]:
    headers = _REQUEST_ID | (_RETRY_AFTER if may_wait else {})
    return {"model": ErrorReply, "description": description, "headers": headers}


ERRORS: Responses = {
    200: {"description": "As asked.", "headers": _REQUEST_ID},
    401: _error("No valid API key was sent: `invalid_api_key`."),
    403: _error("The key was not made for this: `scope_needed`."),
    500: _error("A fault of the server: `internal_error`."),
    502: _error(
        "An engine on another machine did not take the request, or broke off: "
        "`upstream_refused` or `upstream_broke_off`.",
        may_wait=True,
    ),
    503: _error("Not able to answer now, such as while loading a model.", may_wait=True),
}

BAD_REQUEST: Responses = {
    400: _error(
        "`invalid_value`, `unknown_parameter`, `unsupported_parameter` or "
        "`context_length_exceeded`; `param` names the field."
    )
}

NOT_FOUND: Responses = {404: _error("No such model is served: `model_not_found`.")}


READS: Responses = {
    **ERRORS,
    **BAD_REQUEST,
    **NOT_FOUND,
    408: _error("The body did not arrive in time: `request_timeout`."),
    413: _error("The body is too long: `request_too_large`."),
    415: _error("The body is not JSON by its headers: `unsupported_media_type`."),
    501: _error("The model's tokenizer is on another machine: `tokenizer_elsewhere`."),
}
"""The responses of an operation that reads a body and generates nothing."""


GENERATES: Responses = {
    **READS,
    429: _error(
        "`rate_limit_exceeded`, `tokens_limit_exceeded`, `concurrency_limit_exceeded`, or "
        "`insufficient_quota` where a budget is used up.",
        may_wait=True,
    ),
    504: _error("The answer took too long: `answer_timed_out`."),
}
"""The responses of an operation that an engine works for."""


def answers(chunk: type[Reply]) -> Responses:
    """Return the responses of an operation that generates; `chunk` is what an event holds."""
    events = {
        "schema": {
            "type": "object",
            "description": "With `stream: true`, one event for every piece, then `[DONE]`. "
            "A failure underway is an event with OpenAI's error envelope, and no `[DONE]`.",
            "required": ["data"],
            "properties": {
                "data": {
                    "type": "string",
                    "anyOf": [
                        {"const": "[DONE]"},
                        {"contentMediaType": "application/json", "contentSchema": _schema(chunk)},
                    ],
                }
            },
        }
    }
    return {
        **GENERATES,
        200: {
            "description": "The answer.",
            "headers": _REQUEST_ID,
            "content": {"text/event-stream": events},
        },
    }


def body(shape: type[BaseModel]) -> dict[str, Any]:
    """Return the request body of an operation that parses `shape` by itself."""
    content = {"application/json": {"schema": _schema(shape)}}
    return {"requestBody": {"required": True, "content": content}}


def parameter(place: str, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return one path or query parameter of an operation that reads it by itself."""
    shown = {"name": name, "in": place, "required": place == "path", "schema": schema}
    return {"parameters": [shown]}


def _schema(shape: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a class, in one piece."""
    schema = shape.model_json_schema(mode="validation")
    definitions = schema.pop("$defs", {})
    inlined: dict[str, Any] = _inline(schema, definitions)
    return inlined


def _inline(schema: Any, definitions: dict[str, Any]) -> Any:  # noqa: ANN401 (any JSON)
    """Return a schema with each reference replaced by what it refers to."""
    if isinstance(schema, list):
        return [_inline(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        found = definitions[schema["$ref"].removeprefix("#/$defs/")]
        return _inline({**found, **{k: v for k, v in schema.items() if k != "$ref"}}, definitions)
    return {key: _inline(value, definitions) for key, value in schema.items()}
