"""From the JSON body of a request to its fields, or to an error that says what to change.

Which fields there are stands in `wire`, `response_wire` and `token_wire`.
"""

from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from hunmin.errors import HunminError, InvalidRequest, UnknownParameter, UnsupportedParameter


class Shape(BaseModel):
    """A JSON object with no fields but its own and no conversion between types."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


class Body(Shape):
    """What a request sends."""

    refused: ClassVar[frozenset[str]] = frozenset()
    """Fields whose every refused value means that this server cannot do that."""

    @classmethod
    def parse(cls, body: bytes | str) -> Self:
        """Return the request in a JSON body.

        Raises:
            HunminError: The body is not such a request; `param` names the field.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as refusal:
            raise _explain(refusal, cls.refused) from None


_REASONS_KO = {
    "missing": "빠졌습니다",
    "json_invalid": "JSON 형식이 아닙니다",
    "json_type": "JSON 형식이 아닙니다",
    "model_type": "JSON 객체여야 합니다",
    "model_attributes_type": "JSON 객체여야 합니다",
    "string_type": "문자열이어야 합니다",
    "string_too_short": "너무 짧습니다",
    "string_too_long": "너무 깁니다",
    "string_unicode": "올바른 유니코드가 아닙니다",
    "int_type": "정수여야 합니다",
    "int_from_float": "정수여야 합니다",
    "float_type": "숫자여야 합니다",
    "finite_number": "유한한 숫자여야 합니다",
    "bool_type": "true 또는 false여야 합니다",
    "list_type": "목록이어야 합니다",
    "too_short": "항목이 너무 적습니다",
    "too_long": "항목이 너무 많습니다",
    "string_pattern_mismatch": "형식이 맞지 않습니다",
    "less_than": "너무 큽니다",
    "greater_than_equal": "너무 작습니다",
    "less_than_equal": "너무 큽니다",
    "literal_error": "허용되지 않는 값입니다",
}


def _explain(refusal: ValidationError, refused: frozenset[str]) -> HunminError:
    """Return the error that tells a client what to change, without repeating its values.

    Args:
        refusal: What pydantic found.
        refused: Top-level fields whose every refused value is an unsupported one.
    """
    details = refusal.errors(include_url=False, include_context=False, include_input=False)
    for detail in details:
        if _asks_for_more(detail, refused):
            return UnsupportedParameter(param=_path(detail["loc"]) or "body")
    unknown = [detail for detail in details if detail["type"] == "extra_forbidden"]
    first = next((detail for detail in details if detail not in unknown), None)
    if first is None:
        return UnknownParameter(param=_path(unknown[0]["loc"]) or "body")
    return InvalidRequest(
        param=_path(first["loc"]),
        reason_en=first["msg"][:1].lower() + first["msg"][1:],
        reason_ko=_REASONS_KO.get(first["type"], "형식이 맞지 않습니다"),
    )


def _asks_for_more(detail: ErrorDetails, refused: frozenset[str]) -> bool:
    """Return whether a value is one OpenAI might take and this server cannot."""
    top, last = detail["loc"][:1], detail["loc"][-1:]
    if detail["type"] == "none_required":
        return True
    if detail["type"] == "literal_error" and last in _KINDS:
        return True
    return top != () and top[0] in refused and detail["type"] != "missing"


def _path(location: tuple[int | str, ...]) -> str | None:
    """Return `messages[0].content` for a location, without the tags of unions."""
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step not in _UNION_TAGS:
            path += f".{step[:64]}" if path else step[:64]
    return path or None


_KINDS = frozenset({("type",), ("role",), ("strict",)})
"""Fields whose values OpenAI has more of than this server."""

_UNION_TAGS = frozenset({
    "(text)", "(parts)", "(texts)", "(tokens)", "(token lists)", "(any)", "(object)", "(schema)",
    "(message)", "(calls)", "(tool)", "(call)", "(output)",
})  # fmt: skip
