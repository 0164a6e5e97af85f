"""Why a setting was refused, in English and Korean. Pure."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class Reason(NamedTuple):
    """Half a sentence in both languages; it follows the name of the setting."""

    en: str
    ko: str


WRONG_TYPE = Reason(en="has the wrong type", ko="형식이 맞지 않습니다")

_BY_TYPE: dict[str, tuple[str, str]] = {
    "int": ("must be a whole number", "정수여야 합니다"),
    "float": ("must be a number", "숫자여야 합니다"),
    "bool": ("must be true or false", "true 또는 false여야 합니다"),
    "string": ("must be text", "문자열이어야 합니다"),
    "path": ("must be a path", "경로여야 합니다"),
    "dict": ("must be a table of names and values", "이름과 값의 표여야 합니다"),
    "model": ("must be a section with keys", "키를 가진 섹션이어야 합니다"),
    "greater_than_equal": ("must be at least {ge}", "{ge} 이상이어야 합니다"),
    "greater_than": ("must be more than {gt}", "{gt}보다 커야 합니다"),
    "less_than_equal": ("must be at most {le}", "{le} 이하여야 합니다"),
    "less_than": ("must be less than {lt}", "{lt}보다 작아야 합니다"),
    "http_address": (
        "must be http://HOST:PORT or https://HOST",
        "http://HOST:PORT나 https://HOST여야 합니다",
    ),
    "literal_error": ("must be {expected}", "{expected} 가운데 하나여야 합니다"),
}


def explain(error: Mapping[str, Any]) -> Reason:
    """Return the reason for one error as pydantic reports it."""
    kind = error["type"]
    sentences = _BY_TYPE.get(kind) or _BY_TYPE.get(kind.split("_")[0])
    if sentences is None:
        return WRONG_TYPE
    context = {**error.get("ctx", {})}
    context["expected"] = str(context.get("expected", "")).replace("'", "")
    en, ko = (sentence.format(**context) for sentence in sentences)
    ko = ko.replace(" or ", ", ")
    return Reason(en=en, ko=ko)


def unknown(key: str, known: Iterable[str]) -> Reason:
    """Return the reason for a key nobody knows, with the nearest one that exists."""
    near = difflib.get_close_matches(key, sorted(known), n=1)
    if not near:
        return Reason(en="is not known", ko="없는 설정입니다")
    return Reason(
        en=f"is not known; perhaps {near[0]} was meant",
        ko=f"없는 설정입니다. 혹시 {near[0]}입니까",
    )
