"""Whether a candidate really is personal data: dates, check digits, number plans, context.

Every rule takes plain digits or the words around them and answers yes or no. Where candidates
come from is the business of `scan`.
"""

import re
from datetime import date
from typing import Literal

Kind = Literal["resident_number", "foreigner_number", "phone", "email", "card"]

PLACEHOLDERS: dict[Kind, str] = {
    "resident_number": "<주민등록번호>",
    "foreigner_number": "<외국인등록번호>",
    "phone": "<전화번호>",
    "email": "<이메일>",
    "card": "<카드번호>",
}
"""What stands in the text instead. None holds a digit or an at sign, so none is found again."""

RESIDENT_DIGITS = 13

_RESIDENT_WORDS = re.compile(
    r"주민\s*(?:등록)?\s*번호|주민\s*등록|외국인\s*등록|거소\s*신고|생년월일|RRN|resident",
    re.IGNORECASE,
)
_CARD_WORDS = re.compile(r"카드|신용|체크|결제|card|visa|master", re.IGNORECASE)
_OTHER_NUMBER_WORDS = re.compile(
    r"운송장|송장|바코드|주문|사건|법인|사업자|계좌|일련|상품|제품|부품|모델|버전|타임스탬프|"
    r"ISBN|ISSN|EAN|UPC|barcode|serial|tracking|order|timestamp",
    re.IGNORECASE,
)

_CENTURIES = {
    "1": 1900, "2": 1900, "3": 2000, "4": 2000, "5": 1900, "6": 1900, "7": 2000, "8": 2000,
}  # fmt: skip
"""Century of birth by the seventh digit. 9 and 0 stood for the 1800s: nobody lives who has one."""

_FOREIGNER = frozenset("5678")
_BARCODE_PREFIXES = ("880", "978", "979")
_RESIDENT_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_NO_CHECK_DIGIT_SINCE = date(2020, 10, 5)
"""Numbers issued from this day on end in random digits (Resident Registration Act rules)."""


def born(digits: str) -> date | None:
    """Return the date of birth a 13-digit number states, or None where it states none."""
    century = _CENTURIES.get(digits[6])
    if century is None:
        return None
    try:
        return date(century + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
    except ValueError:
        return None


def resident_check_digit_fits(digits: str) -> bool:
    """Whether the last digit is the check digit of a resident or foreigner number."""
    total = sum(int(d) * w for d, w in zip(digits, _RESIDENT_WEIGHTS, strict=False))
    resident = (11 - total % 11) % 10
    foreigner = (resident + 2) % 10
    return int(digits[12]) == (foreigner if digits[6] in _FOREIGNER else resident)


def corporate_check_digit_fits(digits: str) -> bool:
    """Whether the last digit is the check digit of a corporate registration number."""
    total = sum(int(d) * (1 + i % 2) for i, d in enumerate(digits[:12]))
    return int(digits[12]) == (10 - total % 10) % 10


def resident_kind(digits: str, *, hyphen: bool, before: str) -> Kind | None:
    """Return the kind of a number of thirteen digits, or None where it is something else.

    Args:
        digits: Thirteen ASCII digits.
        hyphen: Whether it is written as six digits, a hyphen and seven digits.
        before: The words right before it.
    """
    day = born(digits)
    if day is None:
        return None
    kind: Kind = "foreigner_number" if digits[6] in _FOREIGNER else "resident_number"
    if _RESIDENT_WORDS.search(before):
        return kind
    if _OTHER_NUMBER_WORDS.search(before):
        return None
    if resident_check_digit_fits(digits):
        return kind if hyphen or not digits.startswith(_BARCODE_PREFIXES) else None
    if not hyphen or corporate_check_digit_fits(digits):
        return None
    return kind if day >= _NO_CHECK_DIGIT_SINCE or digits[6] in "1234" else None


def luhn_fits(digits: str) -> bool:
    """Whether the digits pass the Luhn check of payment cards (ISO/IEC 7812-1)."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 (two digits of a product)
    return total % 10 == 0


_CARD = re.compile(r"(?:3[47]\d{13}|(?:4|5[1-5]|2[2-7]|35|62|65|9[0-9])\d+)")
"""First digits of Amex, Visa, Mastercard, JCB, UnionPay, Discover and Korean domestic cards."""


def is_card(digits: str, *, grouped: bool, before: str) -> bool:
    """Whether 15 or 16 digits are a payment card.

    Args:
        digits: ASCII digits.
        grouped: Whether they are written in groups as on a card.
        before: The words right before them.
    """
    if not _CARD.fullmatch(digits) or not luhn_fits(digits) or len(set(digits)) < 3:  # noqa: PLR2004
        return False
    if _CARD_WORDS.search(before):
        return True
    return grouped and not _OTHER_NUMBER_WORDS.search(before)


_RESERVED_DOMAINS = re.compile(
    r"(?:^|\.)(?:example|test|invalid|localhost)$|(?:^|\.)example\.(?:com|net|org|edu|co\.kr|kr)$",
    re.IGNORECASE,
)


def is_email(local: str, domain: str) -> bool:
    """Whether `local@domain` can be someone's address: not an example, not a code host's login."""
    if _RESERVED_DOMAINS.search(domain) or local.startswith(".") or local.endswith("."):
        return False
    return not (local == "git" and domain.lower() in {"github.com", "gitlab.com", "bitbucket.org"})
