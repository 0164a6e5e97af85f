"""Failed tries of several who come at one moment."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from hunmin.act import SYSTEM, open_act
from hunmin.db import Database, open_database
from hunmin.signin import attempts
from hunmin.signin.tables import AttemptRow

NETWORK, ACCOUNT = "a network", "an account"
FREE = {NETWORK: 50, ACCOUNT: 5}


def let_wait(database: Database, count: int) -> None:
    """Return when so many transactions wait for another."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with database.session(read_only=True) as session:
            if session.scalar(text(waiting)) == count:
                return
        time.sleep(0.01)
    raise AssertionError(f"there are never {count} that wait")


@pytest.mark.postgres
def test_who_succeeds_and_who_tries_beside_them_do_not_wait_for_each_other(postgresql_url):
    database = open_database(postgresql_url)

    def begin() -> None:
        with open_act(database, SYSTEM) as act:
            attempts.begin(act, FREE)

    def forgive() -> None:
        with open_act(database, SYSTEM) as act:
            attempts.forgive(act, whole=ACCOUNT, one=NETWORK)

    begin()
    with ThreadPoolExecutor(2) as pool:
        with open_act(database, SYSTEM) as act:
            held = select(AttemptRow).where(AttemptRow.holder == ACCOUNT)
            act.session.scalar(held.with_for_update())
            succeeding = pool.submit(forgive)
            let_wait(database, 1)
            trying = pool.submit(begin)
            let_wait(database, 2)
        succeeding.result()
        trying.result()

    with open_act(database, SYSTEM) as act:
        rows = act.session.scalars(select(AttemptRow))
        assert {row.holder: row.failures for row in rows} == {NETWORK: 1, ACCOUNT: 1}
    database.close()
