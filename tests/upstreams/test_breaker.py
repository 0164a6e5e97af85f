"""When an upstream is left alone, in simulated time; and how often a request is sent again."""

from hypothesis import given
from hypothesis import strategies as st

from hunmin.upstreams.breaker import OPEN_SECONDS_MAX, Breaker
from hunmin.upstreams.retries import RetryBudget


def fail(breaker, *moments):
    for now in moments:
        breaker.begin()
        breaker.fail(now)
        breaker.leave()


def test_five_failures_in_ten_seconds_open_it_and_four_do_not():
    breaker = Breaker()
    fail(breaker, 0, 1, 2, 3)
    assert breaker.may_try(3)
    fail(breaker, 4)
    assert not breaker.may_try(4)

    slow = Breaker()
    fail(slow, *range(0, 100, 4))
    assert slow.may_try(100)


def test_one_request_tries_it_again_and_closes_it():
    breaker = Breaker()
    fail(breaker, 0, 0, 0, 0, 0)
    assert not breaker.may_try(0.9)
    assert breaker.may_try(1.1)
    breaker.begin()
    assert not breaker.may_try(1.1)

    breaker.succeed()

    assert breaker.may_try(1.2)


def test_a_trial_that_fails_opens_it_for_twice_as_long_up_to_a_minute():
    breaker = Breaker()
    fail(breaker, 0, 0, 0, 0, 0)
    now, waits = 0.0, []
    for _ in range(9):
        began = now
        while not breaker.may_try(now):
            now += 0.5
        waits.append(now - began)
        fail(breaker, now)

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_reader_who_leaves_a_trial_lets_another_try():
    breaker = Breaker()
    fail(breaker, 0, 0, 0, 0, 0)
    breaker.begin()
    breaker.leave()

    assert breaker.may_try(1)


def test_three_looks_that_find_it_unwell_open_it_until_it_is_well():
    breaker = Breaker()
    for now in (0, 2, 4):
        assert breaker.may_try(now)
        breaker.look(now, well=False)
    assert not breaker.may_try(4)
    for now in range(6, 200, 2):
        breaker.look(now, well=False)
        assert not breaker.may_try(now)

    breaker.look(200, well=True)

    assert breaker.may_try(200)


@given(st.lists(st.tuples(st.sampled_from(["ask", "unwell", "well"]), st.floats(0, 30))))
def test_who_is_well_again_is_asked_again_within_a_minute(events):
    breaker, now = Breaker(), 0.0
    for event, pause in events:
        now += pause
        if event == "ask" and breaker.may_try(now):
            fail(breaker, now)
        elif event != "ask":
            breaker.look(now, well=event == "well")
    now += OPEN_SECONDS_MAX

    assert breaker.may_try(now)
    breaker.begin()
    breaker.succeed()
    assert breaker.may_try(now)


@given(st.integers(0, 2000))
def test_at_most_a_tenth_is_sent_again_after_the_first_few(requests):
    budget = RetryBudget()
    again = 0
    for _ in range(requests):
        budget.earn()
        again += budget.spend()

    assert again <= 10 + requests * 0.1 + 1
