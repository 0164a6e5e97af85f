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


def test_an_engine_that_obeys_no_grammar_says_so(client, engine):
    [card, *_] = engine.cards
    engine.cards = [type(card)(card.id, None, 2000, 1, frozenset({"chat"}))]
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(
            model="paper", messages=ASK, response_format={"type": "json_object"}
        )

    assert (refusal.value.code, refusal.value.param) == ("unsupported_parameter", "response_format")
