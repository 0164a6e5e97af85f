"""Embeddings with the official client: vectors as numbers or base64, counted as other answers."""

import base64
import dataclasses
import json
import math
import struct
import typing

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import embedding_create_params as params
from sqlalchemy import select

from hunmin.act import SYSTEM, open_act
from hunmin.errors import InvalidRequest
from hunmin.gateway import embeddings
from hunmin.gateway.embedding_wire import EmbeddingRequest
from hunmin.gateway.tables import AdmissionRow, SettlementRow
from hunmin.plugins import Delta
from tests.gateway.test_openai_client import outcomes
from tests.support.engines import PAPER, vector_of


@pytest.fixture
def database_url(sqlite_url):
    """Give one kind of database: nothing here depends on which it is."""
    return sqlite_url


def test_every_parameter_of_the_openai_client_has_a_name_here():
    known = typing.get_type_hints(params.EmbeddingCreateParams)

    assert set(known) == set(EmbeddingRequest.model_fields)


@pytest.mark.parametrize("encoding", [{}, {"encoding_format": "float"}])
def test_texts_become_vectors_in_their_order(client, database, encoding):
    texts = ["훈민정음", "해례본", "훈민정음"]
    answer = client.embeddings.create(model="paper", input=texts, **encoding)

    assert [one.index for one in answer.data] == [0, 1, 2]
    for one, text in zip(answer.data, texts, strict=True):
        assert one.embedding == pytest.approx(vector_of(text), abs=1e-6)
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (11, 11)
    with open_act(database, SYSTEM) as act:
        [admission] = act.session.scalars(select(AdmissionRow))
        [settlement] = act.session.scalars(select(SettlementRow))
        assert (admission.endpoint, admission.prompt_tokens) == ("embedding", 11)
        assert (settlement.outcome, settlement.prompt_tokens) == ("stop", 11)
        assert settlement.completion_tokens == 0


def test_a_text_and_tokens_are_taken_and_hangul_is_composed(client, engine):
    client.embeddings.create(model="paper", input="\u1112\u1161\u11ab")
    client.embeddings.create(model="paper", input=[5, 7])
    client.embeddings.create(model="paper", input=[[5], [7, 9]])

    assert [seen.embed for seen in engine.seen] == [("한",), ((5, 7),), ((5,), (7, 9))]


def test_a_shorter_vector_is_the_beginning_of_length_one(client):
    [one] = client.embeddings.create(model="paper", input="훈민정음", dimensions=2).data
    first, second, _ = vector_of("훈민정음")

    assert len(one.embedding) == 2
    assert math.hypot(*one.embedding) == pytest.approx(1)
    assert one.embedding[0] / one.embedding[1] == pytest.approx(first / second)
    with pytest.raises(openai.BadRequestError) as refusal:
        client.embeddings.create(model="paper", input="훈민정음", dimensions=4)
    assert refusal.value.param == "dimensions"


@pytest.mark.parametrize(
    ("lacks", "fields", "param"),
    [("embedding", {}, "input"), ("dimensions", {"dimensions": 2}, "dimensions")],
)
def test_a_model_without_them_is_refused_by_name(client, engine, database, lacks, fields, param):
    engine.cards = [dataclasses.replace(PAPER, capabilities=PAPER.capabilities - {lacks})]
    with pytest.raises(openai.BadRequestError) as refusal:
        client.embeddings.create(model="paper", input="안녕", **fields)

    assert (refusal.value.code, refusal.value.param) == ("unsupported_parameter", param)
    assert outcomes(database) == []


def test_a_failure_is_settled(client, engine, database):
    engine.fails_after = 0
    with pytest.raises(openai.InternalServerError):
        client.embeddings.create(model="paper", input="안녕")

    assert outcomes(database) == ["failed"]


def asked(**fields) -> EmbeddingRequest:
    return EmbeddingRequest.parse(json.dumps({"model": "m", "input": "가", **fields}))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["가", ""]}, "input[1]"),
        ({"input": ["가"] * 2049}, "input"),
        ({"input": None}, "input"),
        ({"encoding_format": "int8"}, "encoding_format"),
        ({"dimensions": 0}, "dimensions"),
    ],
)
def test_wrong_values_are_refused_with_the_field(fields, param):
    with pytest.raises(InvalidRequest) as refusal:
        asked(**fields)

    assert refusal.value.param.startswith(param)


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=9))
def test_base64_holds_the_same_numbers_as_floats(values):
    pieces, last = [Delta("", "stop", 1, vectors=(tuple(values),))], Delta("", "stop", 1)
    [told] = embeddings.reply(asked(encoding_format="base64"), pieces, last).data

    packed = base64.b64decode(told.embedding)
    assert list(struct.unpack(f"<{len(values)}f", packed)) == values
