"""The one error of grammars and regular expressions that clients write.

It says what is wrong and where, by a number: what a client wrote never appears in a message.
"""

from collections.abc import Mapping
from typing import Literal

from hunmin.errors.gateway import ApiError

GrammarFault = Literal[
    "unreadable",
    "unsupported",
    "too_large",
    "no_root",
    "rule_twice",
    "rule_unknown",
    "rule_endless",
    "rule_undecided",
]

_FAULTS: Mapping[GrammarFault, tuple[str, str]] = {
    "unreadable": ("it cannot be read", "읽을 수 없습니다"),
    "unsupported": (
        "it has something that is not supported",
        "지원하지 않는 것이 들어 있습니다",
    ),
    "too_large": ("it is too large, or may mean too much", "너무 크거나 경우가 너무 많습니다"),
    "no_root": ("it has no rule 'root'", "규칙 'root'가 없습니다"),
    "rule_twice": ("a rule is defined twice", "두 번 정한 규칙이 있습니다"),
    "rule_unknown": ("a rule is named that is not defined", "정하지 않은 규칙을 부릅니다"),
    "rule_endless": ("a rule never comes to an end", "끝나지 않는 규칙이 있습니다"),
    "rule_undecided": (
        "a rule comes back to itself, and the next character does not tell how it goes on",
        "자신에게 돌아오는 규칙인데, 다음 글자로 어느 쪽인지 가릴 수 없습니다",
    ),
}


class GrammarUnsupported(ApiError):
    """The grammar or regular expression cannot be read, or answers cannot be held to it here."""

    code = "unsupported_grammar"
    status = 400

    def __init__(
        self, *, fault: GrammarFault, place: int | None = None, param: str = "structured_outputs"
    ) -> None:
        en, ko = _FAULTS[fault]
        where = "" if place is None else f" at character {place + 1}"
        where_ko = "" if place is None else f" {place + 1}번째 글자에서"
        super().__init__(
            f"The grammar cannot be kept to{where}: {en}. Write it otherwise; the guide to the API "
            "lists what is supported.",
            f"문법을 지킬 수 없습니다.{where_ko} {ko}. 다르게 쓰십시오. 지원하는 것은 API 안내서에 "
            "있습니다.",
            param=param,
        )
        self.fault = fault
        self.place = place
