"""Find and mask: candidates by one expression per form, decided by the rules in `kinds`."""

import re
from dataclasses import dataclass

from hunmin.privacy.kinds import PLACEHOLDERS, Kind, is_card, is_email, resident_kind

_CONTEXT_CHARS = 24
"""How far before a number its context is read."""

_DASH = r"[-‐‑‒–—−－]"
_NOT_AFTER = rf"(?<![0-9A-Za-z_])(?<![0-9]{_DASH})(?<![0-9][./])"
_NOT_BEFORE = rf"(?![0-9A-Za-z_])(?!{_DASH}[0-9])(?![.][0-9])"

_RESIDENT = re.compile(
    rf"{_NOT_AFTER}([0-9]{{2}}[01][0-9][0-3][0-9])( ?{_DASH} ?)?([0-9]{{7}}){_NOT_BEFORE}"
)
_CARD = re.compile(
    rf"{_NOT_AFTER}(?:[2-69][0-9]{{3}}(?:({_DASH}| )[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{4}}|[0-9]{{12}})"
    rf"|3[47][0-9]{{2}}(?:({_DASH}| )[0-9]{{6}}\2[0-9]{{5}}|[0-9]{{11}})){_NOT_BEFORE}"
)
_SEPARATOR = rf"(?: ?{_DASH} ?|[. ]|\) ?)"
_PHONE = re.compile(
    rf"{_NOT_AFTER}(?:"
    rf"(?:\+?82{_SEPARATOR}?\(?0?\)?|0)1[016789]{_SEPARATOR}?[0-9]{{3,4}}{_SEPARATOR}?[0-9]{{4}}"
    rf"|(?:\+?82{_SEPARATOR}?\(?0?\)?|\(?0)(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70|50[2-8]?)"
    rf"(?: ?{_DASH} ?|\) ?)[0-9]{{3,4}} ?{_DASH} ?[0-9]{{4}}"
    rf"){_NOT_BEFORE}"
)
_LOCAL = re.compile(r"[A-Za-z0-9._%+-]{1,64}$")
_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])"
)
_NUMBERS = re.compile(rf"(?:[0-9](?:{_DASH}|[ .()]){{0,3}}){{8,}}[0-9]")
"""Nine digits with little between them: what every number looked for has, and few texts have."""
_AROUND = 8
"""What may belong to a number before and after such digits, as `+82 (`, or forbid it."""
_PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS.values())))


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of personal data: `text[start:end]` is of this kind."""

    kind: Kind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Masked:
    """A text with every finding replaced by its placeholder."""

    text: str
    findings: tuple[Finding, ...]
    """In order, without overlap, at offsets of the text as it was given."""


def find(text: str) -> list[Finding]:
    """Return the personal data in a text, in order and without overlap."""
    return list(mask(text).findings)


def mask(text: str) -> Masked:
    """Replace personal data by typed placeholders such as `<주민등록번호>`.

    Masking a masked text changes nothing, and a text without findings comes back as it was.
    """
    findings: list[Finding] = []
    masked = text
    while fresh := _scan(masked):
        # A number may become readable once its neighbor is masked, so look again until nothing
        # is left; each turn takes digits or at signs away, so it ends.
        findings = _merge(findings, fresh)
        masked = _replace(text, findings)
    return Masked(masked, tuple(findings))


def _scan(text: str) -> list[Finding]:
    found: list[Finding] = []
    if "@" in text:
        _emails(text, found)
    for numbers in _NUMBERS.finditer(text):
        window = max(0, numbers.start() - _AROUND), numbers.end() + _AROUND
        _residents(text, window, found)
        _cards(text, window, found)
        found += [Finding("phone", m.start(), m.end()) for m in _PHONE.finditer(text, *window)]
    if len(found) < 2:  # noqa: PLR2004 (a single one overlaps nothing)
        return found
    kept: list[Finding] = []
    for finding in sorted(found, key=lambda f: (f.start, -f.end)):
        if not kept or finding.start >= kept[-1].end:
            kept.append(finding)
    return kept


def _before(text: str, start: int) -> str:
    return _PLACEHOLDER.sub("", text[max(0, start - _CONTEXT_CHARS) : start])


def _residents(text: str, window: tuple[int, int], found: list[Finding]) -> None:
    for match in _RESIDENT.finditer(text, *window):
        kind = resident_kind(
            match[1] + match[3],
            hyphen=match[2] is not None,
            before=_before(text, match.start()),
        )
        if kind is not None:
            found.append(Finding(kind, match.start(), match.end()))


def _cards(text: str, window: tuple[int, int], found: list[Finding]) -> None:
    for match in _CARD.finditer(text, *window):
        digits = "".join(c for c in match[0] if "0" <= c <= "9")
        grouped = len(digits) != len(match[0])
        if is_card(digits, grouped=grouped, before=_before(text, match.start())):
            found.append(Finding("card", match.start(), match.end()))


def _emails(text: str, found: list[Finding]) -> None:
    at = text.find("@")
    while at >= 0:
        local = _LOCAL.search(text, max(0, at - 64), at)
        domain = _DOMAIN.match(text, at + 1)
        if local and domain and is_email(local[0], domain[0]):
            found.append(Finding("email", local.start(), domain.end()))
        at = text.find("@", at + 1)


def _replace(text: str, findings: list[Finding]) -> str:
    pieces: list[str] = []
    last = 0
    for finding in findings:
        pieces += (text[last : finding.start], PLACEHOLDERS[finding.kind])
        last = finding.end
    return "".join((*pieces, text[last:]))


def _merge(old: list[Finding], fresh: list[Finding]) -> list[Finding]:
    """Bring findings of the masked text back to offsets of the text before masking."""
    moved: list[Finding] = []
    waiting = iter(old)
    following = next(waiting, None)
    shift = 0  # original offset minus masked offset
    for finding in fresh:
        while following is not None and following.start - shift < finding.start:
            shift += following.end - following.start - len(PLACEHOLDERS[following.kind])
            following = next(waiting, None)
        moved.append(Finding(finding.kind, finding.start + shift, finding.end + shift))
    return sorted([*old, *moved], key=lambda f: f.start)
