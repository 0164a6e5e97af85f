"""Challenges: each works once, in its time, for what and in which session it was made."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin import signin
from hunmin.errors import ChallengeUnusable
from hunmin.signin import actions, rules

KINDS = ["passkey_new", "passkey", "oidc", "second"]
MOMENT = datetime(2026, 11, 23, tzinfo=UTC)


@given(
    kind=st.sampled_from(KINDS),
    kind_wanted=st.sampled_from(KINDS),
    session_id=st.sampled_from([None, "one", "other"]),
    session_id_wanted=st.sampled_from([None, "one", "other"]),
    age=st.integers(-3, 3),
    lasts=st.integers(0, 3),
    is_used=st.booleans(),
)
def test_a_challenge_holds_only_where_everything_does(
    kind, kind_wanted, session_id, session_id_wanted, age, lasts, is_used
):
    created_at = MOMENT - timedelta(seconds=age)

    holds = rules.is_challenge_usable(
        MOMENT,
        kind=kind,
        kind_wanted=kind_wanted,
        session_id=session_id,
        session_id_wanted=session_id_wanted,
        created_at=created_at,
        expires_at=created_at + timedelta(seconds=lasts),
        used_at=created_at if is_used else None,
    )

    same = (kind, session_id) == (kind_wanted, session_id_wanted)
    assert holds == (same and not is_used and 0 <= age < lasts)


def test_a_challenge_is_used_once_and_brings_what_was_put_into_it(act_as, make_person):
    dana = make_person("dana")
    with act_as() as act:
        made = signin.make(act, "oidc", data={"nonce": "n"}, user_id=dana.user_id)
    with act_as(read_only=True) as act:
        assert signin.peek(act, "oidc", made.secret).data == {"nonce": "n"}
    with act_as() as act:
        used = signin.use(act, "oidc", made.secret)

    assert (used.id, used.user_id, used.data) == (made.id, dana.user_id, {"nonce": "n"})
    for again in (signin.use, signin.peek):
        with act_as() as act, pytest.raises(ChallengeUnusable):
            again(act, "oidc", made.secret)


def test_a_challenge_of_another_browser_kind_session_or_time_is_refused_and_stays(act_as, noon):
    with act_as() as act:
        made = signin.make(act, "second", session_id="s-1", seconds=60)
    late = noon + timedelta(seconds=60)
    forged = [
        {"secret": "A" * 43},
        {"secret": ""},
        {"secret": made.id},
        {"secret": made.secret + "A"},
        {"kind": "passkey"},
        {"session_id": "s-2"},
        {"session_id": None},
        {"now": late},
        {"now": noon - timedelta(seconds=1)},
    ]
    for wrong in forged:
        asked = {"kind": "second", "secret": made.secret, "session_id": "s-1", "now": noon, **wrong}
        with act_as(now=asked.pop("now")) as act, pytest.raises(ChallengeUnusable):
            signin.use(act, asked["kind"], asked["secret"], session_id=asked["session_id"])

    with act_as(now=late - timedelta(seconds=1)) as act:
        assert signin.use(act, "second", made.secret, session_id="s-1").id == made.id


def test_what_was_begun_long_ago_is_forgotten(act_as, noon):
    with act_as() as act:
        made = signin.make(act, "oidc")
    kept = timedelta(seconds=rules.CHALLENGE_SECONDS + rules.CHALLENGE_SECONDS_KEPT)
    with act_as(now=noon + kept) as act:
        assert actions.sweep(act) == 0
    with act_as(now=noon + kept + timedelta(seconds=1)) as act:
        assert actions.sweep(act) == 1
    with act_as() as act, pytest.raises(ChallengeUnusable):
        signin.use(act, "oidc", made.secret)
