"""Rules of signing in: how many tries there are, which codes count, where one may go on to."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyotp import TOTP

from hunmin.signin import keyboard, rules

MOMENT = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@given(pauses=st.lists(st.integers(0, 2_000), min_size=30, max_size=80))
def test_no_sequence_of_failures_gets_more_than_the_allowed_tries(pauses):
    """Whoever fails without end has the free tries, ten that double, and one in 15 minutes."""
    now, failures, failed_at, allowed, began = MOMENT, 0, MOMENT, 0, MOMENT
    for pause in pauses:
        now += timedelta(seconds=pause)
        waits = rules.wait_seconds(
            now, failures=failures, failed_at=failed_at, free=rules.TRIES_FREE
        )
        if waits == 0:
            allowed, failures, failed_at = allowed + 1, failures + 1, now
        else:
            assert 0 < waits <= rules.WAIT_SECONDS_MAX

    seconds = (now - began).total_seconds()
    assert allowed <= rules.TRIES_FREE + 11 + seconds // rules.WAIT_SECONDS_MAX


@given(failures=st.integers(0, 10_000), seconds=st.integers(1, 10**8))
def test_a_clock_that_went_back_makes_nobody_wait(failures, seconds):
    failed_at = MOMENT + timedelta(seconds=seconds)
    assert rules.wait_seconds(MOMENT, failures=failures, failed_at=failed_at, free=5) == 0


def test_a_day_without_a_failure_forgets_all():
    for age, counted in ((rules.QUIET_SECONDS - 1, 7), (rules.QUIET_SECONDS, 0)):
        failed_at = MOMENT - timedelta(seconds=age)
        assert rules.failures_now(MOMENT, failures=7, failed_at=failed_at) == counted


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2ff::1", "2001:db8:1:200::/56"),
        ("testclient", "unknown"),
        ("", "unknown"),
    ],
)
def test_whoever_changes_their_address_stays_in_their_network(host, network):
    assert rules.network_of(host) == network


def code_at(step: int) -> str:
    return TOTP(SECRET).at(step * rules.CODE_SECONDS)


PRESENT = int(MOMENT.timestamp()) // rules.CODE_SECONDS


@given(step=st.integers(PRESENT - 5, PRESENT + 5), last_step=st.integers(PRESENT - 6, PRESENT + 6))
def test_a_code_counts_around_its_time_and_never_again(step, last_step):
    found = rules.matching_step(code_at(step), MOMENT, last_step=last_step, code_at=code_at)

    if abs(step - PRESENT) <= 1 and step > last_step:
        assert found == step
    else:
        assert found is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "१२३४५६", "' OR 1=1"])
def test_what_is_no_code_is_none(code):
    found = rules.matching_step(code, MOMENT, last_step=-1, code_at=lambda _: code)
    assert found is None


def test_a_code_may_be_typed_in_groups_or_full_width():
    assert rules.clean_code(" 123 456 ") == "123456"
    assert rules.clean_code("１２３４５６") == "123456"
    assert rules.clean_code("ABCD-efgh") == "abcdefgh"


def test_recovery_codes_are_long_and_unlike():
    codes = {rules.new_recovery_code() for _ in range(200)}
    assert len(codes) == 200
    assert {len(rules.clean_code(code)) for code in codes} == {16}


@pytest.mark.parametrize(
    "asked",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "evil.example",
        "javascript:alert(1)",
        "/account\r\nSet-Cookie: x=y",
        "/%2f%2fevil.example",
        "/account?next=//evil.example",
        "",
        "/\t/evil.example",
    ],
)
def test_nobody_is_sent_to_another_site_after_signing_in(asked):
    assert rules.page_after(asked) == "/"


def test_a_page_of_ours_is_gone_on_to():
    assert rules.page_after("/account/security") == "/account/security"


def test_korean_typed_on_latin_keys_is_known():
    assert keyboard.typed_on_latin_keys("안녕하세요") == "dkssudgktpdy"
    assert keyboard.typed_on_latin_keys("비밀번호") == "qlalfqjsgh"
    assert keyboard.typed_on_latin_keys("닭값 a1") == "ekfrrkqt a1"
