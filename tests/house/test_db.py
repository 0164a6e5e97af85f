"""The database: transactions on SQLite and PostgreSQL alike."""

import pytest
from sqlalchemy import func, select

from hunmin import audit
from hunmin.act import SYSTEM, open_act
from hunmin.audit.tables import EventRow
from hunmin.db import new_id


def test_ids_sort_in_the_order_they_are_made():
    ids = [new_id() for _ in range(10_000)]

    assert ids == sorted(set(ids))


def test_an_act_that_raises_leaves_nothing(database):
    def fail():
        with open_act(database, SYSTEM) as act:
            audit.record(act, "audit.seal.create", "first")
            act.session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    with database.session(read_only=True) as session:
        assert session.scalar(select(func.count(EventRow.id))) == 0
