"""Answers of a given form: what the SDK sends becomes a grammar, or is refused by name."""

import openai
import pytest
from pydantic import BaseModel

from hunmin import grammars

ASK = [{"role": "user", "content": "홍길동은 스무 살입니다."}]


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int | None


@pytest.fixture
def database_url(sqlite_url):
    """Give one kind of database: nothing here depends on which it is."""
    return sqlite_url


def test_the_clients_own_helper_reads_a_person(client, engine):
    engine.text = '{"name": "홍길동", "age": 20}'
    engine.ends_after = len(engine.text)

    answer = client.chat.completions.parse(model="paper", messages=ASK, response_format=Person)

    assert answer.choices[0].message.parsed == Person(name="홍길동", age=20)
    [asked] = engine.seen
    assert asked.sampling.grammar == grammars.of_json_schema(
        {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "age": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            },
            "required": ["name", "age"],
            "additionalProperties": False,
        }
    )


@pytest.mark.parametrize(
    ("form", "grammar"),
    [({"type": "json_object"}, grammars.of_any_object()), ({"type": "text"}, "")],
)
def test_any_object_and_any_text_may_be_asked_for(client, engine, form, grammar):
    client.chat.completions.create(model="paper", messages=ASK, max_tokens=3, response_format=form)

    assert engine.seen[0].sampling.grammar == grammar


def schema_of(**schema):
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        (schema_of(type="string", pattern="a"), "unsupported_schema", "response_format"),
        (schema_of(type="string", format="date"), "unsupported_schema", "response_format"),
        ({"type": "grammar"}, "unsupported_parameter", "response_format.type"),
        ({"type": "json_schema"}, "invalid_value", "response_format.json_schema"),
    ],
)
def test_what_cannot_be_kept_to_is_refused_by_name(client, engine, form, code, param):
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(model="paper", messages=ASK, response_format=form)

    assert (refusal.value.code, refusal.value.param) == (code, param)
    assert engine.seen == []


SUMS = 'root ::= [0-9]+ ("+" [0-9]+)*'


@pytest.mark.parametrize(
    ("outputs", "grammar"),
    [
        ({"json": {"type": "integer"}}, grammars.of_json_schema({"type": "integer"})),
        ({"json_object": True}, grammars.of_any_object()),
        ({"regex": r"\d{4}년"}, grammars.of_regex(r"\d{4}년")),
        ({"choice": ["네", "아니요"]}, grammars.of_choices(["네", "아니요"])),
        ({"grammar": SUMS, "disable_any_whitespace": True}, grammars.of_ebnf(SUMS)),
        ({"grammar": SUMS, "regex": None, "json_object": False}, grammars.of_ebnf(SUMS)),
    ],
)
def test_forms_under_the_names_of_vllm_reach_the_engine_at_both_addresses(
    client, engine, outputs, grammar
):
    asked = {"model": "paper", "max_tokens": 3, "n": 2, "stop": ["끝"]}
    more = {"extra_body": {"structured_outputs": outputs}}
    client.chat.completions.create(messages=ASK, **asked, **more, logprobs=True)
    list(client.completions.create(prompt="옛날", **asked, **more, stream=True))

    assert [one.sampling.grammar for one in engine.seen] == [grammar] * 4


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"structured_outputs": {"regex": "(?=a)b"}}, "unsupported_grammar", "structured_outputs"),
        ({"structured_outputs": {"grammar": "a: b"}}, "unsupported_grammar", "structured_outputs"),
        (
            {"structured_outputs": {"json": {"type": "string", "pattern": "a"}}},
            "unsupported_schema",
            "structured_outputs.json",
        ),
        ({"structured_outputs": {}}, "invalid_value", "structured_outputs"),
        ({"structured_outputs": {"json_object": False}}, "invalid_value", "structured_outputs"),
        (
            {"structured_outputs": {"regex": "a", "choice": ["a"]}},
            "invalid_value",
            "structured_outputs",
        ),
        (
            {"structured_outputs": {"regex": "a"}, "response_format": {"type": "json_object"}},
            "invalid_value",
            "structured_outputs",
        ),
        (
            {"structured_outputs": {"structural_tag": "{}"}},
            "unsupported_parameter",
            "structured_outputs.structural_tag",
        ),
        (
            {"structured_outputs": {"gramar": "a"}},
            "unknown_parameter",
            "structured_outputs.gramar",
        ),
        (
            {
                "structured_outputs": {"regex": "a"},
                "tools": [{"type": "function", "function": {"name": "f"}}],
            },
            "unsupported_parameter",
            "structured_outputs",
        ),
        ({"guided_regex": "a"}, "unknown_parameter", "guided_regex"),
    ],
)
def test_forms_that_make_no_sense_are_refused_by_name(client, engine, fields, code, param):
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(model="paper", messages=ASK, extra_body=fields)

    assert (refusal.value.code, refusal.value.param) == (code, param)
    assert engine.seen == []


def test_an_engine_that_obeys_no_grammar_says_so(client, engine):
    [card, *_] = engine.cards
    engine.cards = [type(card)(card.id, None, 2000, 1, frozenset({"chat"}))]
    for field, form in (
        ("response_format", {"type": "json_object"}),
        ("structured_outputs", {"regex": "a"}),
    ):
        with pytest.raises(openai.BadRequestError) as refusal:
            client.chat.completions.create(model="paper", messages=ASK, extra_body={field: form})

        assert (refusal.value.code, refusal.value.param) == ("unsupported_parameter", field)
