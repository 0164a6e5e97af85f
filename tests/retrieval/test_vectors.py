"""Vectors of passages: the nearest are found, and two orders become one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hunmin.retrieval import vectors


def test_the_nearest_are_found_in_however_many_parts(tmp_path, monkeypatch):
    made = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float16)
    path = tmp_path / "vectors"
    made.tofile(path)
    question = made[17].astype(np.float32)
    expected = (np.argsort(-(made.astype(np.float32) @ question))[:9] + 1).tolist()

    for rows in (1, 7, 1000):
        monkeypatch.setattr(vectors, "_ROWS_AT_ONCE", rows)
        assert vectors.nearest(path, question.tolist(), count=9) == expected


ORDERS = st.lists(st.lists(st.integers(1, 20), unique=True), max_size=3)


@given(ORDERS)
def test_orders_become_one_that_has_each_passage_once_and_keeps_what_all_agree_on(orders):
    one = vectors.fused(orders)

    assert sorted(one) == sorted({number for order in orders for number in order})
    if orders and all(order == orders[0] for order in orders):
        assert one == orders[0]


def test_what_both_find_comes_before_what_one_alone_does():
    assert vectors.fused([[1, 2, 3], [4, 2, 5]])[0] == 2
