"""Nobody reaches another tenant: of every route, with every id, whoever asks.

Two organizations have one of everything. Hypothesis draws a route, somebody of the second tenant
and a well-formed request, and puts ids of the first one into it. The answer must hold nothing of
the first tenant, refuse its ids, and leave every row that speaks of it as it was.
"""

import re
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from fastapi.routing import iter_route_contexts
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from sqlalchemy import text
from starlette.testclient import TestClient

from hunmin.chat import queries as chat_queries
from hunmin.settings import Settings
from hunmin.web import create_app
from tests.fakes import ScriptedEngine
from tests.support.serving import wait_for_engine
from tests.support.tenants import (
    MAKERS,
    NO_THINGS,
    Restorer,
    Tenant,
    ask,
    make_tenants,
    rows_of,
)

EXAMPLES = 300
REFUSALS = {401, 403, 404, 405, 409, 422}
SLOW = list(HealthCheck)

FORMS = {
    ("POST", "/chat"): {"text": "안녕"},
    ("POST", "/chat/c/{conversation_id}"): {"text": "안녕"},
}
"""Routes that OpenAPI leaves out and that take more than an address: what is sent to them."""


@dataclass(frozen=True)
class Route:
    """One address with one method, as Hypothesis draws it."""

    method: str
    path: str
    cases: st.SearchStrategy[Any]
    """Requests that fit it."""

    @property
    def names(self) -> list[str]:
        return re.findall(r"\{(\w+)", self.path)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def world(request, tmp_path):
    """Give a served application with two tenants: the first one's things are out of reach."""
    url = request.getfixturevalue(f"{request.param}_url")
    options: dict[str, Any] = {
        "database__url": url,
        "worker__embedded": False,
        "chat__shares": True,
    }
    app = create_app(
        Settings.load(config=None, data=tmp_path / "var", **options),
        engine=ScriptedEngine(answer="네."),
    )
    app.state.database.migrate = lambda: None  # the tables are there already
    app.state.batches.launch = lambda: None  # what waits goes on waiting
    address = "http://127.0.0.1:8700"
    with TestClient(app, base_url=address, follow_redirects=False) as client:
        wait_for_engine(app)
        theirs, mine = make_tenants(app)
        yield client, theirs, mine


def described(app) -> dict[str, Any]:
    """Return OpenAPI's description, without who may ask: that is drawn."""
    document = app.openapi()
    for methods in document["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    return document


def routes_of(app) -> list[Route]:
    """Return every route there is, with the requests that fit it."""
    document = described(app)
    found = [
        Route(result.ok().method.upper(), result.ok().path, _cases(result.ok()))
        for result in schemathesis.openapi.from_dict(document).get_all_operations()
    ]
    known = {(route.method, route.path) for route in found}
    for context in iter_route_contexts(app.routes):
        path = re.sub(r":\w+\}", "}", context.path)
        for method in sorted(context.methods or ()):
            if (method, path) not in known:
                known.add((method, path))
                found.append(Route(method, path, st.just(FORMS.get((method, path)))))
    return found


def _cases(operation) -> st.SearchStrategy[Any]:
    return operation.as_strategy(generation_mode=GenerationMode.POSITIVE)


def test_every_parameter_that_could_name_a_thing_has_a_maker(world):
    """Whoever adds a route with an id in it says here whose it may be."""
    client, theirs, _ = world
    document = described(client.app)
    unknown = set()
    for route in routes_of(client.app):
        operation = document["paths"].get(route.path, {}).get(route.method.lower(), {})
        for content in operation.get("requestBody", {}).get("content", {}).values():
            name = content["schema"].get("$ref", "").rpartition("/")[2]
            schema = document["components"]["schemas"].get(name, content["schema"])
            unknown |= {one for one in schema.get("properties", {}) if one.endswith("_id")}
        unknown |= {one["name"] for one in operation.get("parameters", ()) if _names_one(one)}
        unknown |= set(route.names)
    assert unknown - MAKERS.keys() - NO_THINGS.keys() == set()
    for make in MAKERS.values():
        assert make(theirs)


def _names_one(parameter: dict[str, Any]) -> bool:
    return parameter["in"] == "path" or parameter["name"].endswith("_id")


def check_tenants(world, *, examples: int, restore: bool, under: str = "/") -> None:
    """Ask in the name of one tenant for what is the other's, so many times.

    Args:
        world: The application and its tenants.
        examples: How many times.
        restore: Whether each finds the database as it was at first.
        under: Only addresses that begin so.
    """
    client, theirs, mine = world
    database = client.app.state.database
    before = rows_of(database, theirs)
    restorer = Restorer(database) if restore else None
    asked: set[str] = set()
    routes = [route for route in routes_of(client.app) if route.path.startswith(under)]

    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        suppress_health_check=SLOW,
        deadline=None,
        database=None,
    )
    @given(data=st.data(), route=st.sampled_from(routes))
    def keep(data, route: Route) -> None:
        who = data.draw(st.sampled_from([*mine.headers, "stranger"]), label="who")
        address, sent, foreign = drawn_request(data, route, theirs, mine)
        assume(restore or not _ends_things(route))
        answer = ask(client, mine.headers.get(who, {}), route.method, address, **sent)
        asked.add(f"{route.method} {route.path}")

        for mark in set(theirs.marks) - foreign:
            assert mark not in answer.text, (who, route)
            assert mark not in str(answer.headers), (who, route)
        assert theirs.canary not in answer.text
        if foreign:
            assert answer.status_code in REFUSALS, (who, route, answer.status_code, answer.text)
        assert rows_of(database, theirs) == before, (who, route)
        if restorer is not None:
            restorer.restore()

    try:
        keep()
    finally:
        if restorer is not None:
            restorer.close()
    assert len(asked) > min(len(routes), examples) / 4


def drawn_request(data, route: Route, theirs: Tenant, mine: Tenant):
    """Return an address, what is sent, and which ids of the other tenant are in them."""
    foreign: set[str] = set()

    def pick(name: str) -> str:
        owner = data.draw(st.sampled_from([theirs, theirs, mine]), label=f"whose {name}")
        picked = data.draw(st.sampled_from(MAKERS[name](owner)), label=name)
        if owner is theirs:
            foreign.add(picked)
        return picked

    case = data.draw(route.cases, label="case")
    address = route.path
    for name in route.names:
        address = re.sub(rf"\{{{name}\}}", pick(name) if name in MAKERS else "x", address)
    if case is None or isinstance(case, dict):
        return address, {"data": case} if case else {}, foreign
    query = {k: pick(k) if k in MAKERS else v for k, v in (case.query or {}).items()}
    sent: dict[str, Any] = {"params": query}
    if isinstance(case.body, dict):
        body = {k: pick(k) if k in MAKERS and v else v for k, v in case.body.items()}
        sent["json" if case.media_type == "application/json" else "data"] = body
    return address, sent, foreign


def _ends_things(route: Route) -> bool:
    """Return whether a tenant would have less of its own afterwards to ask with."""
    return route.method == "DELETE" or route.path.endswith(
        ("sign-out", "end", "revoke", "archive", "remove", "leave")
    )


def test_nobody_reaches_another_tenant_by_any_route(world):
    is_sqlite = world[0].app.state.database.dialect == "sqlite"
    check_tenants(world, examples=EXAMPLES if is_sqlite else EXAMPLES // 5, restore=is_sqlite)


def test_a_query_that_forgets_whose_it_reads_is_found(world, monkeypatch):
    """The test itself: with one `where` left out it must fail."""
    if world[0].app.state.database.dialect != "sqlite":
        pytest.skip("once is enough")
    monkeypatch.setattr(chat_queries, "own", lambda _act: text("1 = 1"))

    with pytest.raises((AssertionError, BaseExceptionGroup)):
        check_tenants(world, examples=EXAMPLES, restore=True, under="/chat/api")
