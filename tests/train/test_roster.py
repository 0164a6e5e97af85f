"""Who trains together, and what each takes of a step: decided by rules alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hunmin.train.replicas import share
from hunmin.train.roster import GATHERING_SECONDS_MAX, SILENT_SECONDS_MAX, Roll, Roster, Word

PATIENCE = 8.0


def open_roll(*names, replicas=1):
    """Return a roll on which some train already."""
    roll = Roll("s", replicas=replicas, patience_seconds=PATIENCE)
    for name in names:
        roll.hear(name, Word("plan", "CPU", 0), 0.0)
    if names:
        assert roll.decide(GATHERING_SECONDS_MAX) is None, "they have been silent"
        for name in names:
            roll.hear(name, Word("plan", "CPU", 0), 0.0)
        assert roll.decide(0.0) == Roster("s", 1, names)
        for name in names:
            roll.hear(name, Word("plan", "CPU", None), 0.0)
    return roll


def ask(roll, *names, now):
    for name in names:
        roll.hear(name, Word("plan", "CPU", roll.roster.number), now)


def keep_on(roll, *names, now):
    for name in names:
        roll.hear(name, Word("plan", "CPU", None), now)


def test_a_run_begins_when_as_many_are_there_as_it_should_have():
    roll = Roll("s", replicas=2, patience_seconds=PATIENCE)

    roll.hear("a", Word("plan", "CPU", 0), 1.0)
    assert roll.decide(2.0) is None
    roll.hear("b", Word("plan", "CPU", 0), 3.0)

    assert roll.decide(3.0) == Roster("s", 1, ("a", "b"))
    assert roll.decide(3.0) is None


def test_a_run_does_not_wait_for_ever_for_one_that_does_not_come():
    roll = Roll("s", replicas=2, patience_seconds=PATIENCE)
    for now in (1.0, 1.0 + GATHERING_SECONDS_MAX):
        roll.hear("a", Word("plan", "CPU", 0), now)

    assert roll.decide(1.0 + GATHERING_SECONDS_MAX) == Roster("s", 1, ("a",))


def test_one_that_is_silent_is_left_out_when_the_others_ask():
    roll = open_roll("a", "b", "c")
    ask(roll, "b", "c", now=SILENT_SECONDS_MAX)
    assert roll.decide(SILENT_SECONDS_MAX) is None, "the first may only be late"

    assert roll.decide(SILENT_SECONDS_MAX + 0.1) == Roster("s", 2, ("b", "c"))


def test_one_that_is_heard_but_hangs_is_waited_for_as_long_as_patience_lasts():
    roll = open_roll("a", "b")
    for now in (1.0, 1.0 + PATIENCE):
        ask(roll, "a", now=now)
        keep_on(roll, "b", now=now)
        before = roll.decide(now)
        assert before is None or now == 1.0 + PATIENCE

    assert roll.roster == Roster("s", 2, ("a",))


def test_a_newcomer_waits_until_the_members_ask_and_comes_last():
    roll = open_roll("b", "c")
    roll.hear("a", Word("plan", "CPU", 0), 1.0)

    assert roll.someone_waits(1.0)
    assert roll.decide(1.0) is None
    ask(roll, "b", "c", now=1.0)

    assert roll.decide(1.0) == Roster("s", 2, ("b", "c", "a"))
    assert not roll.someone_waits(1.0)


def test_who_trains_something_else_or_elsewhere_is_refused_while_anyone_is_there():
    roll = open_roll("a")

    for word in (Word("another", "CPU", 0), Word("plan", "GPU", 0)):
        assert roll.hear("b", word, 1.0) == Word("plan", "CPU", None)
        assert not roll.someone_waits(1.0)
    assert roll.hear("b", Word("another", "CPU", 0), 1.0 + SILENT_SECONDS_MAX) is None


def test_when_all_are_gone_the_next_one_begins_again():
    roll = open_roll("a", "b")
    roll.leave("a")
    roll.leave("b")
    roll.hear("c", Word("plan", "CPU", 0), 1.0)

    assert roll.decide(1.0) == Roster("s", 2, ("c",))


HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(["asks", "trains", "leaves", "is silent"]),
        st.floats(0.0, 6.0),
    ),
    max_size=60,
)


@given(HAPPENINGS)
def test_whatever_happens_a_roster_holds_only_who_asked_and_is_there(happenings):
    roll = Roll("s", replicas=1, patience_seconds=PATIENCE)
    now, asking, heard = 0.0, {}, {}
    for name, what, seconds in happenings:
        now += seconds
        if what == "asks":
            asking[name] = roll.roster.number if name in roll.roster.members else 0
            roll.hear(name, Word("plan", "CPU", asking[name]), now)
        elif what == "trains":
            asking.pop(name, None)
            roll.hear(name, Word("plan", "CPU", None), now)
        elif what == "leaves":
            roll.leave(name)
            asking.pop(name, None)
        if what != "is silent":
            heard[name] = now
        before = roll.roster
        after = roll.decide(now)
        if after is None:
            continue
        assert after.number == before.number + 1
        assert len(set(after.members)) == len(after.members) > 0
        assert all(one in asking for one in after.members)
        assert all(now - heard[one] <= SILENT_SECONDS_MAX for one in after.members)
        stayed = [one for one in before.members if one in after.members]
        assert list(after.members[: len(stayed)]) == stayed, "who was there longer comes first"
        assert roll.decide(now) is None


@given(st.integers(0, 50), st.integers(1, 12))
def test_a_step_is_shared_out_whole_evenly_and_once(samples, count):
    rows = np.arange(samples)

    shares = [share(rows, index=index, count=count) for index in range(count)]

    assert np.concatenate(shares).tolist() == rows.tolist()
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
