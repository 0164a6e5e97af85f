"""People who sign in, and the application they come to."""

from collections.abc import Iterator

import pytest

from hunmin.settings import Settings
from hunmin.signin import passwords, rules
from tests.support.desk import app, client, engine, migrated_file  # noqa: F401 (fixtures)
from tests.support.people import make_person  # noqa: F401 (fixtures)


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Give settings of a house in a folder of its own."""
    return Settings.load(config=None, data=tmp_path / "var", web__port=0)


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch) -> Iterator[None]:
    """Have a password hashed in no time."""
    monkeypatch.setattr(passwords, "MEMORY_KIB", 8)
    monkeypatch.setattr(passwords, "ROUNDS", 1)
    passwords.open_passwords.cache_clear()
    yield
    passwords.open_passwords.cache_clear()


@pytest.fixture
def long_waits(monkeypatch) -> None:
    """Have the first wait last, however slow the machine is that tests."""
    monkeypatch.setattr(rules, "WAIT_SECONDS_MIN", rules.WAIT_SECONDS_MAX)
