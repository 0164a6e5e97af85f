"""What is learned from, what is skipped, when a run goes back; and what the ledger hears of it."""

import json
import math

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


def test_losses_that_are_all_alike_do_not_make_the_next_stand_out():
    guard = Guard()
    for step in range(60):
        assert guard.may_learn(step, loss=4.0, norm=1.0)

    assert guard.may_learn(60, loss=4.1, norm=1.02)


def test_what_was_skipped_does_not_change_what_is_usual():
    guard = settled()
    for step in range(50, 60):
        assert not guard.may_learn(step, loss=4000.0, norm=1.0)


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


def test_a_course_is_read_as_it_was_written(tmp_path):
    course = Course()
    for step in range(9):
        course.guard.may_learn(step, loss=4.0 + step / 3, norm=1 / 3)
        course.advance(learned=step != 4)
    (tmp_path / COURSE_NAME).write_text(json.dumps(course.to_json()))

    assert Course.read(tmp_path) == course
