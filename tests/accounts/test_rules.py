"""The rules of names, secrets and roles, for any input."""

import base64
import secrets
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.accounts import rules
from hunmin.act import SYSTEM, Actor
from hunmin.errors import NameUnusable, PersonNeeded, RoleNeeded, TooManyKeys

moments = st.integers(min_value=0, max_value=2**32).map(lambda s: datetime.fromtimestamp(s, UTC))
actors = st.builds(
    Actor,
    user_id=st.sampled_from(["dana", "minji"]),
    roles=st.frozensets(st.sampled_from(rules.ROLES)),
    kind=st.sampled_from(["person", "guest", "key"]),
)


@given(st.text(max_size=200))
def test_a_name_is_refused_or_kept_clean(name):
    try:
        kept = rules.clean_name(name)
    except NameUnusable:
        return
    assert kept == rules.clean_name(kept)
    assert unicodedata.is_normalized("NFC", kept)
    assert 1 <= len(kept) <= rules.NAME_CHARACTERS_MAX
    assert kept.isprintable()
    assert not set(kept) & set("<>&\"'/\\:;")


@pytest.mark.parametrize("name", ["다나", "Kim Min-ji", "ops@example.kr", "user_1", "田中", "José"])
def test_names_people_have_are_taken(name):
    assert rules.clean_name(f"  {name} ") == name


@pytest.mark.parametrize("name", ["", " ", "-", "a" * 65, "<b>", "a\nb", "a\u202eb", "../etc"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(NameUnusable):
        rules.clean_name(name)


@given(st.text(max_size=200))
def test_what_a_key_is_for_is_refused_or_kept_on_one_line(text):
    try:
        kept = rules.clean_label(text)
    except NameUnusable:
        assert not any(character.isalnum() for character in text if character.isprintable())
        return
    assert kept.isprintable()
    assert 1 <= len(kept) <= rules.NAME_CHARACTERS_MAX


@pytest.mark.parametrize(("one", "other"), [("Dana", "dANA"), ("가", "가"), ("ﬁn", "fin")])
def test_names_that_look_alike_are_the_same(one, other):
    assert rules.name_key(one) == rules.name_key(other)


@given(st.binary(min_size=32, max_size=32))
def test_every_secret_we_make_has_the_shape_we_look_for(raw):
    secret = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    assert rules.secret_of_key(f"hm-{secret}") == f"hm-{secret}"
    assert rules.secret_of_session(secret) == secret
    assert rules.secret_of_link(f"http://127.0.0.1:8700/sign-in/{secret}") == secret
    assert rules.secret_of_link(f"  {secret}\n") == secret


@given(st.text(max_size=100))
def test_any_other_text_is_no_secret(text):
    assert rules.secret_of_key(text) in {None, text}
    assert rules.secret_of_session(text) in {None, text}
    assert len(rules.secret_of_link(text) or "x" * 43) == 43


def test_a_hash_is_the_same_only_for_the_same_secret():
    one, other = secrets.token_urlsafe(32), secrets.token_urlsafe(32)

    assert rules.same_hash(rules.hash_secret(one), rules.hash_secret(one))
    assert not rules.same_hash(rules.hash_secret(one), rules.hash_secret(other))
    assert one not in rules.hash_secret(one)


@given(now=moments, days=st.none() | st.integers(min_value=1, max_value=400))
def test_a_secret_works_until_its_end_and_not_a_moment_longer(now, days):
    end = rules.expiry(now, days=days)

    assert rules.is_usable(now, expires_at=end, ended_at=None)
    assert not rules.is_usable(now, expires_at=end, ended_at=now)
    if end is not None:
        assert rules.is_usable(end - timedelta(microseconds=1), expires_at=end, ended_at=None)
        assert not rules.is_usable(end, expires_at=end, ended_at=None)


@given(actor=actors, owner=st.sampled_from(["dana", "minji"]))
def test_only_a_person_answers_for_secrets_and_only_for_their_own(actor, owner):
    if actor.kind != "person":
        with pytest.raises(PersonNeeded):
            rules.check_answers_for(actor, owner)
    elif actor.user_id != owner and "administrator" not in actor.roles:
        with pytest.raises(RoleNeeded):
            rules.check_answers_for(actor, owner)
    else:
        rules.check_answers_for(actor, owner)


@given(actor=actors)
def test_only_an_administrator_in_person_administers(actor):
    try:
        rules.check_administers(actor)
    except (PersonNeeded, RoleNeeded):
        assert actor.kind == "key" or "administrator" not in actor.roles
    else:
        assert actor.kind != "key"
        assert "administrator" in actor.roles


def test_the_house_itself_may_do_both():
    rules.check_answers_for(SYSTEM, "dana")
    rules.check_administers(SYSTEM)


@given(st.integers(min_value=0, max_value=2 * rules.KEYS_MAX))
def test_keys_are_counted(usable):
    if usable < rules.KEYS_MAX:
        rules.check_key_count(usable)
    else:
        with pytest.raises(TooManyKeys):
            rules.check_key_count(usable)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140 Safari/537",
            "Chrome, Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537 Edg/140", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19 like Mac OS X) Safari/604", "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/132 Whale/4 Safari/537", "Whale, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15; rv:140) Firefox/140", "Firefox, macOS"),
        ("curl/8", ""),
        ("", ""),
    ],
)
def test_a_browser_is_known_by_two_words(said, shown):
    assert rules.device_name(said) == shown


@given(st.text(max_size=300))
def test_nothing_else_a_browser_says_is_kept(said):
    assert len(rules.device_name(said)) < 40
