"""What is learned from, what is skipped, when a run goes back; and what the ledger hears of it."""

import json
import math
import random

from hypothesis import given
from hypothesis import strategies as st

from hunmin.train.course import COURSE_NAME, Course
from hunmin.train.guard import JUDGES_FROM_STEPS, ROLLBACK_SKIPS, ROLLBACK_WITHIN_STEPS, Guard

BAD = st.sampled_from([math.nan, math.inf, -math.inf])


def settled(steps=JUDGES_FROM_STEPS):
    guard = Guard()
    for step in range(steps):
        assert guard.may_learn(step, loss=4.0 + 0.1 * (step % 3), norm=1.0 + 0.1 * (step % 5))
    return guard


@given(bad=BAD, fresh=st.booleans(), in_loss=st.booleans())
def test_what_is_no_number_is_never_learned_from(bad, fresh, in_loss):
    guard = Guard() if fresh else settled()

    assert not guard.may_learn(99, loss=bad if in_loss else 4.0, norm=1.0 if in_loss else bad)


@given(st.floats(0.1, 100), st.floats(0.1, 100))
def test_at_the_start_nothing_stands_out(loss, norm):
    assert settled(JUDGES_FROM_STEPS - 1).may_learn(50, loss=loss, norm=norm)


def test_a_loss_or_a_norm_far_above_the_others_is_skipped_and_one_below_is_not():
    assert not settled().may_learn(50, loss=4000.0, norm=1.0)
    assert not settled().may_learn(50, loss=4.0, norm=1000.0)
    assert settled().may_learn(50, loss=0.1, norm=0.1)
    assert settled().may_learn(50, loss=4.3, norm=1.5)


def test_a_large_norm_alone_never_asks_for_a_rollback():
    guard = settled()
    for step in range(50, 60):
        guard.may_learn(step, loss=4.0, norm=10.0**step)

    assert not guard.wants_rollback


def test_losses_that_are_all_alike_do_not_make_the_next_stand_out():
    guard = Guard()
    for step in range(60):
        assert guard.may_learn(step, loss=4.0, norm=1.0)

    assert guard.may_learn(60, loss=4.1, norm=1.02)


def test_one_bad_step_does_not_make_the_next_look_usual():
    guard = settled()

    assert not guard.may_learn(50, loss=4000.0, norm=1.0)
    assert not guard.may_learn(51, loss=4000.0, norm=1.0)
    assert guard.may_learn(52, loss=4.1, norm=1.0)


def test_a_lasting_change_is_taken_for_usual_after_some_steps():
    guard = settled(200)
    learned = [guard.may_learn(200 + step, loss=4.0, norm=1.9) for step in range(100)]
    shifted = [guard.may_learn(300 + step, loss=9.0, norm=1.9) for step in range(100)]

    assert all(learned[20:])
    assert all(shifted[40:])


def test_norms_that_spread_as_norms_do_are_learned_from():
    chance, guard, skipped = random.Random(5), Guard(), 0
    for step in range(3000):
        fit = guard.may_learn(
            step, loss=4 + chance.gauss(0, 0.2), norm=chance.lognormvariate(0, 0.7)
        )
        skipped += not fit

    assert skipped <= 1


@given(gap=st.integers(1, 2 * ROLLBACK_WITHIN_STEPS))
def test_three_skips_in_a_hundred_steps_ask_for_a_rollback(gap):
    guard = settled()
    for number in range(ROLLBACK_SKIPS):
        assert not guard.wants_rollback
        guard.may_learn(100 + number * gap, loss=math.nan, norm=1.0)

    assert guard.wants_rollback == ((ROLLBACK_SKIPS - 1) * gap < ROLLBACK_WITHIN_STEPS)


@given(st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e9) | BAD), max_size=200))
def test_a_guard_that_was_saved_judges_as_one_that_was_not(steps):
    guard = Guard()
    for step, (loss, norm) in enumerate(steps):
        again = Guard.from_json(json.loads(json.dumps(guard.to_json())))
        assert again == guard
        assert again.may_learn(step, loss=loss, norm=norm) == guard.may_learn(
            step, loss=loss, norm=norm
        )


@given(st.lists(st.integers(0, 9), max_size=120))
def test_the_stretches_tell_which_step_learned_from_which_step_of_the_data(happenings):
    course, told = Course(), []
    for what in happenings:
        if what == 0:
            course.jump(course.data_step + 3)
        learned = what != 1
        if learned:
            told.append((course.step, course.data_step))
        course.advance(learned=learned)

    found = [
        (one.step + i, one.data_step + i) for one in course.stretches for i in range(one.steps)
    ]
    assert found == told
    assert course.step == len(happenings)


def test_a_rollback_forgets_the_skips_before_it():
    course = Course(guard=settled())
    course.guard.may_learn(8, loss=math.nan, norm=1.0)
    course.guard.may_learn(9, loss=math.nan, norm=1.0)
    course.jump(12)

    course.guard.may_learn(40, loss=math.nan, norm=1.0)

    assert not course.guard.wants_rollback


def test_a_course_is_read_as_it_was_written(tmp_path):
    course = Course()
    for step in range(9):
        course.guard.may_learn(step, loss=4.0 + step / 3, norm=1 / 3)
        course.advance(learned=step != 4)
    (tmp_path / COURSE_NAME).write_text(json.dumps(course.to_json()))

    assert Course.read(tmp_path) == course
