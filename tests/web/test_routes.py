"""Every route there is: guarded unless it is listed here, and described in OpenAPI."""

import json
import re

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from hunmin.faces import View
from hunmin.settings import Settings
from tests.support.desk import make_key, sign_in, stranger

PUBLIC = {
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/docs/errors"),
    ("GET", "/favicon.ico"),
    ("GET", "/healthz"),
    ("GET", "/manifest.webmanifest"),
    ("GET", "/offline"),
    ("GET", "/openapi.json"),
    ("GET", "/shared/{secret}"),
    ("GET", "/shared/{secret}.json"),
    ("GET", "/status"),
    ("GET", "/status.json"),
    ("GET", "/sign-in"),
    ("GET", "/sign-in.json"),
    ("GET", "/sign-in/back/{provider}"),
    ("GET", "/sign-in/second"),
    ("GET", "/sign-in/second.json"),
    ("GET", "/sign-in/with/{provider}"),
    ("GET", "/sign-in/{secret}"),
    ("GET", "/sign-in/{secret}.json"),
    ("GET", "/static/{version}/{name:path}"),
    ("GET", "/sw.js"),
    ("POST", "/preferences"),
    ("POST", "/sign-in"),
    ("POST", "/sign-in/passkey/begin"),
    ("POST", "/sign-in/passkey/finish"),
    ("POST", "/sign-in/password"),
    ("POST", "/sign-in/second"),
    ("POST", "/sign-in/second/passkey/begin"),
    ("POST", "/sign-in/second/passkey/finish"),
}
"""What a stranger may ask. Everything else needs a session or a key."""


def routes(app) -> list[tuple[str, str, APIRoute]]:
    """Return every route: method, path, and itself."""
    return [
        (method, context.path, context)
        for context in iter_route_contexts(app.routes)
        for method in sorted(context.methods or {"*"})
    ]


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Give settings with no guests: whoever is nobody gets nothing."""
    return Settings.load(data=tmp_path / "var", accounts__guests=False)


def address(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "0" * 26, path)


def test_every_route_but_the_public_ones_refuses_a_stranger(app, client):
    asked = routes(app)
    assert len(asked) > 25
    for method, path, _ in asked:
        answer = client.request(method, address(path))
        if (method, path) in PUBLIC:
            assert answer.status_code not in {401, 500}, (method, path)
        else:
            assert answer.status_code == 401, (method, path, answer.status_code, answer.text)


def test_no_public_route_is_listed_that_is_not_there(app):
    assert {(method, path) for method, path, _ in routes(app)} >= PUBLIC


@pytest.mark.parametrize("wrong", ["Bearer", "Bearer x", "Bearer hm-" + "A" * 43, "bearer  "])
def test_every_route_but_the_public_ones_refuses_a_wrong_key(app, client, wrong):
    for method, path, _ in routes(app):
        if (method, path) not in PUBLIC:
            answer = client.request(method, address(path), headers={"Authorization": wrong})
            assert answer.status_code == 401, (method, path)


def test_no_address_is_obeyed_by_another_spelling(client):
    """A trick with the path or the host opens nothing that is closed."""
    for path in ("//account", "/account/", "/Account", "/account;x", "/%61ccount", "/v1//models"):
        assert client.get(path).status_code in {401, 404, 307}, path
    headers = {"X-Forwarded-User": "admin", "X-Api-Key": "x", "X-Original-URL": "/healthz"}
    assert client.get("/account", headers=headers).status_code == 401


def test_every_page_has_a_json_twin_that_openapi_describes(app):
    document = app.openapi()
    pages = [
        (path, context)
        for method, path, context in routes(app)
        if method == "GET"
        and isinstance(model := getattr(context, "response_model", None), type)
        and issubclass(model, View)
        and not path.endswith(".json")
    ]
    assert len(pages) >= 4
    for path, context in pages:
        plain = re.sub(r":\w+\}", "}", path)  # OpenAPI does not say what a part of a path is
        described = document["paths"][f"{plain}.json"]["get"]
        schema = described["responses"]["200"]["content"]["application/json"]["schema"]
        assert schema["$ref"].endswith(f"/{context.response_model.__name__}")


def test_every_reference_in_openapi_leads_somewhere(app):
    document = app.openapi()
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert names
    assert names <= set(document["components"]["schemas"])


def test_every_operation_is_shown_on_the_docs_page(app, client):
    page = client.get("/docs", headers={"Accept": "text/html"}).text
    for path, methods in app.openapi()["paths"].items():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page, path


def test_openapi_says_what_opens_a_route(app):
    paths = app.openapi()["paths"]
    assert paths["/v1/models"]["get"]["security"] == [{"key": []}]
    assert paths["/account.json"]["get"]["security"] == [{"session": []}]
    assert "security" not in paths["/healthz"]["get"]


def test_the_twin_of_a_page_says_what_the_page_says(client):
    sign_in(client, "다나")
    asked = client.get("/account", headers={"Accept": "application/json"}).json()

    assert client.get("/account.json").json() == asked
    assert client.get("/account", headers={"Accept": "text/html"}).text.count("다나") >= 1
    by_browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    assert "<!doctype html>" in client.get("/account", headers=by_browser).text
    assert "<!doctype html>" in client.get("/account").text


def test_a_key_without_a_person_reads_only_what_is_for_keys(app, client):
    by_key = stranger(client.app)
    by_key.headers["Authorization"] = f"Bearer {make_key(app)}"
    assert by_key.get("/v1/models").status_code == 200
    assert by_key.get("/account.json").status_code == 403
