"""Prepared statements: what they write and find is what SQLAlchemy would, on both databases."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, insert, select, update

from hunmin.audit.tables import EventRow
from hunmin.db import new_id, open_database
from hunmin.errors import DatabaseFull
from hunmin.gateway.tables import AdmissionRow
from hunmin.prepared import Prepared

COLUMNS = list(EventRow.__table__.columns)
NAMES = [column.key for column in COLUMNS]

words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
moments = st.datetimes(
    min_value=datetime(1971, 1, 1),  # noqa: DTZ001 (Hypothesis adds the time zone)
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
events = st.fixed_dictionaries(
    {
        "at": moments,
        "kind": words,
        "actor_id": words,
        "actor_kind": words,
        "key_id": st.none() | words,
        "subject": words,
        "request_id": words,
        "details": st.dictionaries(words, st.none() | st.booleans() | st.integers(-9, 9) | words),
    }
)

WRITE = Prepared(insert(EventRow))
FIND = Prepared(select(*COLUMNS).where(EventRow.id == bindparam("id")).limit(1))
SETTLE = Prepared(
    update(AdmissionRow)
    .where(AdmissionRow.id == bindparam("which"), ~AdmissionRow.settled)
    .values(settled=True)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(event=events)
def test_it_writes_and_finds_what_the_usual_way_would(database, event):
    with database.session() as session:
        plain, prepared = ({"id": new_id(), **event} for _ in range(2))
        session.execute(insert(EventRow), plain)
        assert WRITE.run(session, prepared) == 1

        found = FIND.first(session, {"id": plain["id"]})
        assert dict(zip(NAMES, found, strict=True)) == plain
        usual = session.execute(select(*COLUMNS).where(EventRow.id == prepared["id"])).one()
        assert usual._asdict() == prepared


def test_it_says_how_many_rows_it_wrote(database):
    admission = {
        "id": new_id(), "request_id": "r", "holder": "h", "user_id": None, "key_id": None,
        "endpoint": "chat", "model": "m", "server": "s", "prompt_tokens": 1,
        "completion_tokens_max": 1, "admitted_at": datetime.now(UTC),
        "day": datetime.now(UTC).date(), "deadline_at": datetime.now(UTC), "settled": False,
    }  # fmt: skip
    with database.session() as session:
        Prepared(insert(AdmissionRow)).run(session, admission)

        assert SETTLE.run(session, {"which": admission["id"]}) == 1
        assert SETTLE.run(session, {"which": admission["id"]}) == 0
        assert session.scalar(select(AdmissionRow.settled)) is True


def test_nothing_found_is_none(database):
    with database.session(read_only=True) as session:
        assert FIND.first(session, {"id": "nothing"}) is None


def test_a_value_that_is_missing_is_a_fault(database):
    with database.session() as session, pytest.raises(KeyError):
        FIND.first(session, {"other": 1})


def test_on_a_full_disk_it_is_said_and_nothing_is_kept(sqlite_url):
    database = open_database(sqlite_url)
    event = {
        "at": datetime.now(UTC), "kind": "k", "actor_id": "a", "actor_kind": "a", "key_id": None,
        "subject": "s", "request_id": "r", "details": {"long": "x" * 100_000},
    }  # fmt: skip
    first = new_id()

    def fill():
        with database.session() as session:
            WRITE.run(session, {"id": first, **event, "details": {}})
            session.connection().exec_driver_sql("PRAGMA max_page_count = 1")
            WRITE.run(session, {"id": new_id(), **event})

    with pytest.raises(DatabaseFull):
        fill()
    with database.session(read_only=True) as session:
        assert FIND.first(session, {"id": first}) is None
    database.close()
