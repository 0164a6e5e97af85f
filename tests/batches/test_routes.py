"""Files and batches with the official client, from a file of requests to a file of answers."""

import inspect
import json
import time
import typing
from pathlib import Path

import openai
import pytest
from openai.types import (
    batch_create_params,
    batch_list_params,
    file_create_params,
    file_list_params,
)

from hunmin import accounts
from hunmin.act import SYSTEM, open_act
from hunmin.batches import routes, rules
from hunmin.batches.wire import NewBatch
from hunmin.blobs import DiskBlobs
from hunmin.errors import DiskFull
from tests.batches.conftest import CHAT, line, written

JSONL = written(line(1), line(2), line(3, temperature=9))


@pytest.fixture
def database_url(sqlite_url):
    """Give one kind of database: the transactions themselves are tested on both elsewhere."""
    return sqlite_url


def bring(client, content=JSONL) -> str:
    return client.files.create(file=("questions.jsonl", content), purpose="batch").id


def ended(client, batch_id):
    deadline = time.monotonic() + 60
    while (batch := client.batches.retrieve(batch_id)).status not in {
        "completed", "failed", "cancelled"
    }:  # fmt: skip
        assert time.monotonic() < deadline, batch
        time.sleep(0.02)
    return batch


def test_a_file_of_requests_becomes_a_file_of_answers(client):
    file = client.files.create(file=("질문.jsonl", JSONL), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id,
        endpoint=CHAT,
        completion_window="24h",
        metadata={"for": "test"},
    )

    assert (file.filename, file.bytes, file.purpose) == ("질문.jsonl", len(JSONL), "batch")
    assert client.files.content(file.id).read() == JSONL
    assert (batch.status, batch.metadata) == ("validating", {"for": "test"})
    batch = ended(client, batch.id)
    assert (batch.request_counts.completed, batch.request_counts.failed) == (2, 1)
    answers = client.files.content(batch.output_file_id).text.splitlines()
    assert {json.loads(one)["custom_id"] for one in answers} == {"line 1", "line 2"}
    [wrong] = client.files.content(batch.error_file_id).text.splitlines()
    assert json.loads(wrong)["response"]["status_code"] == 400
    assert batch.completed_at >= batch.in_progress_at >= batch.created_at


def test_files_and_batches_are_listed_page_by_page_and_files_deleted(client):
    ids = [bring(client) for _ in range(3)]
    batches = [
        client.batches.create(input_file_id=one, endpoint=CHAT, completion_window="24h").id
        for one in ids
    ]
    for batch_id in batches:
        ended(client, batch_id)

    assert [one.id for one in client.batches.list(limit=2)] == batches[::-1]
    inputs = [one.id for one in client.files.list(purpose="batch", limit=2)]
    assert inputs == ids[::-1]
    assert client.files.delete(ids[0]).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(ids[0])


@pytest.mark.parametrize(
    ("params", "known"),
    [
        (file_list_params.FileListParams, inspect.signature(routes.list_files).parameters),
        (batch_list_params.BatchListParams, inspect.signature(routes.list_batches).parameters),
        (batch_create_params.BatchCreateParams, NewBatch.model_fields),
        (
            file_create_params.FileCreateParams,
            # whatever a form has besides is refused by its name
            [*inspect.signature(routes.create_file).parameters, "expires_after"],
        ),
    ],
)
def test_every_parameter_of_the_openai_client_has_a_name_here(params, known):
    assert set(typing.get_type_hints(params)) <= set(known)


def test_files_have_one_order_and_another_is_refused(client):
    assert list(client.files.list(order="desc")) == []
    with pytest.raises(openai.UnprocessableEntityError):
        client.files.list(order="asc")


def test_a_batch_is_canceled_once(client, engine):
    engine.step_seconds = 0.05
    batch_id = client.batches.create(
        input_file_id=bring(client), endpoint=CHAT, completion_window="24h"
    ).id

    assert client.batches.cancel(batch_id).status == "cancelling"
    assert ended(client, batch_id).status == "cancelled"
    with pytest.raises(openai.ConflictError) as refusal:
        client.batches.cancel(batch_id)
    assert refusal.value.code == "batch_ended"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"endpoint": "/v1/images/generations"}, 400),
        ({"completion_window": "1h"}, 422),
        ({"input_file_id": "0" * 26}, 404),
        ({"metadata": {"a": 5}}, 422),
        ({"extra_body": {"priority": 1}}, 422),
    ],
)
def test_what_cannot_be_handed_in_is_refused(client, fields, status):
    asked = {"input_file_id": bring(client), "endpoint": CHAT, "completion_window": "24h"}
    with pytest.raises(openai.APIStatusError) as refusal:
        client.batches.create(**(asked | fields))

    assert refusal.value.status_code == status


def test_a_file_for_something_else_or_with_more_to_say_is_refused(client):
    with pytest.raises(openai.UnprocessableEntityError):
        client.files.create(file=("a", b"a"), purpose="fine-tune")
    with pytest.raises(openai.BadRequestError) as refusal:
        client.files.create(
            file=("a", b"a"),
            purpose="batch",
            expires_after={"anchor": "created_at", "seconds": 3600},
        )
    assert refusal.value.code == "unknown_parameter"


def test_a_key_of_another_sees_nothing(client, database):
    file_id = bring(client)
    batch_id = client.batches.create(
        input_file_id=file_id, endpoint=CHAT, completion_window="24h"
    ).id
    with open_act(database, SYSTEM) as act:
        eun = accounts.create_user(act, name="eun")
        secret = accounts.create_key(act, name="k", user_id=eun.id).secret
        narrow = accounts.create_key(act, name="n", user_id=eun.id, scopes=["files"]).secret
    other = client.with_options(api_key=secret)

    assert list(other.files.list()) == list(other.batches.list()) == []
    for ask in (
        lambda: other.files.retrieve(file_id),
        lambda: other.files.content(file_id),
        lambda: other.files.delete(file_id),
        lambda: other.batches.retrieve(batch_id),
        lambda: other.batches.cancel(batch_id),
        lambda: other.batches.create(input_file_id=file_id, endpoint=CHAT, completion_window="24h"),
    ):
        with pytest.raises(openai.NotFoundError):
            ask()
    other = client.with_options(api_key=narrow)
    file_id = bring(other)
    with pytest.raises(openai.PermissionDeniedError):
        other.batches.create(input_file_id=file_id, endpoint=CHAT, completion_window="24h")


def test_files_have_a_size_and_a_number(client, monkeypatch):
    monkeypatch.setattr(rules, "FILE_BYTES_MAX", 1024)
    monkeypatch.setattr(rules, "FILES_MAX", 1)
    with pytest.raises(openai.APIStatusError) as refusal:
        bring(client, b"x" * 1025)
    assert refusal.value.status_code == 413
    bring(client, b"x")
    with pytest.raises(openai.ConflictError) as refusal:
        bring(client, b"x")
    assert refusal.value.code == "too_many_files"


def test_a_file_the_disk_has_no_room_for_is_refused_and_counts_no_more(client, monkeypatch):
    def full(*_given, **_named):
        raise DiskFull(path=Path("files"))

    monkeypatch.setattr(rules, "FILES_MAX", 1)
    with monkeypatch.context() as patch:
        patch.setattr(DiskBlobs, "put", full)
        with pytest.raises(openai.InternalServerError) as refusal:
            bring(client)
    assert (refusal.value.status_code, refusal.value.code) == (507, "disk_full")
    assert client.files.list().data == []
    bring(client)
