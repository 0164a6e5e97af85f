"""A hundred thousand keys: each is found and ended as fast as the only one, lists stay a page."""

import statistics
import time

import pytest
from sqlalchemy import insert

from hunmin import accounts
from hunmin.accounts.queries import Recognized
from hunmin.accounts.rules import hash_secret
from hunmin.accounts.tables import KeyRow
from hunmin.act import Actor
from hunmin.db import new_id
from tests.conftest import NOON

KEYS = 100_000
LOOKUPS = 400
SLOWEST_MS_MAX = 2.0
ENDED_MS_MAX = 20.0


@pytest.fixture
def database_url(sqlite_url):
    """Give one kind of database: the promise is about the default one."""
    return sqlite_url


def secret_of(number: int) -> str:
    return f"hm-{number:043}"


@pytest.fixture
def owner(make_person, database) -> Actor:
    """Give an account that has all the keys."""
    owner = make_person("dana")
    with database.session() as session:
        session.execute(
            insert(KeyRow),
            [
                {
                    "id": new_id(),
                    "user_id": owner.user_id,
                    "name": "x",
                    "secret_sha256": hash_secret(secret_of(number)),
                    "last_four": "0000",
                    "created_at": NOON,
                    "scopes": ["inference"],
                    "organization_id": "o",
                    "project_id": f"p{number % 10}",
                }
                for number in range(KEYS)
            ],
        )
    return owner


def test_of_a_hundred_thousand_keys_one_is_found_and_ended_at_once_and_pages_list_them(
    owner, act_as
):
    took_ms = []
    for number in range(0, KEYS, KEYS // LOOKUPS):
        with act_as(owner, read_only=True) as act:
            began = time.thread_time()  # what others do on the machine at the moment is not counted
            found = accounts.find_actor_by_key(act, secret_of(number))
            took_ms.append((time.thread_time() - began) * 1000)
        assert found is not None
        assert found.user_id == owner.user_id
    assert statistics.quantiles(took_ms, n=100)[98] < SLOWEST_MS_MAX

    with act_as(owner, read_only=True) as act:
        first = accounts.keys_of_organization(act, "o", project_id="p3")
        second = accounts.keys_of_organization(act, "o", project_id="p3", before=first[-1].id)
    ids = [key.id for key in (*first, *second)]
    assert len(set(ids)) == 100
    assert ids == sorted(ids, reverse=True)
    assert {key.project_id for key in (*first, *second)} == {"p3"}

    mine = {"organization_id": "o", "project_id": "p3"}
    began = time.thread_time()
    with act_as() as act:
        assert accounts.end_keys(act, **mine, key_id=first[0].id) == 1
    assert (time.thread_time() - began) * 1000 < ENDED_MS_MAX
    with act_as() as act:
        assert accounts.end_keys(act, **mine) == KEYS // 10 - 1
    with act_as(owner, read_only=True) as act:
        assert accounts.find_actor_by_key(act, secret_of(3)) is None
        assert accounts.find_actor_by_key(act, secret_of(4)) is not None


def test_the_keys_known_for_a_moment_are_bounded():
    known = accounts.KnownKeys()
    for number in range(KEYS // 4):
        key = Actor(user_id="u", kind="key", key_id=str(number))
        known.remember(secret_of(number), Recognized(key, "", "k", used_today=True), asked_at=NOON)

    assert len(known._known) <= 10_000
