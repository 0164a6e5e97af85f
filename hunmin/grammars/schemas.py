"""From a JSON Schema to a grammar whose every text is JSON that the schema allows.

The other way round does not hold, on purpose: JSON is written in one way (`", "` and `": "` between
things, properties in the schema's order, no property that the schema does not name), so that a
small model cannot lose itself in white space. What cannot be promised is refused by name.
"""

import json
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from hunmin.errors import SchemaUnsupported
from hunmin.grammars.characters import literal

SCHEMAS_MAX = 1_000
"""Schemas in a schema."""
DEPTH_MAX = 32
"""Schemas within one another, references not followed."""
REPEATS_MAX = 128
"""The sum of all bounds on lengths. An engine counts them out at every token, and whoever else is
being answered waits for it: a few milliseconds at 128, ten times as many at 256."""
CHARACTERS_MAX = 50_000
"""Characters of a grammar: reading it takes an engine less than a second."""

ANNOTATIONS = frozenset({
    "$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default",
    "deprecated", "examples", "readOnly", "writeOnly",
})  # fmt: skip
"""Keywords that say nothing of what is allowed, or are read where something refers to them."""

KEYWORDS: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"minLength", "maxLength"}),
    "number": frozenset(),
    "integer": frozenset(),
    "boolean": frozenset(),
    "null": frozenset(),
}
"""The types, and what may be said of each."""

REFUSED = frozenset({
    "$anchor", "$dynamicAnchor", "$dynamicRef", "additionalItems", "contains", "contentEncoding",
    "contentMediaType", "contentSchema", "dependencies", "dependentRequired", "dependentSchemas",
    "discriminator", "else", "exclusiveMaximum", "exclusiveMinimum", "format", "if",
    "maxContains", "maxProperties", "maximum", "minContains", "minProperties", "minimum",
    "multipleOf", "not", "oneOf", "pattern", "patternProperties", "prefixItems", "propertyNames",
    "then", "unevaluatedItems", "unevaluatedProperties", "uniqueItems",
})  # fmt: skip
"""Keywords a grammar of ours cannot keep to. Errors name these, and no word of a client's own."""

BASICS: Mapping[str, str] = {
    "value": 'object | array | string | number | boolean | "null"',
    "object": r'"{" (string ": " value (", " string ": " value)*)? "}"',
    "array": r'"[" (value (", " value)*)? "]"',
    "string": r'"\"" character* "\""',
    "character": r'[^"\\\x00-\x1f] | "\\" ["\\/bfnrt]',
    "number": 'integer ("." [0-9]{1,15})? ([eE] [+-]? [0-9]{1,2})?',
    "integer": '"-"? ("0" | [1-9] [0-9]{0,15})',
    "boolean": '"true" | "false"',
}
"""The rules of JSON itself. Numbers are such that every reader has them."""


_KNOWN = frozenset({"$ref", "allOf", "anyOf", "const", "enum", "type"}).union(*KEYWORDS.values())


def of_json_schema(schema: Mapping[str, Any]) -> str:
    """Return the grammar of a JSON Schema.

    Raises:
        SchemaUnsupported: It says something that no answer can be held to here.
    """
    return _Grammar(schema).text()


def of_any_object() -> str:
    """Return the grammar of any JSON object."""
    return _Grammar({"type": "object"}).text()


class _Grammar:
    """The rules of one schema, as they are found."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._rules: dict[str, str] = {}
        self._names: dict[str, str] = {}
        """The rule of each reference."""
        self._begins: dict[str, set[str]] = {}
        """References a reference comes down to before anything is written."""
        self._schemas = 0
        self._repeats = 0

    def text(self) -> str:
        root = self._expression(self._root, within="#", depth=0)
        try:
            TopologicalSorter(self._begins).prepare()
        except CycleError:
            raise SchemaUnsupported(keyword="$ref") from None
        rules = {"root": root, **self._rules, **BASICS}
        written = "".join(f"{name} ::= {rule}\n" for name, rule in rules.items())
        if len(written) > CHARACTERS_MAX or not _is_text(written):
            raise SchemaUnsupported(keyword=None)
        return written

    def _expression(self, schema: object, *, within: str | None, depth: int) -> str:
        """Return what a schema allows.

        Args:
            schema: A schema, or true.
            within: The reference that comes down to this schema with nothing written yet.
            depth: How many schemas it stands in.
        """
        self._schemas += 1
        if self._schemas > SCHEMAS_MAX or depth > DEPTH_MAX:
            raise SchemaUnsupported(keyword=None)
        if schema is True:
            return "value"
        if not isinstance(schema, Mapping):
            raise SchemaUnsupported(keyword=None)
        said = _said(schema)
        if "$ref" in said:
            _only(said, "$ref")
            return self._reference(schema["$ref"], within=within, depth=depth)
        for keyword in ("anyOf", "allOf"):
            if keyword in said:
                _only(said, keyword)
                choices = _list(schema[keyword], keyword)
                if keyword == "allOf" and len(choices) > 1:
                    raise SchemaUnsupported(keyword=keyword)
                return _either(
                    [self._expression(one, within=within, depth=depth + 1) for one in choices]
                )
        if "const" in said or "enum" in said:
            return _values(schema, said)
        if not said:
            return "value"
        return self._typed(schema, said, depth)

    def _reference(self, reference: object, *, within: str | None, depth: int) -> str:
        """Return the rule of what is referred to."""
        if not isinstance(reference, str):
            raise SchemaUnsupported(keyword="$ref")
        if within is not None:
            self._begins.setdefault(within, set()).add(reference)
        if reference not in self._names:
            name = self._names[reference] = f"ref{len(self._names)}"
            target = self._target(reference)
            self._rules[name] = ""  # its place, before what it refers to
            self._rules[name] = self._expression(target, within=reference, depth=depth + 1)
        return self._names[reference]

    def _target(self, reference: str) -> object:
        """Return what a reference within the schema leads to."""
        first, *path = reference.split("/")
        found: object = self._root
        for step in path:
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or name not in found:
                raise SchemaUnsupported(keyword="$ref")
            found = found[name]
        if first != "#":
            raise SchemaUnsupported(keyword="$ref")
        return found

    def _typed(self, schema: Mapping[str, Any], said: set[str], depth: int) -> str:
        """Return what a schema with a `type`, or several, allows."""
        given = schema.get("type")
        types = [given] if isinstance(given, str) else _list(given, "type")
        known = [kind for kind in types if isinstance(kind, str) and kind in KEYWORDS]
        if len(known) < len(types):
            raise SchemaUnsupported(keyword="type")
        allowed = frozenset({"type"}).union(*(KEYWORDS[kind] for kind in known))
        for keyword in sorted(said - allowed):
            raise SchemaUnsupported(keyword=keyword)
        return _either([self._of_type(kind, schema, depth) for kind in known])

    def _of_type(self, kind: str, schema: Mapping[str, Any], depth: int) -> str:
        if kind == "object":
            return self._rule(self._object(schema, depth))
        if kind == "array":
            return self._rule(self._array(schema, depth))
        if kind == "string" and schema.keys() & KEYWORDS["string"]:
            least, most = self._bounds(schema, "minLength", "maxLength")
            return rf'"\"" character{{{least},{most}}} "\""'
        return '"null"' if kind == "null" else kind

    def _object(self, schema: Mapping[str, Any], depth: int) -> str:
        properties = schema.get("properties", {})
        required = _list(schema.get("required", []), "required", empty=True)
        extra = schema.get("additionalProperties", True)
        if not isinstance(properties, Mapping):
            raise SchemaUnsupported(keyword="properties")
        if not all(isinstance(name, str) and name in properties for name in required):
            raise SchemaUnsupported(keyword="required")
        if not properties:
            if extra is False:
                return '"{}"'
            member = f'string ": " {self._expression(extra, within=None, depth=depth + 1)}'
            return f'"{{" ({member} (", " {member})*)? "}}"'
        if not isinstance(extra, bool):
            raise SchemaUnsupported(keyword="additionalProperties")
        members = [
            (
                literal(f"{_json(name)}: ")
                + " "
                + self._expression(value, within=None, depth=depth + 1),
                name in required,
            )
            for name, value in properties.items()
        ]
        return f'"{{" {self._members(members)} "}}"'

    def _members(self, members: Sequence[tuple[str, bool]]) -> str:
        """Return the members of an object in order, those that need not be there optional.

        There is one choice for each member that may be the first: up to the first that must be
        there. What may follow a member is a rule, so that no choice repeats it.
        """
        choices: list[str] = []
        rest = ""
        for place in reversed(range(len(members))):
            member, needed = members[place]
            if needed:
                choices.clear()
            choices.append(f"{member} {rest}")
            after = f'", " {member}' if needed else f'(", " {member})?'
            rest = self._rule(f"{after} {rest}") if place else ""
        allowed = _either(choices[::-1])
        return allowed if any(needed for _, needed in members) else f"{allowed}?"

    def _array(self, schema: Mapping[str, Any], depth: int) -> str:
        item = self._expression(schema.get("items", True), within=None, depth=depth + 1)
        least, most = self._bounds(schema, "minItems", "maxItems")
        if most == "0":
            return '"[]"'
        fewer = max(least - 1, 0)
        more = f"{{{fewer},{int(most) - 1 if most else ''}}}"
        items = f'{item} (", " {item}){more}'
        return f'"[" {items} "]"' if least else f'"[" ({items})? "]"'

    def _bounds(self, schema: Mapping[str, Any], least: str, most: str) -> tuple[int, str]:
        """Return the bounds of a length, the upper one empty where there is none."""
        low, high = schema.get(least, 0), schema.get(most)
        for keyword, value in ((least, low), (most, low if high is None else high)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise SchemaUnsupported(keyword=keyword)
            self._repeats += value
            if self._repeats > REPEATS_MAX:
                raise SchemaUnsupported(keyword=keyword)
        if high is not None and high < low:
            raise SchemaUnsupported(keyword=most)
        return low, "" if high is None else str(high)

    def _rule(self, body: str) -> str:
        """Give an expression a rule of its own, so that no line grows without end."""
        name = f"part{len(self._rules)}"
        self._rules[name] = body
        return name


def _values(schema: Mapping[str, Any], said: set[str]) -> str:
    """Return the values an `enum` or a `const` lists, those of the `type` if one is given."""
    for keyword in sorted(said - {"enum", "const", "type"}):
        raise SchemaUnsupported(keyword=keyword)
    values = [schema["const"]] if "const" in said else _list(schema["enum"], "enum")
    if "enum" in said and "const" in said:
        raise SchemaUnsupported(keyword="const")
    given = schema.get("type")
    if given is not None:
        types = {given} if isinstance(given, str) else set(map(str, _list(given, "type")))
        values = [value for value in values if _types_of(value) & types]
    if not values or len(values) > SCHEMAS_MAX:
        raise SchemaUnsupported(keyword="enum")
    try:
        return _either([literal(_json(value)) for value in values])
    except ValueError:  # no JSON: an infinity
        raise SchemaUnsupported(keyword="enum") from None


def _types_of(value: object) -> set[str]:
    """Return the names JSON Schema has for the type of a value."""
    if isinstance(value, bool):
        return {"boolean"}
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return {"integer", "number"}
    if isinstance(value, float):
        return {"number"}
    if isinstance(value, str):
        return {"string"}
    return {"array"} if isinstance(value, list) else {"null" if value is None else "object"}


def _said(schema: Mapping[str, Any]) -> set[str]:
    """Return the keywords of a schema that say what is allowed, all of them ones we know."""
    said = schema.keys() - ANNOTATIONS
    for keyword in sorted(said - _KNOWN):
        raise SchemaUnsupported(keyword=keyword if keyword in REFUSED else None)
    return said


def _only(said: set[str], keyword: str) -> None:
    """Refuse what stands beside a keyword that must stand alone."""
    for other in sorted(said - {keyword}):
        raise SchemaUnsupported(keyword=other)


def _list(value: object, keyword: str, *, empty: bool = False) -> list[Any]:
    if not isinstance(value, list) or not (value or empty):
        raise SchemaUnsupported(keyword=keyword)
    return value


def _is_text(characters: str) -> bool:
    """Whether they can be written down: half a character, as JSON may escape one, cannot."""
    try:
        characters.encode()
    except UnicodeEncodeError:
        return False
    return True


def _either(choices: Sequence[str]) -> str:
    return f"({' | '.join(choices)})"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
