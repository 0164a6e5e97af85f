"""What fits into a minute, and when to come again."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.actor import SYSTEM, Actor
from hunmin.billing import rules
from hunmin.billing.rules import Holder, Limits, Load, Slot
from hunmin.errors import LimitUnfit, RateLimitExceeded, TokensLimitExceeded

PROJECT = Holder("project", "p")


def test_a_request_counts_for_its_key_its_project_and_the_organization():
    key = Actor(user_id="u", kind="key", key_id="k", organization_id="o", project_id="p")
    assert [one.kind for one in rules.holders_of(key)] == ["key", "project", "organization"]

    own = Actor(user_id="u", kind="key", key_id="k")
    assert rules.holders_of(own) == rules.holders_of(Actor(user_id="u")) == (Holder("user", "u"),)
    assert rules.holders_of(SYSTEM) == ()


@pytest.mark.parametrize("wrong", [0, -1, rules.LIMIT_MAX + 1])
def test_a_limit_is_a_number_that_a_limit_can_be(wrong):
    for limits in (Limits(wrong), Limits(None, wrong), Limits(None, None, wrong)):
        with pytest.raises(LimitUnfit):
            rules.check_fit(limits)
    assert rules.check_fit(Limits()) == Limits()


def test_no_two_seconds_that_count_at_the_same_time_lie_in_one_place():
    span = rules.MINUTE_SECONDS + 1 + rules.SKEW_SECONDS
    assert len({rules.slot_of(second) for second in range(1000, 1000 + span)}) == span


@given(
    now=st.floats(1e9, 2e9),
    ages=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 50)), min_size=1, max_size=20),
    asked=st.integers(1, 100),
    most=st.integers(1, 200),
)
def test_who_waits_as_long_as_told_fits_into_the_minute_and_not_much_sooner(now, ages, asked, most):
    second = math.floor(now)
    slots = [Slot(second - age, 1, tokens) for age, tokens in sorted(ages, reverse=True)]
    taken = sum(slot.tokens for slot in slots)
    load = Load(PROJECT, Limits(tokens_per_minute_max=most), tokens=taken, newest=slots[-1].at)
    if not rules.is_over(load, tokens=asked):
        assert taken + asked <= most
        return

    with pytest.raises(TokensLimitExceeded) as refusal:
        rules.refuse(load, slots, tokens=asked, now=now)

    def left_at(moment: float) -> int:
        since = math.floor(moment) - rules.MINUTE_SECONDS
        return sum(slot.tokens for slot in slots if slot.at >= since)

    waits = refusal.value.retry_after_seconds
    if asked > most:
        assert waits is None
        return
    assert left_at(now + waits) + asked <= most
    assert waits == 1 or left_at(now + waits - 1.001) + asked > most


def test_the_refusal_says_whose_limit_it_is_in_both_languages():
    load = Load(PROJECT, Limits(requests_per_minute_max=2), requests=2)
    with pytest.raises(RateLimitExceeded) as refusal:
        rules.refuse(load, [Slot(100, 2, 0)], tokens=1, now=130.5)

    assert refusal.value.retry_after_seconds == 31
    assert "for this project" in refusal.value.en
    assert refusal.value.ko.startswith("이 프로젝트에서는 1분에 2번까지")


def test_a_request_counts_no_earlier_than_what_was_counted_before_it():
    ahead = Load(PROJECT, Limits(1), newest=130)
    assert rules.second_of(100.9, [ahead, Load(PROJECT, Limits(1))]) == 130
    assert rules.second_of(131.2, [ahead]) == 131


def test_the_headers_are_those_of_whoever_has_least():
    loads = [
        Load(Holder("key", "k"), Limits(10, 1000), requests=2, tokens=100),
        Load(PROJECT, Limits(5), requests=4),
    ]
    assert rules.tightest(loads, tokens=300) == {
        "x-ratelimit-limit-requests": "5",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1m1s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "600",
        "x-ratelimit-reset-tokens": "1m1s",
    }
    assert rules.tightest([], tokens=1) == {}
