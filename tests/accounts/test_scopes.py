"""What a key is for: no route takes one without saying which scope it asks for."""

import pytest
from fastapi.routing import iter_route_contexts

from hunmin import accounts
from tests.fakes import MODEL, ScriptedEngine
from tests.support.desk import make_key, stranger
from tests.support.serving import wait_for_engine

OTHER = "hunmin-large"


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine(models=(MODEL, OTHER))


def with_key(client, key: str):
    by_key = stranger(client.app)
    by_key.headers["Authorization"] = f"Bearer {key}"
    return by_key


def taken_by(dependant) -> set[str]:
    """Return what a route says in OpenAPI that it takes: keys, sessions."""
    return {getattr(dependant.call, "scheme_name", "")}.union(
        *map(taken_by, dependant.dependencies)
    )


def test_every_scope_opens_something_and_only_that(app, client):
    """A key of each single scope asks every address that takes keys."""
    wait_for_engine(app)
    opened: dict[str, set[str]] = {}
    addresses = [
        (method, context.path)
        for context in iter_route_contexts(app.routes)
        for method in sorted(context.methods or ())
        if hasattr(context, "dependant") and "key" in taken_by(context.dependant)
    ]
    assert len(addresses) > 15
    for scope in accounts.SCOPES:
        by_key = with_key(client, make_key(app, scopes=[scope]))
        for method, path in addresses:
            answer = by_key.request(method, path.replace("{", "").replace("}", ""))
            refused = answer.status_code == 403 and "scope_needed" in answer.text
            if not refused:
                opened.setdefault(f"{method} {path}", set()).add(scope)
    assert {len(scopes) for scopes in opened.values()} == {1}
    assert set(opened) == {f"{method} {path}" for method, path in addresses}
    assert opened["POST /v1/chat/completions"] == {"inference"}
    assert opened["GET /v1/usage"] == {"usage"}
    assert opened["GET /chat/api/conversations"] == {"chat"}


def test_a_key_for_asking_models_opens_no_conversation(app, client):
    answer = with_key(client, make_key(app)).get("/chat/api/conversations")

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_needed")
    assert "'chat'" in answer.json()["detail"]


def test_a_key_may_ask_the_models_it_was_made_for_and_learns_of_no_others(app, client):
    wait_for_engine(app)
    by_key = with_key(client, make_key(app, models=[OTHER]))
    listed = by_key.get("/v1/models").json()["data"]
    assert [one["id"] for one in listed] == [OTHER]

    refused = []
    for model in (MODEL, "no-such-model"):
        ask = {"model": model, "messages": [{"role": "user", "content": "안녕"}], "max_tokens": 2}
        answers = [
            by_key.get(f"/v1/models/{model}"),
            by_key.post("/v1/chat/completions", json=ask),
            by_key.post("/v1/chat/completions", json={**ask, "n": 2}),
            by_key.post("/v1/completions", json={"model": model, "prompt": [1], "echo": True}),
            by_key.post("/v1/responses", json={"model": model, "input": "안녕"}),
            by_key.post("/v1/tokenize", json={"model": model, "prompt": "안녕"}),
            by_key.post("/v1/detokenize", json={"model": model, "tokens": [1]}),
        ]
        refused.append([(one.status_code, one.json()["error"]) for one in answers])
    assert {code for code, _ in refused[0]} == {404}
    assert refused[0] == refused[1]
    ask = {"model": OTHER, "messages": [{"role": "user", "content": "안녕"}], "max_tokens": 2}
    assert by_key.post("/v1/chat/completions", json=ask).status_code == 200
    assert by_key.post("/v1/tokenize", json={"prompt": "안녕"}).status_code == 200
