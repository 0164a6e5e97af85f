"""What can be done to accounts, links, sessions and keys, and by whom."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from hunmin import accounts
from hunmin.accounts import actions, key_actions, queries, session_actions
from hunmin.accounts.tables import SessionRow, SignInLinkRow
from hunmin.act import SYSTEM, Actor
from hunmin.audit.tables import EventRow
from hunmin.errors import (
    InvalidApiKey,
    KeyNotFound,
    KeyNotRotatable,
    ModelsUnfit,
    NameUnusable,
    OverlapTooLong,
    OwnAccount,
    PersonNeeded,
    RoleNeeded,
    RoleUnknown,
    ScopeUnknown,
    SessionNotFound,
    SignInLinkUnusable,
    TooManyKeys,
    UserExists,
    UserNotFound,
)
from tests.conftest import NOON
from tests.support.desk import open_link

STRANGER = Actor(user_id=None, kind="guest")


def events(act) -> list[str]:
    return list(act.session.scalars(select(EventRow.kind).order_by(EventRow.id)))


def test_an_account_is_made_once_under_any_spelling_of_its_name(act):
    dana = accounts.create_user(act, name=" Dana ", roles=["auditor"])

    assert (dana.name, dana.roles) == ("Dana", ["auditor", "person"])
    assert accounts.find_user(act, "DANA") == dana
    with pytest.raises(UserExists):
        accounts.create_user(act, name="dana")
    assert events(act) == ["accounts.user.create"]


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [({"name": ""}, NameUnusable), ({"name": "x", "roles": ["guest"]}, RoleUnknown)],
)
def test_an_account_that_cannot_be_is_refused_and_leaves_no_trace(act, wrong, refusal):
    with pytest.raises(refusal):
        accounts.create_user(act, **wrong)
    assert accounts.list_users(act) == []
    assert events(act) == []


def test_only_administrators_make_and_see_accounts(make_person, act_as):
    dana, chief = make_person("dana"), make_person("chief", "administrator")
    auditor = make_person("auditor", "auditor")

    with act_as(dana) as act:
        for forbidden in (
            lambda: accounts.create_user(act, name="minji"),
            lambda: accounts.list_users(act),
            lambda: accounts.find_user(act, "chief"),
        ):
            with pytest.raises(RoleNeeded):
                forbidden()
        with pytest.raises(UserNotFound):
            accounts.get_user(act, chief.user_id)
        assert accounts.get_user(act, dana.user_id).name == "dana"
    with act_as(auditor) as act:
        assert {user.name for user in accounts.list_users(act)} == {"auditor", "chief", "dana"}
        with pytest.raises(RoleNeeded):
            accounts.create_user(act, name="minji")
    with act_as(chief) as act:
        accounts.create_user(act, name="minji")


def test_a_sign_in_link_works_once(make_person, act_as):
    dana = make_person("dana")
    with act_as() as act:
        link = accounts.create_sign_in_link(act, dana.user_id)
    with act_as(STRANGER) as act:
        opened = open_link(act, link, days=30)
        assert accounts.find_actor_by_session(act, opened.secret) == dana
    with act_as(STRANGER) as act, pytest.raises(SignInLinkUnusable):
        open_link(act, link, days=30)


def test_of_two_browsers_that_open_a_link_at_once_one_is_signed_in(make_person, act_as):
    with act_as() as act:
        link = accounts.create_sign_in_link(act, make_person("dana").user_id)
    together = threading.Barrier(2)

    def sign_in(_) -> str:
        together.wait()
        with act_as(STRANGER) as act:
            try:
                open_link(act, link, days=30)
            except SignInLinkUnusable as refusal:
                return refusal.code
            time.sleep(0.2)  # the other one comes before this one is committed
            return "signed in"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(sign_in, range(2))) == ["sign_in_link_unusable", "signed in"]


def test_a_sign_in_link_works_for_its_time_only(make_person, act_as):
    dana = make_person("dana")
    with act_as() as act:
        link = accounts.create_sign_in_link(act, dana.user_id, minutes=10)
    with (
        act_as(STRANGER, now=NOON + timedelta(minutes=10)) as act,
        pytest.raises(SignInLinkUnusable),
    ):
        open_link(act, link, days=30)
    with act_as(STRANGER, now=NOON + timedelta(minutes=9)) as act:
        open_link(act, link, days=30)


@pytest.mark.parametrize("link", ["", "x", "http://127.0.0.1/sign-in/", "A" * 43, "' OR 1=1 --"])
def test_what_is_no_link_signs_nobody_in(act, link):
    with pytest.raises(SignInLinkUnusable):
        open_link(act, link, days=30)
    assert events(act) == []


def test_signing_in_ends_the_session_the_browser_had(act_as, make_person):
    dana = make_person("dana")
    with act_as(STRANGER) as act:
        guest = accounts.welcome_guest(act, days=30)
    with act_as() as act:
        link = accounts.create_sign_in_link(act, dana.user_id)
    with act_as(STRANGER) as act:
        opened = open_link(act, link, days=30, instead_of=guest.session_id)
        assert opened.secret != guest.secret
        assert accounts.find_actor_by_session(act, guest.secret) is None


def test_a_session_lasts_as_long_as_it_is_used(make_person, act_as):
    dana = make_person("dana")
    with act_as() as act:
        link = accounts.create_sign_in_link(act, dana.user_id)
    with act_as(STRANGER) as act:
        opened = open_link(act, link, days=30)
    with act_as(dana, now=NOON + timedelta(days=29)) as act:
        assert not queries.find_by_session(act, opened.secret).used_today
        session_actions.use_session(act, opened.session_id, days=30)
        assert queries.find_by_session(act, opened.secret).used_today
    with act_as(STRANGER, now=NOON + timedelta(days=58)) as act:
        assert accounts.find_actor_by_session(act, opened.secret) == dana
    with act_as(STRANGER, now=NOON + timedelta(days=59)) as act:
        assert accounts.find_actor_by_session(act, opened.secret) is None


def test_a_guest_is_an_account_without_a_name_of_its_own(act_as):
    with act_as(STRANGER) as act:
        opened = accounts.welcome_guest(act, days=30)
        actor = accounts.find_actor_by_session(act, opened.secret)
        assert (actor.kind, actor.roles) == ("guest", frozenset({"guest"}))
    with act_as(actor) as act:
        with pytest.raises(PersonNeeded):
            accounts.create_key(act, name="x")
        with pytest.raises(PersonNeeded):
            accounts.create_sign_in_link(act, actor.user_id)
    with act_as() as act:
        assert accounts.list_users(act) == []
        with pytest.raises(UserNotFound):
            accounts.create_sign_in_link(act, actor.user_id)


def test_a_key_acts_for_its_owner_until_it_is_revoked(make_person, act_as):
    dana = make_person("dana", "auditor")
    with act_as(dana) as act:
        made = accounts.create_key(act, name="보고서")
        assert made.secret.endswith(made.key.last_four)
    with act_as(STRANGER) as act:
        actor = accounts.find_actor_by_key(act, made.secret)
    assert actor == Actor(
        user_id=dana.user_id,
        roles=frozenset({"person"}),  # it was not made to see what an auditor sees
        kind="key",
        key_id=made.key.id,
        scopes=frozenset(accounts.PROGRAM_SCOPES),
    )
    assert actor.tenant == dana.user_id
    with act_as(dana) as act:
        accounts.revoke_key(act, made.key.id)
        assert accounts.list_keys(act) == []
        assert accounts.find_actor_by_key(act, made.secret) is None
        with pytest.raises(KeyNotFound):
            accounts.revoke_key(act, made.key.id)


def test_a_key_works_for_its_days_only(make_person, act_as):
    dana = make_person("dana")
    with act_as(dana) as act:
        made = accounts.create_key(act, name="x", days=7)
    with act_as(now=NOON + timedelta(days=7, seconds=-1)) as act:
        assert accounts.find_actor_by_key(act, made.secret) is not None
    with act_as(now=NOON + timedelta(days=7)) as act:
        assert accounts.find_actor_by_key(act, made.secret) is None


def test_a_key_makes_no_keys_links_or_accounts_whoever_its_owner_is(make_person, act_as):
    chief = make_person("chief", "administrator")
    with act_as(chief) as act:
        made = accounts.create_key(act, name="x")
        key = accounts.find_actor_by_key(act, made.secret)
    with act_as(key) as act:
        for forbidden in (
            lambda: accounts.create_key(act, name="y"),
            lambda: accounts.create_sign_in_link(act, chief.user_id),
            lambda: accounts.create_user(act, name="z"),
            lambda: accounts.revoke_key(act, made.key.id),
        ):
            with pytest.raises(PersonNeeded):
                forbidden()


def test_a_key_has_the_roles_of_the_house_only_where_it_was_made_for_them(make_person, act_as):
    chief = make_person("chief", "administrator")
    with act_as(chief) as act:
        made = accounts.create_key(act, name="x", scopes=["admin", "usage"])
        assert made.key.scopes == ["usage", "admin"]
        assert accounts.find_actor_by_key(act, made.secret).roles == chief.roles


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"scopes": []}, ScopeUnknown),
        ({"scopes": ["inference", "all"]}, ScopeUnknown),
        ({"models": []}, ModelsUnfit),
        ({"models": ["한글"]}, ModelsUnfit),
        ({"models": [f"m{n}" for n in range(33)]}, ModelsUnfit),
    ],
)
def test_a_key_that_cannot_be_is_refused_and_leaves_no_trace(make_person, act_as, wrong, refusal):
    with act_as(make_person("dana")) as act:
        with pytest.raises(refusal):
            accounts.create_key(act, name="x", **wrong)
        assert accounts.list_keys(act) == []


def test_a_key_is_replaced_by_one_like_it_and_works_a_while_beside_it(make_person, act_as):
    dana = make_person("dana")
    with act_as(dana) as act:
        old = accounts.create_key(act, name="보고서", days=30, scopes=["inference"], models=["m"])
    later = NOON + timedelta(days=10)
    with act_as(dana, now=later) as act:
        new = accounts.rotate_key(act, old.key.id, overlap_hours=24, overlap_hours_max=168)
        assert events(act)[-1] == "accounts.key.rotate"
        assert (new.key.name, new.key.scopes, new.key.models) == ("보고서", ["inference"], ["m"])
        assert new.key.expires_at == later + timedelta(days=30)
        assert new.key.replaces_id == old.key.id
        with pytest.raises(KeyNotRotatable):
            accounts.rotate_key(act, old.key.id, overlap_hours=1, overlap_hours_max=168)
        with pytest.raises(OverlapTooLong):
            accounts.rotate_key(act, new.key.id, overlap_hours=169, overlap_hours_max=168)
    for hours, works in ((23, True), (24, False)):
        with act_as(STRANGER, now=later + timedelta(hours=hours)) as act:
            found = accounts.find_actor_by_key(act, old.secret)
            assert (found is not None) is works
            assert accounts.find_actor_by_key(act, new.secret) is not None
    key = Actor(user_id=dana.user_id, kind="key", key_id=old.key.id)
    with act_as(key, now=later + timedelta(hours=24)) as act, pytest.raises(InvalidApiKey):
        accounts.check_key_works(act)


def test_a_key_is_replaced_also_where_there_is_no_room_for_one_more(make_person, act_as):
    with act_as(make_person("dana")) as act:
        made = [accounts.create_key(act, name=f"key {n}") for n in range(50)]
        accounts.rotate_key(act, made[0].key.id, overlap_hours=24, overlap_hours_max=24)
        with pytest.raises(TooManyKeys):
            accounts.create_key(act, name="one more")


def test_a_disabled_account_opens_nothing_until_it_is_enabled_again(make_person, act_as):
    dana, chief = make_person("dana"), make_person("chief", "administrator")
    with act_as(dana) as act:
        key = accounts.create_key(act, name="x")
        opened = open_link(act, accounts.create_sign_in_link(act, dana.user_id), days=30)
        link = accounts.create_sign_in_link(act, dana.user_id)
        asking = accounts.find_actor_by_key(act, key.secret)
    with act_as(chief) as act:
        accounts.disable_user(act, dana.user_id)
        accounts.disable_user(act, dana.user_id)
        assert events(act)[-2:] == ["accounts.user.disable", "accounts.session.end"]
        assert accounts.get_user(act, dana.user_id).disabled_at == NOON
    with act_as(STRANGER) as act:
        assert accounts.find_actor_by_key(act, key.secret) is None
        assert accounts.find_actor_by_session(act, opened.secret) is None
        with pytest.raises(SignInLinkUnusable):
            open_link(act, link, days=30)
    with act_as(asking) as act, pytest.raises(InvalidApiKey):
        accounts.check_key_works(act)
    with act_as(chief) as act:
        accounts.enable_user(act, dana.user_id)
    with act_as(STRANGER) as act:
        assert accounts.find_actor_by_key(act, key.secret) == asking
        assert accounts.find_actor_by_session(act, opened.secret) is None
        open_link(act, link, days=30)


def test_an_account_with_other_roles_signs_in_again(make_person, act_as):
    dana, chief = make_person("dana", "auditor"), make_person("chief", "administrator")
    with act_as(dana) as act:
        link = accounts.create_sign_in_link(act, dana.user_id)
        opened = open_link(act, link, days=30)
    with act_as(chief) as act:
        accounts.change_roles(act, dana.user_id, roles=["auditor"])
        assert accounts.find_actor_by_session(act, opened.secret) == dana
        assert accounts.change_roles(act, dana.user_id, roles=[]).roles == ["person"]
        assert events(act)[-2:] == ["accounts.user.change", "accounts.session.end"]
        assert accounts.find_actor_by_session(act, opened.secret) is None


def test_only_an_administrator_in_person_shuts_an_account_and_never_their_own(make_person, act_as):
    dana, chief = make_person("dana"), make_person("chief", "administrator")
    with act_as(chief) as act:
        made = accounts.create_key(act, name="x", scopes=["admin"])
        key = accounts.find_actor_by_key(act, made.secret)
        guest = accounts.welcome_guest(act, days=1).actor
    for who, whom, refusal in (
        (dana, chief.user_id, RoleNeeded),
        (key, dana.user_id, PersonNeeded),
        (chief, chief.user_id, OwnAccount),
        (chief, guest.user_id, UserNotFound),
        (chief, "nobody", UserNotFound),
    ):
        for forbidden in (
            lambda act, whom=whom: accounts.disable_user(act, whom),
            lambda act, whom=whom: accounts.enable_user(act, whom),
            lambda act, whom=whom: accounts.change_roles(act, whom, roles=["auditor"]),
        ):
            with act_as(who) as act, pytest.raises(refusal):
                forbidden(act)


def test_people_are_found_by_a_part_of_their_names(make_person, act_as):
    for name in ("다나", "다람", "Minji", "m_i"):
        make_person(name)
    with act_as() as act:
        assert [user.name for user in accounts.list_users(act, search="다")] == ["다나", "다람"]
        assert [user.name for user in accounts.list_users(act, search="MIN")] == ["Minji"]
        assert [user.name for user in accounts.list_users(act, search="_")] == ["m_i"]
        assert len(accounts.list_users(act, offset=1, limit=2)) == 2


def test_nobody_sees_or_touches_what_is_anothers(make_person, act_as):
    dana, minji = make_person("dana"), make_person("minji")
    with act_as(dana) as act:
        made = accounts.create_key(act, name="x")
        link = accounts.create_sign_in_link(act, dana.user_id)
        opened = open_link(act, link, days=30)
    with act_as(minji) as act:
        assert accounts.list_keys(act) == []
        assert accounts.list_sessions(act) == []
        for forbidden, refusal in (
            (lambda: accounts.list_keys(act, dana.user_id), RoleNeeded),
            (lambda: accounts.create_key(act, name="y", user_id=dana.user_id), RoleNeeded),
            (lambda: accounts.create_sign_in_link(act, dana.user_id), RoleNeeded),
            (lambda: accounts.revoke_key(act, made.key.id, user_id=dana.user_id), RoleNeeded),
            (lambda: accounts.revoke_key(act, made.key.id), KeyNotFound),
            (lambda: accounts.end_session(act, opened.session_id), SessionNotFound),
            (lambda: session_actions.use_session(act, opened.session_id, days=1), SessionNotFound),
            (lambda: key_actions.use_key(act, made.key.id), KeyNotFound),
        ):
            with pytest.raises(refusal):
                forbidden()
    with act_as(dana) as act:
        assert [key.id for key in accounts.list_keys(act)] == [made.key.id]
        assert [session.id for session in accounts.list_sessions(act)] == [opened.session_id]


def test_an_account_holds_a_bounded_number_of_usable_keys(make_person, act_as):
    dana = make_person("dana")
    with act_as(dana) as act:
        made = [accounts.create_key(act, name=f"key {n}") for n in range(50)]
        with pytest.raises(TooManyKeys):
            accounts.create_key(act, name="one more")
        accounts.revoke_key(act, made[0].key.id)
        accounts.create_key(act, name="one more")


def test_a_guest_who_cannot_come_back_is_forgotten_and_nobody_else(make_person, act_as):
    dana = make_person("dana")
    with act_as() as act:
        link = accounts.create_sign_in_link(act, dana.user_id)
    with act_as(STRANGER) as act:
        short = accounts.welcome_guest(act, days=1)
        long = accounts.welcome_guest(act, days=400)
        open_link(act, link, days=1)
    with act_as(now=NOON + timedelta(days=1)) as act:
        assert actions.sweep(act) == 1
        assert actions.sweep(act) == 0
        assert [user.name for user in accounts.list_users(act)] == ["dana"]
        assert accounts.find_actor_by_session(act, long.secret) == long.actor
        with pytest.raises(UserNotFound):
            accounts.get_user(act, short.actor.user_id)
        assert events(act)[-1] == "accounts.guest.forget"
        assert act.session.scalars(select(SignInLinkRow)).one().used_at == NOON
    with act_as(now=NOON + timedelta(days=60)) as act:
        assert actions.sweep(act) == 0
        assert act.session.scalars(select(SignInLinkRow)).all() == []
        assert [row.user_id for row in act.session.scalars(select(SessionRow))] == [
            long.actor.user_id
        ]
        assert events(act)[-1] == "accounts.secret.sweep"


def test_no_secret_is_ever_written_down(make_person, act_as, database):
    dana = make_person("dana")
    with act_as(dana) as act:
        secrets = [accounts.create_key(act, name="x").secret]
        secrets.append(accounts.create_sign_in_link(act, dana.user_id))
        secrets.append(open_link(act, secrets[-1], days=30).secret)
    with database.session(read_only=True) as session:
        tables = ("accounts_keys", "accounts_sign_in_links", "accounts_sessions", "audit_events")
        kept = "\n".join(
            str(row)
            for table in tables
            for row in session.execute(text(f"SELECT * FROM {table}")).all()  # noqa: S608
        )
    assert len(kept) > 500
    for secret in secrets:
        assert secret not in kept
        assert secret.removeprefix("hm-")[:20] not in kept


def test_everything_done_leaves_its_event(make_person, act_as):
    dana = make_person("dana")
    with act_as(dana) as act:
        made = accounts.create_key(act, name="x")
        key_actions.use_key(act, made.key.id)
        accounts.revoke_key(act, made.key.id)
        link = accounts.create_sign_in_link(act, dana.user_id)
        opened = open_link(act, link, days=30)
        session_actions.use_session(act, opened.session_id, days=30)
        accounts.end_session(act, opened.session_id)
    with act_as(SYSTEM) as act:
        accounts.welcome_guest(act, days=30)
        assert events(act) == [
            "accounts.user.create",
            "accounts.key.create",
            "accounts.key.use",
            "accounts.key.revoke",
            "accounts.link.create",
            "accounts.link.use",
            "accounts.session.open",
            "accounts.session.use",
            "accounts.session.end",
            "accounts.guest.create",
        ]


def test_a_name_that_no_database_keeps_is_nobodys(act):
    assert accounts.find_user(act, "dana\0") is None
    assert accounts.list_users(act, search="\0") == []
