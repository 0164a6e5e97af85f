"""An axis is labeled at round numbers that enclose what is shown."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.runs.charts import HEIGHT, WIDTH, Line, chart
from hunmin.runs.rules import ticks

numbers = st.floats(-1e12, 1e12).filter(lambda value: value == 0 or abs(value) > 1e-9)


@given(low=numbers, span=st.floats(1e-6, 1e12), parts=st.integers(3, 8))
def test_an_axis_encloses_what_is_shown_in_few_even_parts(low, span, parts):
    high = low + max(span, abs(low) * 1e-6)
    found = ticks(low, high, parts_max=parts)
    room = (high - low) * 1e-6

    assert 2 <= len(found) <= parts + 1
    assert found[0] <= low + room
    assert found[-1] >= high - room
    steps = [after - before for before, after in pairwise(found)]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-3)


def test_an_axis_of_the_least_numbers_there_are_has_its_places():
    found = ticks(0.0, 5e-324, parts_max=4)

    assert found[0] <= 0.0
    assert found[-1] >= 5e-324


@pytest.mark.parametrize("value", [0.0, 4.2, -3.0])
def test_a_flat_line_has_an_axis_too(value):
    found = ticks(value, value, parts_max=4)

    assert found[0] <= value < found[-1]


points = st.lists(st.tuples(st.integers(0, 10**7), st.floats(0, 1e6)), min_size=1, max_size=50)


@given(points=points, from_zero=st.booleans())
def test_every_point_lies_inside_the_chart(points, from_zero):
    line = Line("loss", sorted(dict(points).items()))
    drawn = chart(
        "loss", "Loss", [line], x_title="Step", x_end=0, say_x=str, say_y=str, from_zero=from_zero
    )
    assert drawn is not None
    path = drawn.drawn[0].path.replace("h0", "").lstrip("M")
    for place in path.split("L"):
        x, y = map(float, place.split())
        assert -0.1 <= x <= WIDTH + 0.1
        assert -0.1 <= y <= HEIGHT + 0.1


def test_without_points_there_is_no_chart():
    nothing = chart(
        "loss", "Loss", [Line("a", [])], x_title="", x_end=9, say_x=str, say_y=str, from_zero=False
    )
    assert nothing is None
