"""Keys that were shown a moment ago: what spares the database, and that no key outlives its end."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from hunmin import accounts
from hunmin.accounts import known_keys
from hunmin.accounts.queries import Recognized
from hunmin.accounts.tables import KeyRow
from hunmin.act import SYSTEM, Actor, open_act
from tests.support.desk import make_key

NOON = datetime(2026, 10, 9, 12, tzinfo=UTC)
DANA = Recognized(Actor(user_id="dana", kind="key", key_id="k"), "Dana", "k", used_today=True)
ASK = {
    "model": "hunmin-reference",
    "messages": [{"role": "user", "content": "안녕"}],
    "max_tokens": 2,
}


@pytest.mark.parametrize(
    ("asked_at", "later", "found"),
    [
        (NOON, timedelta(0), DANA),
        (NOON, timedelta(seconds=9), DANA),
        (NOON, timedelta(seconds=10), None),
        (NOON, timedelta(seconds=-1), None),
        (NOON.replace(hour=23, minute=59, second=59), timedelta(seconds=1), None),
    ],
    ids=["now", "soon", "later", "clock-went-back", "next-day"],
)
def test_a_key_is_known_for_a_moment_of_the_same_day(asked_at, later, found):
    known = accounts.KnownKeys()
    known.remember("hm-a", DANA, asked_at=asked_at)

    assert known.find("hm-a", now=asked_at + later) == found
    assert known.find("hm-b", now=asked_at) is None


def test_only_so_many_keys_are_known_and_the_oldest_is_forgotten(monkeypatch):
    monkeypatch.setattr(known_keys, "KEYS_MAX", 2)
    known = accounts.KnownKeys()
    for secret in ("hm-a", "hm-b", "hm-a", "hm-c"):
        known.remember(secret, DANA, asked_at=NOON)

    assert [known.find(secret, now=NOON) for secret in ("hm-a", "hm-b", "hm-c")] == [
        DANA,
        None,
        DANA,
    ]


def ask(client, key):
    return client.post("/v1/chat/completions", json=ASK, headers={"Authorization": f"Bearer {key}"})


@pytest.fixture
def ready(client):
    """Give a client of an application whose engine has started."""
    client.portal.call(client.app.state.gateway.ready)
    return client


def test_a_program_that_asks_again_is_not_looked_up_again(app, ready):
    key, lookups = make_key(app), []

    @event.listens_for(app.state.database.engine, "before_cursor_execute")
    def _note(_connection, _cursor, statement, *_):
        if "accounts_keys.secret_sha256 =" in statement:
            lookups.append(statement)

    assert [ask(ready, key).status_code for _ in range(3)] == [200] * 3
    assert len(lookups) == 1


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_a_key_that_ends_elsewhere_ends_here_at_once(app, ready, end):
    key = make_key(app)
    assert ask(ready, key).status_code == 200
    now = datetime.now(UTC)
    with app.state.database.session() as session:
        row = session.query(KeyRow).one()
        setattr(row, "revoked_at" if end == "revoked" else "expires_at", now)

    refused = ask(ready, key)

    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
    assert refused.headers["www-authenticate"] == "Bearer"
    with open_act(app.state.database, SYSTEM, read_only=True) as act:
        assert (
            act.session.connection()
            .exec_driver_sql("SELECT count(*) FROM gateway_admissions")
            .scalar()
            == 1
        )
