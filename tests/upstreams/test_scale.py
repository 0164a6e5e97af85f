"""When an engine is started beside others, and when one is ended, in simulated time."""

from hypothesis import given
from hypothesis import strategies as st

from hunmin.upstreams.scale import DOWN_SECONDS, UP_SECONDS, ScaleRule

EACH = 10


def run(rule, loads, *, replicas=1, seconds=1.0) -> list[int]:
    """Bring a rule one load a second, do what it says, and return how many there were."""
    counts = []
    for step, requests in enumerate(loads):
        replicas += rule.decide(step * seconds, replicas=replicas, requests=requests)
        counts.append(replicas)
    return counts


def rule_of(low=1, high=4) -> ScaleRule:
    return ScaleRule(replicas_min=low, replicas_max=high, requests_each=EACH)


@given(
    st.integers(1, 3),
    st.integers(0, 3),
    st.lists(st.integers(0, 80), max_size=200),
    st.sampled_from([1.0, 30.0, 900.0]),
)
def test_there_are_never_fewer_or_more_than_was_said(low, spread, loads, seconds):
    counts = run(rule_of(low, low + spread), loads, replicas=low, seconds=seconds)

    assert all(low <= count <= low + spread for count in counts)


@given(st.integers(0, 100), st.integers(1, 4))
def test_a_load_that_stays_comes_to_rest_and_never_turns_back(load, replicas):
    counts = run(rule_of(), [load] * 400, replicas=replicas, seconds=UP_SECONDS)

    assert counts[-1] == counts[len(counts) // 2]
    ordered = sorted(counts)
    assert counts in (ordered, ordered[::-1])
    assert load <= counts[-1] * EACH or counts[-1] == 4


@given(st.lists(st.booleans(), min_size=50, max_size=300))
def test_a_load_that_swings_ends_nothing_it_would_need_again(high):
    """What is high for a moment within every ten minutes is not believed to be low."""
    loads = [35 if up or step % 50 == 0 else 0 for step, up in enumerate(high)]
    counts = run(rule_of(), loads, replicas=4, seconds=(DOWN_SECONDS - 1) / 50)

    assert counts == [4] * len(counts)


def test_a_moment_of_much_to_do_starts_nothing():
    seconds = int(UP_SECONDS)

    assert run(rule_of(), ([EACH + 1] * (seconds - 1) + [0]) * 5)[-1] == 1
    assert run(rule_of(), [EACH + 1] * (seconds + 1))[-1] == 2


def test_what_there_has_to_be_is_started_at_once():
    assert run(rule_of(low=3), [0, 0, 0]) == [2, 3, 3]
