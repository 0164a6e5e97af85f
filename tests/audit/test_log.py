"""The audit log: what may be written, who may read it, and that nobody changes it."""

import json
import subprocess
import sys
import time
from datetime import timedelta

import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from hunmin import audit, db
from hunmin.act import Actor, open_act
from hunmin.audit import rules
from hunmin.audit.jobs import register, seal_log
from hunmin.audit.tables import SealRow
from hunmin.db import Base, id_before, open_database
from hunmin.errors import EventHoldsContent, RoleNeeded, UnknownEventKind
from hunmin.migrations.tables import all_tables
from hunmin.worker import Handlers, Job, Worker

KIND = "accounts.user.create"

DANA = Actor(user_id="dana")
DANAS_KEY = Actor(user_id="dana", kind="key", key_id="k1")
EUNJI = Actor(user_id="eunji")
AUDITOR = Actor(user_id="auditor", roles=frozenset({"auditor"}))


def test_an_event_says_who_did_what_when_to_what(act_as, noon):
    with act_as(DANAS_KEY, request_id="r1") as act:
        audit.record(act, KIND, "user-1", count=3, guest=False, role="administrator", gone=None)

    with act_as(DANA) as act:
        (event,) = audit.list_events(act)
    assert event.at == noon
    assert (event.kind, event.subject) == (KIND, "user-1")
    assert (event.actor_id, event.actor_kind, event.key_id) == ("dana", "key", "k1")
    assert event.request_id == "r1"
    assert event.details == {"count": 3, "guest": False, "role": "administrator", "gone": None}
    assert event.sentence("ko") == audit.KINDS[KIND].ko
    assert event.sentence("en") == audit.KINDS[KIND].en


def test_a_kind_that_is_not_in_the_vocabulary_is_refused(act):
    with pytest.raises(UnknownEventKind):
        audit.record(act, "accounts.user.invent", "user-1")


@pytest.mark.parametrize(
    "value",
    ["안녕", "two words", "a\nb", "", "x" * 129, "dana@example.org", 1.5, ["a"], {"a": 1}, b"a"],
)
def test_a_value_that_could_be_somebodys_words_is_refused(act_as, value):
    with act_as() as act:
        with pytest.raises(EventHoldsContent):
            audit.record(act, KIND, "user-1", value=value)
        if not isinstance(value, (float, list, dict, bytes)):
            with pytest.raises(EventHoldsContent):
                audit.record(act, KIND, value)

    with act_as(AUDITOR) as act:
        assert audit.list_events(act) == []


@given(words=st.text())
def test_no_text_with_a_space_or_a_letter_beyond_ascii_is_ever_recorded(words):
    if words.isascii() and not any(letter.isspace() for letter in words):
        return
    with pytest.raises(EventHoldsContent):
        rules.check_details(KIND, {"words": words})


def test_every_kind_is_a_room_a_noun_and_a_verb_with_a_sentence_in_both_languages():
    for kind in audit.KINDS.values():
        assert kind.value.count(".") == 2
        assert kind.value.replace(".", "").replace("_", "").isalpha()
        assert kind.en.isascii()
        assert kind.en.endswith(".")
        assert not kind.ko.isascii()
        assert kind.ko.endswith(".")


def test_one_sees_ones_own_events_and_an_auditor_sees_all(act_as):
    for actor in (DANA, EUNJI, DANAS_KEY):
        with act_as(actor) as act:
            audit.record(act, KIND, "user-1")

    def seen_by(actor):
        with act_as(actor, read_only=True) as act:
            return [(event.actor_id, event.key_id) for event in audit.list_events(act)]

    assert seen_by(EUNJI) == [("eunji", None)]
    assert seen_by(DANA) == [("dana", "k1"), ("dana", None)]
    assert seen_by(DANAS_KEY) == [("dana", "k1")]
    assert len(seen_by(AUDITOR)) == 3
    assert seen_by(Actor(user_id="nobody")) == []


def test_events_are_found_by_kind_subject_actor_and_page(act_as):
    with act_as(DANA) as act:
        for n in range(5):
            audit.record(act, KIND, f"user-{n}")

    with act_as(AUDITOR) as act:
        newest = audit.list_events(act, limit=2)
        older = audit.list_events(act, limit=2, before_id=newest[-1].id)
        assert [event.subject for event in newest + older] == [f"user-{n}" for n in (4, 3, 2, 1)]
        assert len(audit.list_events(act, kind="accounts.")) == 5
        assert audit.list_events(act, kind="chat.") == []
        assert audit.list_events(act, kind="accounts.user") == []
        assert [e.subject for e in audit.list_events(act, subject="user-3")] == ["user-3"]
        assert len(audit.list_events(act, actor_id="dana")) == 5
        assert audit.list_events(act, actor_id="eunji") == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET subject = 'x'",
        "DELETE FROM audit_events",
        "UPDATE audit_seals SET sha256 = 'x'",
        "DELETE FROM audit_seals",
    ],
)
def test_the_database_itself_refuses_to_change_the_log(database, act_as, statement):
    with act_as() as act:
        audit.record(act, KIND, "user-1")
    with act_as() as act:
        audit.seal(act)

    with (
        pytest.raises(sqlalchemy.exc.DBAPIError, match="never changed"),
        database.session() as session,
    ):
        session.execute(text(statement))


def test_the_database_refuses_to_empty_or_replace_the_log(database, act_as):
    with act_as() as act:
        audit.record(act, KIND, "user-1")
    statement = (
        "TRUNCATE audit_events CASCADE"
        if database.dialect == "postgresql"
        else "INSERT OR REPLACE INTO audit_events SELECT * FROM audit_events"
    )

    with (
        pytest.raises(sqlalchemy.exc.DBAPIError, match="never changed"),
        database.session() as session,
    ):
        session.execute(text(statement))


def test_a_sealed_log_holds_and_says_how_much_is_sealed(act_as):
    with act_as() as act:
        for n in range(5):
            audit.record(act, KIND, f"user-{n}")
    with act_as() as act:
        head = audit.seal(act, limit=3)
    assert head.number == 3
    with act_as() as act:
        found = audit.verify(act, expected=head)
        assert (found.sealed, found.unsealed, found.breaks) == (3, 2, [])
        assert audit.seal(act).number == 5
        assert audit.seal(act).number == 5
        found = audit.verify(act, expected=head)

    assert (found.sealed, found.unsealed, found.breaks) == (5, 0, [])


def test_how_far_sealing_is_behind_is_a_count_and_a_moment(act_as, noon):
    with act_as() as act:
        assert audit.read_unsealed(act) == audit.Unsealed(events=0, oldest_at=None)
        audit.record(act, KIND, "S-1")
        audit.seal(act)
    with act_as(now=noon + timedelta(minutes=2)) as act:
        audit.record(act, KIND, "S-2")
        audit.record(act, KIND, "S-3")

    with act_as(read_only=True) as act:
        found = audit.read_unsealed(act)
    assert found == audit.Unsealed(events=2, oldest_at=noon + timedelta(minutes=2))


def test_only_an_auditor_or_administrator_verifies(act_as):
    with act_as(DANA) as act, pytest.raises(RoleNeeded):
        audit.verify(act)


@pytest.fixture
def sealed(database, act_as):
    """Give a log of six sealed events whose database lets anyone change it."""
    with act_as() as act:
        for n in range(6):
            audit.record(act, KIND, f"user-{n}")
    with act_as() as act:
        head = audit.seal(act)
    with database.session() as session:
        if database.dialect == "postgresql":
            for table in ("audit_events", "audit_seals"):
                session.execute(text(f"DROP TRIGGER {table}_no_change ON {table}"))
        else:
            for table in ("audit_events", "audit_seals"):
                for verb in ("update", "delete", "replace"):
                    session.execute(text(f"DROP TRIGGER {table}_no_{verb}"))
    return head


@pytest.mark.parametrize("column", ["subject", "actor_id", "kind", "request_id"])
@pytest.mark.usefixtures("sealed")
def test_a_changed_event_breaks_the_chain_where_it_stands(database, act_as, column):
    with database.session() as session:
        session.execute(
            text(f"UPDATE audit_events SET {column} = 'other' WHERE subject = 'user-3'")  # noqa: S608
        )

    with act_as() as act:
        found = audit.verify(act)
    assert [(b.number, b.reason) for b in found.breaks] == [(4, "changed")]


@pytest.mark.usefixtures("sealed")
def test_a_removed_event_breaks_the_chain(database, act_as):
    with database.session() as session:
        session.execute(text("DELETE FROM audit_seals WHERE number = 4"))
        session.execute(text("DELETE FROM audit_events WHERE subject = 'user-3'"))

    with act_as() as act:
        found = audit.verify(act)
    assert ("missing", 4) in {(b.reason, b.number) for b in found.breaks}


def test_a_chain_written_anew_is_caught_by_a_head_kept_elsewhere(database, act_as, sealed):
    with database.session() as session:
        session.execute(text("DELETE FROM audit_seals"))
        session.execute(text("UPDATE audit_events SET subject = 'x' WHERE subject = 'user-0'"))
    with act_as() as act:
        audit.seal(act)

    with act_as() as act:
        assert audit.verify(act).breaks == []
        assert [b.reason for b in audit.verify(act, expected=sealed).breaks] == ["head"]


def test_a_chain_cut_short_is_caught_by_a_head_kept_elsewhere(database, act_as, sealed):
    with database.session() as session:
        session.execute(text("DELETE FROM audit_seals WHERE number > 3"))

    with act_as() as act:
        assert audit.verify(act).breaks == []
        assert [b.reason for b in audit.verify(act, expected=sealed).breaks] == ["missing"]


@pytest.mark.postgres
def test_an_event_that_commits_late_is_still_sealed(postgresql_url):
    """SQLite has one writer, so nothing commits late there."""
    database = open_database(postgresql_url)
    with open_act(database, DANA) as late:
        audit.record(late, KIND, "late")
        late.session.flush()
        with open_act(database, DANA) as quick:
            audit.record(quick, KIND, "quick")
        with open_act(database, DANA) as sealing:
            assert audit.seal(sealing).number == 1
    with open_act(database, AUDITOR) as sealing:
        assert audit.seal(sealing).number == 2
        assert audit.verify(sealing).breaks == []
    database.close()


def test_the_job_seals_what_was_committed(database, act_as, noon):
    handlers = Handlers()
    register(handlers)
    hand = Worker(database, handlers, clock=lambda: noon + timedelta(days=1))
    with act_as() as act:
        for n in range(1001):
            audit.record(act, KIND, f"user-{n}")
    hand.schedule()

    assert hand.run_once()

    with act_as() as act:
        found = audit.verify(act)
    assert (found.sealed, found.unsealed, found.breaks) == (1001, 0, [])


@pytest.mark.parametrize(("minutes", "rests"), [(1, True), (9, False)])
def test_the_job_rests_between_portions_unless_it_is_far_behind(
    database, act_as, monkeypatch, minutes, rests
):
    slept = []
    monkeypatch.setattr("hunmin.audit.jobs.time.sleep", slept.append)
    then = time.time_ns() - minutes * 60 * 10**9
    with monkeypatch.context() as patch:
        patch.setattr(db.time, "time_ns", lambda: then)
        patch.setattr(db, "_last_id", 0)
        with act_as() as act:
            for n in range(250):
                audit.record(act, KIND, f"user-{n}")

    seal_log(Job("1", "audit.log.seal", {}, 1, "r", database))

    assert len(slept) == 2
    assert all(slept) == rests
    with act_as() as act:
        assert audit.verify(act).unsealed == 0


def test_an_event_that_came_hours_late_is_sealed_by_the_job_that_looks_for_it(database, act_as):
    handlers = Handlers()
    register(handlers)
    with act_as() as act:
        audit.record(act, KIND, "in-time")
        sealed = audit.seal(act)
        in_time = audit.list_events(act)[0].id
        late = {"id": id_before(in_time, 7200), "subject": "late"}
        columns = "at, kind, actor_id, actor_kind, key_id, request_id, details"
        act.session.execute(
            text(
                f"INSERT INTO audit_events (id, subject, {columns})"  # noqa: S608
                f" SELECT :id, :subject, {columns} FROM audit_events"
            ),
            late,
        )
    numbers = []
    for name in ("audit.log.seal", "audit.straggler.seal"):
        handlers.get(name).function(Job("j", name, {}, 1, "r", database))
        with act_as() as act:
            numbers.append(audit.read_head(act).number)

    assert numbers == [sealed.number, sealed.number + 1]


@pytest.fixture
def clock(monkeypatch, noon):
    """Give `clock(days)`: a process that starts when the clock is so far from noon; its acts."""

    def start(database, days: float):
        now = noon + timedelta(days=days)
        monkeypatch.setattr(db, "_last_id", 0)
        monkeypatch.setattr(db.time, "time_ns", lambda: int(now.timestamp() * 1e9))
        return lambda: open_act(database, AUDITOR, now=now)

    return start


def test_events_are_sealed_again_after_a_clock_that_was_ahead_is_put_right(database, clock):
    for days in (3, 0):
        act_then = clock(database, days)
        with act_then() as act:
            audit.record(act, KIND, f"user-{days}")
        with act_then() as act:
            audit.seal(act)

    with act_then() as act:
        found = audit.verify(act)
    assert (found.sealed, found.unsealed, found.breaks) == (2, 0, [])


def test_what_was_never_sealed_is_told_after_a_day_and_sealed_when_asked(database, clock):
    for days in (0, 5):
        act_then = clock(database, days)
        with act_then() as act:
            audit.record(act, KIND, f"user-{days}")
            if days:
                act.session.add(SealRow(number=1, event_id=id_of(act, "user-5"), sha256="0" * 64))

    with act_then() as act:
        audit.seal(act)
        assert audit.verify(act).unsealed_old == 1
    with act_then() as act:
        audit.seal(act, late_seconds=10 * 86_400)
        assert audit.verify(act).unsealed_old == 0


def id_of(act, subject: str) -> str:
    (event,) = audit.list_events(act, subject=subject)
    return event.id


def _hunmin(*words):
    return subprocess.run(
        [sys.executable, "-m", "hunmin", *map(str, words)],
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def kept(tmp_path):
    """Give a data folder with two events."""
    database = open_database(f"sqlite:///{tmp_path / 'hunmin.db'}")
    database.migrate()
    for actor in (DANA, EUNJI):
        with open_act(database, actor) as act:
            audit.record(act, KIND, "user-1", count=1)
    database.close()
    return tmp_path


def test_the_commands_list_seal_and_verify(kept):
    listed = _hunmin("audit", "list", "--data", kept, "--json")
    sealed = _hunmin("audit", "seal", "--data", kept)
    head = sealed.stdout.strip()
    verified = _hunmin("audit", "verify", "--data", kept, "--expect", head)
    wrong = _hunmin("audit", "verify", "--data", kept, "--expect", f"1:{'0' * 64}")

    assert [json.loads(line)["actor_id"] for line in listed.stdout.splitlines()] == [
        "eunji",
        "dana",
    ]
    assert sealed.returncode == verified.returncode == 0
    assert verified.stdout.splitlines() == ["The chain holds: 2 sealed, 0 not yet.", head]
    assert wrong.returncode == 1
    assert "head at 1" in wrong.stdout


def test_tables_that_hold_the_log_are_in_the_house_metadata():
    assert {"audit_events", "audit_seals"} <= set(all_tables().tables)
    assert Base.metadata is all_tables()
