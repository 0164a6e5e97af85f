"""Verifiers: what an answer is worth, by rule. Pure functions, by name.

A verifier is made from its options and judges one answer at a time. Other packages bring their own
by an entry point of the group `hunmin.verifiers` (see `hunmin.plugins`); ours come first, so that a
name in a recipe never changes its meaning with what is installed beside.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Any

import jsonschema
import referencing

from hunmin import plugins
from hunmin.errors import VerifierUnknown, VerifierWrong
from hunmin.plugins import GivenAnswer, MakeVerifier, Verdict, Verifier
from hunmin.rollouts.config import VerifierConfig


def exact() -> Verifier:
    """Make a verifier: the answer is the expected one, whatever the white space."""

    def verify(given: GivenAnswer) -> Verdict:
        return _verdict(_plain(given.text) == _plain(given.expected), "the same", "not the same")

    return verify


def label(*, labels: list[str]) -> Verifier:
    """Make a verifier: of these labels the answer says the expected one, and no other.

    Where a label is a part of another, as 긍정 of 매우 긍정, the longer one is heard.
    """
    if len(set(labels)) < 2 or not all(labels):  # noqa: PLR2004 (of one there is no choice)
        raise ValueError("labels must be at least two that differ")
    longest_first = sorted(map(_plain, labels), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)))

    def verify(given: GivenAnswer) -> Verdict:
        said = set(pattern.findall(_plain(given.text)))
        if len(said) != 1:
            return Verdict(0.0, "says no label" if not said else f"says {len(said)} labels")
        return _verdict(said == {_plain(given.expected)}, "the right label", "another label")

    return verify


def number(*, tolerance: float = 0.0) -> Verifier:
    """Make a verifier: the last number of the answer is the expected one, give or take some."""
    if not tolerance >= 0:
        raise ValueError("tolerance must not be negative")

    def verify(given: GivenAnswer) -> Verdict:
        found, expected = _last_number(given.text), _last_number(given.expected)
        if expected is None:
            return Verdict(0.0, "no number is expected")
        if found is None:
            return Verdict(0.0, "no number")
        return _verdict(abs(found - expected) <= tolerance, "the right number", "another number")

    return verify


def pattern(*, pattern: str, whole: bool = False) -> Verifier:
    """Make a verifier: a regular expression is found in the answer, or, `whole`, is all of it."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"pattern is no regular expression: {error}") from error
    find = compiled.fullmatch if whole else compiled.search

    def verify(given: GivenAnswer) -> Verdict:
        return _verdict(find(given.text.strip()), "has the form", "has not the form")

    return verify


def hangul(*, share_min: float = 1.0) -> Verifier:
    """Make a verifier: so large a share of the letters is Hangul; of less, in proportion."""
    if not 0 < share_min <= 1:
        raise ValueError("share_min must be above 0, and at most 1")

    def verify(given: GivenAnswer) -> Verdict:
        letters = [one for one in unicodedata.normalize("NFC", given.text) if one.isalpha()]
        if not letters:
            return Verdict(0.0, "no letters")
        share = sum(map(_is_hangul, letters)) / len(letters)
        return Verdict(min(1.0, share / share_min), f"{share:.0%} of the letters are Hangul")

    return verify


def length(*, chars_min: int = 0, chars_max: int | None = None) -> Verifier:
    """Make a verifier: the answer has so many characters at least, and at most."""
    if chars_min < 0 or (chars_max is not None and chars_max < chars_min):
        raise ValueError("chars_min must not be negative, and chars_max not below it")

    def verify(given: GivenAnswer) -> Verdict:
        chars = len(given.text.strip())
        if chars_max is not None and chars > chars_max:
            return Verdict(0.0, f"{chars} characters are too many")
        return _verdict(
            chars >= chars_min, f"{chars} characters", f"{chars} characters are too few"
        )

    return verify


def json_valid(*, schema: Mapping[str, Any] | bool = True) -> Verifier:
    """Make a verifier: the answer is JSON, and as the JSON Schema says (draft 2020-12)."""
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ValueError(f"schema is no JSON Schema: {error.message}") from error
    # An empty registry: a schema that names another one on the network is not fetched.
    checker = jsonschema.Draft202012Validator(schema, registry=referencing.Registry())

    def verify(given: GivenAnswer) -> Verdict:
        try:
            value = json.loads(given.text)
        except (ValueError, RecursionError):
            return Verdict(0.0, "not JSON")
        return _verdict(checker.is_valid(value), "as the schema says", "not as the schema says")

    return verify


def finished() -> Verifier:
    """Make a verifier: the model has ended the answer itself."""

    def verify(given: GivenAnswer) -> Verdict:
        return _verdict(given.finished, "ended", "cut at the limit of tokens")

    return verify


_OURS: Mapping[str, MakeVerifier] = {
    "exact": exact,
    "finished": finished,
    "hangul": hangul,
    "json": json_valid,
    "label": label,
    "length": length,
    "number": number,
    "pattern": pattern,
}


def verifier_names() -> list[str]:
    """Return the names of all verifiers there are."""
    return sorted({*_OURS, *plugins.verifier_names()})


def make_verifier(config: VerifierConfig) -> Verifier:
    """Return a verifier with its options.

    Raises:
        VerifierUnknown: There is none of this name.
        VerifierWrong: It has no such option, or not with this value.
    """
    make = _OURS.get(config.name)
    if make is None:
        point = plugins.find_verifier(config.name)
        if point is None:
            raise VerifierUnknown(name=config.name, known=verifier_names())
        make = _loaded(point)
    try:
        return make(**config.options)
    except (TypeError, ValueError) as error:
        raise VerifierWrong(name=config.name, reason=str(error)) from error


def _loaded(point: EntryPoint) -> MakeVerifier:
    try:
        return point.load()
    except Exception as error:  # a verifier may be anybody's program
        raise VerifierWrong(name=point.name, reason=f"{type(error).__name__}: {error}") from error


def made_by(name: str) -> str:
    """Return the package and version a verifier comes from; empty for ours."""
    point = None if name in _OURS else plugins.find_verifier(name)
    return f"{point.dist.name} {point.dist.version}" if point is not None and point.dist else ""


def _verdict(right: object, reason: str, otherwise: str) -> Verdict:
    return Verdict(1.0, reason) if right else Verdict(0.0, otherwise)


def _plain(text: str) -> str:
    """Return a text in composed characters, its white space made even."""
    return " ".join(unicodedata.normalize("NFC", text).split())


_NUMBER = re.compile(r"(?:(?<!\d)[-−])?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
"""Between two numbers, as in 3-5 or 2024-10-09, a hyphen makes nothing negative."""


def _last_number(text: str) -> float | None:
    found = _NUMBER.findall(unicodedata.normalize("NFKC", text))
    return float(found[-1].replace(",", "").replace("−", "-")) if found else None


def _is_hangul(letter: str) -> bool:
    return "HANGUL" in unicodedata.name(letter, "")
