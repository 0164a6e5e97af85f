"""People who sign in, and the application they come to."""

import pytest

from hunmin import accounts
from hunmin.act import Actor
from hunmin.settings import Settings
from hunmin.signin import rules
from tests.support.desk import app, client, engine, migrated_file  # noqa: F401 (fixtures)


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Give settings under which a password is hashed in no time."""
    return Settings.load(
        config=None,
        data=tmp_path / "var",
        web__port=0,
        accounts__password_memory_kib=8,
        accounts__password_rounds=1,
    )


@pytest.fixture
def make_person(act_as):
    """Give `make_person(name, *roles)`: an account, and the actor it is."""

    def make_person(name: str, *roles: str) -> Actor:
        with act_as() as act:
            user = accounts.create_user(act, name=name, roles=roles or ("person",))
        return Actor(user_id=user.id, roles=frozenset(user.roles), kind="person", proved_at=act.now)

    return make_person


@pytest.fixture
def long_waits(monkeypatch) -> None:
    """Have the first wait last, however slow the machine is that tests."""
    monkeypatch.setattr(rules, "WAIT_SECONDS_MIN", rules.WAIT_SECONDS_MAX)
