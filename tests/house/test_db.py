"""The database: transactions on SQLite and PostgreSQL alike, and clear words when it is away."""

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, inspect, select, text

from hunmin import audit
from hunmin.accounts.tables import KeyRow, SessionRow, UserRow
from hunmin.act import SYSTEM, open_act
from hunmin.audit.tables import EventRow
from hunmin.db import id_before, new_id, open_database
from hunmin.errors import (
    DatabaseBroken,
    DatabaseBusy,
    DatabaseFull,
    DatabaseNotWritable,
    DatabaseTooNew,
    DatabaseUnreachable,
    DatabaseUrlWrong,
)
from hunmin.migrations.run import chain_config
from hunmin.migrations.tables import all_tables

KIND = "accounts.user.create"
NOW = {"now": "2026-10-09 12:00:00"}


def _count(database):
    with database.session(read_only=True) as session:
        return session.scalar(select(func.count(EventRow.id)))


def test_ids_sort_in_the_order_they_are_made():
    ids = [new_id() for _ in range(10_000)]

    assert ids == sorted(set(ids))
    assert {len(made) for made in ids} == {26}


@given(seconds=st.integers(0, 10**9))
def test_an_id_of_some_time_ago_sorts_before_this_one(seconds):
    made = new_id()

    assert id_before(made, seconds) <= made
    assert id_before(made, seconds + 1) <= id_before(made, seconds)


def test_an_act_that_raises_leaves_nothing(database):
    def fail():
        with open_act(database, SYSTEM) as act:
            audit.record(act, KIND, "first")
            act.session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert _count(database) == 0


def test_an_act_that_ends_is_kept(database):
    with open_act(database, SYSTEM) as act:
        audit.record(act, KIND, "first")

    assert _count(database) == 1


def test_a_moment_keeps_its_place_in_time(database):
    seoul = timezone(timedelta(hours=9))
    moment = datetime(2026, 10, 9, 9, 30, 15, 123456, tzinfo=seoul)
    with open_act(database, SYSTEM, now=moment) as act:
        audit.record(act, KIND, "first")

    with database.session(read_only=True) as session:
        (read,) = session.scalars(select(EventRow.at))
    assert read == moment
    assert read.tzinfo == UTC


def test_a_moment_without_a_time_zone_is_a_fault_of_ours(database):
    with (
        pytest.raises(Exception, match="time zone"),
        open_act(database, SYSTEM, now=datetime(2026, 10, 9)) as act,  # noqa: DTZ001 (the fault)
    ):
        audit.record(act, KIND, "first")


def test_an_act_that_only_asks_cannot_write(database):
    with (
        pytest.raises(Exception, match=r"(?i)read.?only"),
        open_act(database, SYSTEM, read_only=True) as act,
    ):
        audit.record(act, KIND, "first")

    with open_act(database, SYSTEM) as act:
        audit.record(act, KIND, "second")
    assert _count(database) == 1


def test_what_did_not_wait_for_the_disk_is_brought_there(sqlite_url, tmp_path):
    database = open_database(sqlite_url)

    def count_in_the_file_itself() -> int:
        """Count without the log beside the file, as if that had never reached the disk."""
        copied = tmp_path / "copy.db"
        shutil.copyfile(database.url.database, copied)
        copy = open_database(f"sqlite:///{copied}")
        found = _count(copy)
        copy.close()
        copied.unlink()
        return found

    with open_act(database, SYSTEM, synced=False) as act:
        audit.record(act, KIND, "first")
    assert (_count(database), count_in_the_file_itself()) == (1, 0)
    database.to_disk()
    assert (_count(database), count_in_the_file_itself()) == (1, 1)
    database.close()


def test_only_who_says_so_does_not_wait_for_the_disk(sqlite_url):
    database = open_database(sqlite_url)
    waits = []
    for synced in (True, False, True):
        with database.session(synced=synced) as session:
            waits.append(session.scalar(text("PRAGMA synchronous")))
    database.close()

    normal, full = 1, 2
    assert waits == [full, normal, full]


def test_foreign_keys_are_held(database):
    insert = text("INSERT INTO audit_seals (number, event_id, sha256) VALUES (1, 'none', 'x')")

    with pytest.raises(Exception, match=r"(?i)foreign key"), database.session() as session:
        session.execute(insert)


def test_one_who_asks_never_waits_for_one_who_writes(database):
    with open_act(database, SYSTEM) as writing:
        audit.record(writing, KIND, "first")
        writing.session.flush()
        assert _count(database) == 0
    assert _count(database) == 1


def test_many_threads_write_what_they_have_read_and_none_is_lost(database):
    """A transaction that reads and then writes never fails with "database is locked"."""
    failures = []

    def work():
        try:
            for _ in range(5):
                with open_act(database, SYSTEM) as act:
                    act.session.scalar(select(func.count(EventRow.id)))
                    audit.record(act, KIND, "written")
        except Exception as error:  # noqa: BLE001 (shown below)
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert _count(database) == 40


def test_a_database_in_memory_is_one_database_for_every_thread():
    database = open_database("sqlite://")
    all_tables().create_all(database.engine)

    def work():
        with open_act(database, SYSTEM) as act:
            audit.record(act, KIND, "written")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert _count(database) == 4
    database.close()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://host/name", "sqlite:/x", "://"])
def test_an_address_of_no_database_we_know_is_refused(url):
    with pytest.raises(DatabaseUrlWrong):
        open_database(url)


def _ask(url):
    database = open_database(url)
    try:
        with database.session() as session:
            session.execute(text("CREATE TABLE IF NOT EXISTS things (id TEXT)"))
    finally:
        database.close()


def test_a_file_that_is_no_database_is_said(tmp_path):
    (tmp_path / "x.db").write_bytes(b"this is not a database" * 100)

    with pytest.raises(DatabaseBroken):
        _ask(f"sqlite:///{tmp_path / 'x.db'}")


def test_a_folder_that_cannot_be_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(DatabaseNotWritable):
        _ask(f"sqlite:///{tmp_path / 'file' / 'x.db'}")
    with pytest.raises(DatabaseNotWritable):
        _ask(f"sqlite:///{tmp_path}")


def test_a_file_that_may_only_be_read_is_said(sqlite_url):
    path = sqlite_url.removeprefix("sqlite:///")
    database = open_database(f"sqlite:///file:{path}?mode=ro&uri=true")

    with pytest.raises(DatabaseNotWritable), open_act(database, SYSTEM) as act:
        audit.record(act, KIND, "first")
    database.close()


def test_a_full_disk_is_said_and_changes_nothing(sqlite_url):
    database = open_database(sqlite_url)

    def fill():
        with open_act(database, SYSTEM) as act:
            act.session.execute(text("PRAGMA max_page_count = 1"))
            for _ in range(200):
                audit.record(act, KIND, "x" * 128)

    with pytest.raises(DatabaseFull):
        fill()

    assert _count(database) == 0
    database.close()


def test_a_database_kept_busy_is_said(sqlite_url, monkeypatch):
    monkeypatch.setattr("hunmin.db.BUSY_MS_MAX", 50)
    database = open_database(sqlite_url)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseBusy), open_act(database, SYSTEM) as act:
        audit.record(act, KIND, "first")

    other.execute("ROLLBACK")
    other.close()
    database.close()


def test_a_server_that_does_not_answer_is_said_without_its_password():
    with pytest.raises(DatabaseUnreachable) as refusal:
        _ask("postgresql://hunmin:secret@127.0.0.1:1/hunmin")

    assert "127.0.0.1" in refusal.value.en
    assert "secret" not in refusal.value.en + refusal.value.ko


@pytest.mark.postgres
def test_a_server_without_that_database_or_user_is_said(postgres_server):
    with pytest.raises(DatabaseUnreachable):
        _ask(postgres_server.url("no_such_database"))
    with pytest.raises(DatabaseUnreachable):
        _ask(postgres_server.url("postgres").replace("hunmin@", "nobody@"))


@pytest.mark.postgres
def test_a_connection_the_server_closed_is_replaced(postgres_server, postgresql_url):
    database = open_database(postgresql_url)
    assert _count(database) == 0
    postgres_server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'hunmin' AND pid <> pg_backend_pid()"
    )

    assert _count(database) == 0
    database.close()


def _schema(database):
    """Return everything a database says of its tables, triggers included."""
    inspector = inspect(database.engine)
    tables = {
        name: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(name)],
            inspector.get_pk_constraint(name),
            _plain(inspector.get_foreign_keys(name)),
            _plain(inspector.get_indexes(name)),
            _plain(inspector.get_unique_constraints(name)),
            _plain(inspector.get_check_constraints(name)),
        )
        for name in inspector.get_table_names()
        if name != "alembic_version"
    }
    triggers = text(
        "SELECT sql FROM sqlite_master WHERE type = 'trigger'"
        if database.dialect == "sqlite"
        else "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
    )
    with database.engine.connect() as connection:
        return tables, sorted(connection.scalars(triggers))


def _plain(found):
    return sorted(json.dumps(one, default=str, sort_keys=True) for one in found)


def test_the_chain_of_migrations_reaches_the_very_tables_of_the_rooms(empty_database_url):
    database = open_database(empty_database_url)
    all_tables().create_all(database.engine)
    wanted = _schema(database)
    all_tables().drop_all(database.engine)
    assert _schema(database) == ({}, [])

    database.migrate()
    database.migrate()

    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), all_tables()) == []
    assert _schema(database) == wanted
    database.close()


def test_keys_made_before_scopes_may_do_what_programs_do(empty_database_url):
    database = open_database(empty_database_url)
    config = chain_config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text("INSERT INTO accounts_users VALUES ('u', '다나', '다나', :now)"), NOW
        )
        connection.execute(text("INSERT INTO accounts_user_roles VALUES ('u', 'person')"))
        connection.execute(
            text(
                "INSERT INTO accounts_keys"
                " (id, user_id, name, secret_sha256, last_four, created_at)"
                " VALUES ('k', 'u', '보고서', 'x', 'abcd', :now)"
            ),
            NOW,
        )

    database.migrate()

    with database.session(read_only=True) as session:
        key = session.execute(select(KeyRow.scopes, KeyRow.models, KeyRow.user_id)).one()
        assert key == (["inference", "files", "usage"], None, "u")
        assert session.scalar(text("SELECT role FROM accounts_user_roles")) == "person"
    with database.session() as session:
        session.execute(text("INSERT INTO accounts_user_roles VALUES ('u', 'service')"))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    assert _count(database) == 0
    database.close()


def test_sessions_made_before_methods_count_as_one_factor_shown_when_they_began(
    empty_database_url,
):
    database = open_database(empty_database_url)
    config = chain_config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        for name, role in (("dana", "person"), ("guest-1", "guest")):
            for rows in (
                (
                    f"accounts_users (id, name, name_key, created_at)"
                    f" VALUES ('{name}', '{name}', '{name}', :now)"
                ),
                f"accounts_user_roles VALUES ('{name}', '{role}')",
                (
                    f"accounts_sessions (id, user_id, secret_sha256, device, created_at, used_on,"
                    f" expires_at)"
                    f" VALUES ('{name}', '{name}', '{name}', '', :now, '2026-10-09', :now)"
                ),
            ):
                connection.execute(text(f"INSERT INTO {rows}"), NOW if ":now" in rows else {})

    database.migrate()

    with database.session(read_only=True) as session:
        rows = {row.user_id: row for row in session.scalars(select(SessionRow))}
        assert {name: row.method for name, row in rows.items()} == {
            "dana": "link",
            "guest-1": "guest",
        }
        for row in rows.values():
            assert (row.strength, row.proved_at, row.for_other) == (1, row.created_at, False)
        assert None not in session.scalars(select(UserRow.opened_at)).all()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
        assert connection.scalar(text("SELECT count(*) FROM accounts_sessions")) == 2
    database.close()


def test_a_schema_newer_than_the_program_is_refused(empty_database_url):
    database = open_database(empty_database_url)
    database.migrate()
    with database.session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(DatabaseTooNew) as refusal:
        database.migrate()

    assert refusal.value.revision == "9999"
    database.close()


def test_processes_that_start_at_once_migrate_once(empty_database_url):
    program = (
        "import sys; from hunmin.db import open_database; open_database(sys.argv[1]).migrate()"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, empty_database_url], stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    said = [process.communicate()[1] for process in started]

    assert [process.returncode for process in started] == [0, 0, 0], said
    database = open_database(empty_database_url)
    assert _count(database) == 0
    database.close()


def test_a_migration_that_fails_leaves_the_schema_as_it_was(empty_database_url, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    database = open_database(empty_database_url)
    monkeypatch.setattr("alembic.operations.Operations.execute", fail)
    with pytest.raises(ZeroDivisionError):
        database.migrate()

    assert inspect(database.engine).get_table_names() == []
    monkeypatch.undo()
    database.migrate()
    assert _count(database) == 0
    database.close()


def test_a_connection_at_work_is_closed_when_it_comes_back_to_a_closed_database(database):
    with database.session() as session:
        raw = session.connection().connection.driver_connection
        database.close()
        assert session.scalar(text("SELECT 1")) == 1

    if database.dialect == "sqlite":
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            raw.execute("SELECT 1")
    else:
        assert raw.closed
