"""Sessions: by what they are opened, and by whose link."""

import pytest
from sqlalchemy import select

from hunmin import accounts
from hunmin.accounts.tables import SessionRow
from hunmin.act import Actor
from hunmin.audit.tables import EventRow
from hunmin.errors import UserNotFound
from tests.support.desk import open_link

STRANGER = Actor(user_id=None, kind="guest")


def session_of(act, session_id: str) -> SessionRow:
    return act.session.get_one(SessionRow, session_id)


def test_a_session_says_what_opened_it_and_takes_the_place_of_the_old_one(act_as, make_person):
    dana = make_person("dana")
    with act_as(STRANGER) as act:
        old = accounts.open_session(act, dana.user_id, method="password", strength=1, days=1)
    with act_as(STRANGER) as act:
        new = accounts.open_session(
            act, dana.user_id, method="passkey", strength=2, days=1, instead_of=old.session_id
        )
        row = session_of(act, new.session_id)
        assert (row.method, row.strength, row.proved_at, row.for_other) == (
            "passkey",
            2,
            act.now,
            False,
        )
        assert new.actor.user_id == dana.user_id
        assert accounts.find_actor_by_session(act, old.secret) is None
        assert accounts.find_actor_by_session(act, new.secret) == new.actor
        told = act.session.scalars(
            select(EventRow).where(EventRow.kind == "accounts.session.open")
        ).all()
        assert [event.details["method"] for event in told] == ["password", "passkey"]


def test_no_session_opens_an_account_that_is_shut_away_or_no_persons(act_as, make_person):
    dana = make_person("dana")
    with act_as() as act:
        accounts.disable_user(act, dana.user_id)
        service = accounts.create_service_account(act, name="program")
    for user_id in (dana.user_id, service.id, "nobody"):
        with act_as(STRANGER) as act, pytest.raises(UserNotFound):
            accounts.open_session(act, user_id, method="oidc", strength=1, days=1)


def test_a_link_that_another_made_is_marked_once_the_account_is_in_use(act_as, make_person):
    admin, dana = make_person("admin", "administrator"), make_person("dana")

    def sign_in_by_link_of(maker: Actor) -> bool:
        with act_as(maker) as act:
            link = accounts.create_sign_in_link(act, dana.user_id)
        with act_as(STRANGER) as act:
            opened = open_link(act, link, days=1)
            return session_of(act, opened.session_id).for_other

    house = Actor(user_id=None, roles=frozenset({"administrator"}), kind="system")
    assert sign_in_by_link_of(admin) is False  # nothing in the account is anybody's yet
    assert sign_in_by_link_of(admin) is True
    assert sign_in_by_link_of(dana) is False
    assert sign_in_by_link_of(house) is False
