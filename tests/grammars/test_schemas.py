"""A grammar allows only JSON its schema allows, is well formed, and is refused where it cannot be.

A small reader of grammars writes texts by them, at random; jsonschema judges the texts.
"""

import json
import random
import re
from functools import cached_property

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hunmin import grammars
from hunmin.errors import SchemaUnsupported

TOKEN = re.compile(
    r"""\s*("(?:[^"\\]|\\.)*"|\[\^?(?:[^\]\\]|\\.)*\]|\{\d+,\d*\}|[A-Za-z][A-Za-z0-9]*|[()|*+?])"""
)


def rules_of(grammar: str) -> dict[str, list[str]]:
    """Return the words of each rule; fails where a line is none, or a rule is not there."""
    rules = {}
    for line in grammar.removesuffix("\n").split("\n"):
        name, _, body = line.partition(" ::= ")
        words, place = [], 0
        while body[place:].strip():
            found = TOKEN.match(body, place)
            assert found, body[place:]
            words.append(found[1])
            place = found.end()
        rules[name] = words
    used = {word for words in rules.values() for word in words if word[0].isalpha()}
    assert used <= rules.keys()
    return rules


def heights_of(rules: dict[str, list[str]]) -> dict[str, int]:
    """Return through how many rules each must go before it ends."""
    heights: dict[str, int] = {}
    while new := {
        name: 1 + min(known)
        for name, words in rules.items()
        if name not in heights
        and (known := [high for one in split(words) if (high := height(one, heights)) is not None])
    }:
        heights |= new
    return heights


def split(words: list[str]) -> list[list[str]]:
    """Return the choices that stand outside of all brackets."""
    choices, level = [[]], 0
    for word in words:
        level += (word == "(") - (word == ")")
        if word == "|" and level == 0:
            choices.append([])
        else:
            choices[-1].append(word)
    return choices


def height(words: list[str], heights: dict[str, int]) -> int | None:
    """Return the most of what some words come to; None where it is not known yet."""
    found = [heights.get(word) for word in words if word[0].isalpha()]
    return None if None in found and "(" not in words else max([0, *filter(None, found)])


class Scribe:
    """Writes a text by a grammar, at random, and ever shorter the deeper it is."""

    def __init__(self, grammar: str, seed: int) -> None:
        self.rules = rules_of(grammar)
        self.dice = random.Random(seed)
        self.depth = 0

    @cached_property
    def heights(self) -> dict[str, int]:
        return heights_of(self.rules)

    def write(self, name: str = "root") -> str:
        self.depth += 1
        text, rest = self._either(self.rules[name])
        assert rest == []
        self.depth -= 1
        return text

    def _either(self, words):
        """Write one of the choices up to a closing bracket; return the text and what follows it."""
        rest = list(words)
        level = 0
        while rest and not (level == 0 and rest[0] == ")"):
            word = rest.pop(0)
            level += (word == "(") - (word == ")")
        choices = split(words[: len(words) - len(rest)])
        if self.depth > 12 and len(choices) > 1:
            chosen = min(reversed(choices), key=lambda one: height(one, self.heights) or 0)
        else:
            chosen = self.dice.choice(choices)
        return self._sequence(chosen), rest

    def _sequence(self, words):
        text = ""
        while words:
            word, *words = words
            if word == "(":
                inner = self._inside(words)
                words = words[len(inner) + 1 :]
                once = lambda inner=inner: self._either(inner)[0]  # noqa: E731
            elif word.startswith('"'):
                once = lambda word=word: json.loads(word)  # noqa: E731
            elif word.startswith("["):
                once = lambda word=word: self._character(word)  # noqa: E731
            else:
                once = lambda word=word: self.write(word)  # noqa: E731
            least, most = 1, 1
            if words and (words[0] in "*+?" or words[0].startswith("{")):
                least, most = self._times(words[0])
                words = words[1:]
            times = least if self.depth > 10 else self.dice.randint(least, most)
            text += "".join(once() for _ in range(times))
        return text

    @staticmethod
    def _inside(words):
        level = 1
        for place, word in enumerate(words):
            level += (word == "(") - (word == ")")
            if level == 0:
                return words[:place]
        raise AssertionError("a bracket is not closed")

    @staticmethod
    def _times(word):
        if word.startswith("{"):
            least, most = word[1:-1].split(",")
            return int(least), int(most) if most else int(least) + 2
        return {"*": (0, 2), "+": (1, 3), "?": (0, 1)}[word]

    def _character(self, word):
        allowed = re.compile(word)
        letters = [*map(chr, range(128)), "훈", "é", "😀"]
        return self.dice.choice([letter for letter in letters if allowed.fullmatch(letter)])


LEAVES = st.one_of(
    st.sampled_from(
        [{"type": kind} for kind in ("string", "integer", "number", "boolean", "null")]
    ),
    st.builds(
        lambda least, more: {"type": "string", "minLength": least, "maxLength": least + more},
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    st.lists(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
        min_size=1,
        max_size=3,
    ).map(lambda values: {"enum": values}),
    st.just({"const": {"가": ['"\\\n', 1.5]}}),
    st.just({"type": ["integer", "null"], "description": "수"}),
    st.just({}),
)


def _object(properties, needed, closed):
    required = [name for name, kept in zip(properties, needed, strict=False) if kept]
    extra = {} if closed is None else {"additionalProperties": closed}
    return {"type": "object", "properties": properties, "required": required, **extra}


SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(
            _object,
            st.dictionaries(st.text(max_size=4), inner, max_size=4),
            st.lists(st.booleans(), min_size=4, max_size=4),
            st.sampled_from([None, False, True]).filter(lambda closed: closed is not True),
        ),
        st.builds(lambda value: {"type": "object", "additionalProperties": value}, inner),
        st.builds(
            lambda item, least, more: {
                "type": "array", "items": item, "minItems": least, "maxItems": least + more,
            },
            inner, st.integers(0, 2), st.integers(0, 2),
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"anyOf": some}),
    ),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=150)
@given(schema=SCHEMAS, seed=st.integers(0, 2**32))
def test_whatever_a_grammar_allows_its_schema_allows(schema, seed):
    text = Scribe(grammars.of_json_schema(schema), seed).write()

    jsonschema.validate(json.loads(text), schema)


def test_properties_come_in_the_order_of_the_schema():
    grammar = grammars.of_json_schema(
        {
            "properties": {"나": {"const": 1}, "가": {"const": 2}},
            "type": "object",
            "required": ["가"],
        }
    )
    texts = {Scribe(grammar, seed).write() for seed in range(30)}

    assert texts == {'{"나": 1, "가": 2}', '{"가": 2}'}


def test_every_set_of_optional_properties_can_be_written():
    schema = {"type": "object", "properties": {name: {"const": 0} for name in "abc"}}
    grammar = grammars.of_json_schema(schema)
    texts = {Scribe(grammar, seed).write() for seed in range(300)}

    assert {"".join(sorted(json.loads(text))) for text in texts} == {
        "", "a", "b", "c", "ab", "ac", "bc", "abc",
    }  # fmt: skip


TREE = {
    "$ref": "#/$defs/tree",
    "$defs": {
        "tree": {
            "type": "object",
            "properties": {
                "value": {"type": "integer"},
                "next": {"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]},
            },
            "required": ["value", "next"],
            "additionalProperties": False,
        }
    },
}


@given(seed=st.integers(0, 2**32))
def test_a_schema_may_refer_to_itself(seed):
    jsonschema.validate(json.loads(Scribe(grammars.of_json_schema(TREE), seed).write()), TREE)


def test_any_object():
    assert isinstance(json.loads(Scribe(grammars.of_any_object(), 3).write()), dict)


def test_a_schema_of_pydantic_is_understood():
    from pydantic import BaseModel

    class Step(BaseModel):
        """A step."""

        text: str
        done: bool | None = None

    class Plan(BaseModel):
        steps: list[Step]
        title: str

    schema = Plan.model_json_schema()

    text = Scribe(grammars.of_json_schema(schema), 5).write()
    Plan.model_validate_json(text)


OPEN = {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "null"}}


def within(schema, times):
    for _ in range(times):
        schema = {"type": "array", "items": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"type": "string", "pattern": "a+"}, "pattern"),
        ({"type": "string", "format": "date"}, "format"),
        ({"type": "integer", "minimum": 3}, "minimum"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"type": "object", "patternProperties": {}}, "patternProperties"),
        ({"oneOf": [{}, {}]}, "oneOf"),
        ({"anyOf": [{}], "type": "string"}, "type"),
        ({"anyOf": []}, "anyOf"),
        ({"allOf": [{}, {}]}, "allOf"),
        ({"not": {}}, "not"),
        ({"properties": {}}, "type"),
        ({"type": "string", "주민등록번호": 1}, None),
        ({"type": "text"}, "type"),
        ({"type": 3}, "type"),
        ({"type": []}, "type"),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "maxLength"),
        ({"type": "string", "maxLength": -1}, "maxLength"),
        ({"type": "string", "minLength": True}, "minLength"),
        ({"type": "string", "maxLength": 10_000}, "maxLength"),
        ({"type": "object", "properties": []}, "properties"),
        ({"type": "object", "required": ["a"]}, "required"),
        ({"type": "object", "required": [["a"]]}, "required"),
        (OPEN, "additionalProperties"),
        ({"enum": []}, "enum"),
        ({"enum": [1], "type": "string"}, "enum"),
        ({"enum": [float("inf")]}, "enum"),
        ({"enum": [1], "const": 1}, "const"),
        ({"const": 1, "type": [{}]}, "enum"),
        ({"enum": ["\ud800"]}, None),
        ({"type": "object", "properties": {"\ud800": {}}}, None),
        ({"$ref": "#/$defs/none"}, "$ref"),
        ({"$ref": "https://example.com/schema"}, "$ref"),
        ({"$ref": 3}, "$ref"),
        ({"$ref": "#"}, "$ref"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {}]}}}, "$ref"),
        ({"type": "array", "items": False}, None),
        ({"type": "array", "items": "string"}, None),
        (within({}, 40), None),
        ({"enum": ["가" * 60_000]}, None),
        ({"type": "object", "properties": {f"{n}": {} for n in range(1_001)}}, None),
    ],
)  # fmt: skip
def test_what_cannot_be_promised_is_refused_by_name(schema, keyword):
    with pytest.raises(SchemaUnsupported) as refusal:
        grammars.of_json_schema(schema)

    assert refusal.value.keyword == keyword
    assert refusal.value.status == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "enum", "anyOf", "$ref", "a"]),
            inner | st.sampled_from(["object", "array", "string", "#", "#/properties/a"]),
            max_size=3,
        )
    ),
    max_leaves=10,
)


@given(schema=st.dictionaries(st.sampled_from(["type", "properties", "anyOf", "$defs"]), JSON))
def test_anything_is_a_well_formed_grammar_or_refused(schema):
    try:
        grammar = grammars.of_json_schema(schema)
    except SchemaUnsupported:
        return
    rules_of(grammar)
