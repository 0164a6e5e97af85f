"""What a kind of event is. Which there are stands in `kinds`."""

from enum import StrEnum
from typing import Self


class Kind(StrEnum):
    """What can be done: `room.noun.verb`, with the sentence it stands for in two languages."""

    en: str
    ko: str

    def __new__(cls, kind: str, en: str, ko: str) -> Self:
        """Keep the two sentences beside the kind itself."""
        member = str.__new__(cls, kind)
        member._value_ = kind
        member.en = en
        member.ko = ko
        return member
