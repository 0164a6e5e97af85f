"""People who have an account."""

import pytest

from hunmin import accounts
from hunmin.act import Actor


@pytest.fixture
def make_person(act_as):
    """Give `make_person(name, *roles)`: an account, and the actor it is."""

    def make_person(name: str, *roles: str) -> Actor:
        with act_as() as act:
            user = accounts.create_user(act, name=name, roles=roles or ("person",))
        return Actor(user_id=user.id, roles=frozenset(user.roles), kind="person", proved_at=act.now)

    return make_person
