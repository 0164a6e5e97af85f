"""Every kind of event: `room.noun.verb`, with the sentence it stands for in English and Korean.

A new kind is one line here; `docs/reference/audit-events.md` is generated from this file.
"""

from enum import StrEnum
from typing import Self


class Kind(StrEnum):
    """What can be done. Each room has its own lines."""

    en: str
    ko: str

    def __new__(cls, kind: str, en: str, ko: str) -> Self:
        """Keep the two sentences beside the kind itself."""
        member = str.__new__(cls, kind)
        member._value_ = kind
        member.en = en
        member.ko = ko
        return member

    # accounts
    USER_CREATE = "accounts.user.create", "An account was made.", "계정을 만들었습니다."

    # audit
    SEAL_CREATE = "audit.seal.create", "Events were sealed.", "기록을 봉인했습니다."
