"""The rules of retrying."""

from hypothesis import given
from hypothesis import strategies as st

from hunmin.worker import rules


@given(attempts=st.integers(1, 10_000))
def test_each_wait_is_at_least_as_long_as_the_one_before_and_never_above_the_limit(attempts):
    wait = rules.retry_seconds(attempts)

    assert rules.RETRY_SECONDS_FIRST <= wait <= rules.RETRY_SECONDS_MAX
    assert rules.retry_seconds(attempts + 1) >= wait


@given(attempts=st.integers(1, 100), attempts_max=st.integers(1, 100))
def test_a_job_is_given_up_exactly_when_its_attempts_are_used_up(attempts, attempts_max):
    assert rules.given_up(attempts=attempts, attempts_max=attempts_max) == (
        attempts >= attempts_max
    )
