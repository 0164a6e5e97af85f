"""Admissions and settlements: the record of every answer, and who may read it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hunmin import gateway
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.audit.tables import EventRow
from hunmin.db import new_id, open_database
from hunmin.errors import RateLimitExceeded, TooManyAtOnce
from hunmin.gateway import actions, queries, rules
from hunmin.gateway.tables import AdmissionRow, SettlementRow
from hunmin.migrations.tables import all_tables
from hunmin.worker import Worker, find_handlers

DANA_KEY = Actor(user_id="dana", kind="key", key_id="key-1")
DANA_OTHER_KEY = Actor(user_id="dana", kind="key", key_id="key-2")
DANA = Actor(user_id="dana")
EVE = Actor(user_id="eve")
AUDITOR = Actor(user_id="ada", roles=frozenset({"auditor"}))
AUDITOR_KEY = Actor(user_id="ada", roles=frozenset({"auditor"}), kind="key", key_id="key-3")

LIMITS = rules.Limits(requests_per_minute_max=3, concurrent_max=2)
METER = actions.Meter(
    outcome="stop",
    prompt_tokens=7,
    completion_tokens=11,
    cached_tokens=2,
    first_token_ms=5,
    wall_ms=90,
)


def admit(act, **options) -> str:
    fields = {
        "endpoint": "chat",
        "model": "paper",
        "prompt_tokens": 7,
        "completion_tokens_max": 100,
        "limits": LIMITS,
        "seconds_max": 600,
        "server": "host/1/x",
    }
    return actions.admit(act, **{**fields, **options})


def settlement(act_as, admission_id) -> SettlementRow | None:
    with act_as() as act:
        row = act.session.get(SettlementRow, admission_id)
        act.session.expunge_all()
        return row


def kinds(act_as, subject) -> list[str]:
    with act_as() as act:
        found = select(EventRow.kind).where(EventRow.subject == subject).order_by(EventRow.id)
        return list(act.session.scalars(found))


def test_an_admission_and_its_settlement_each_leave_an_event(act_as, noon):
    with act_as(DANA_KEY) as act:
        admission_id = admit(act)
    with act_as(DANA_KEY, now=noon + timedelta(seconds=1)) as act:
        actions.settle(act, admission_id=admission_id, meter=METER)

    row = settlement(act_as, admission_id)
    assert (row.outcome, row.completion_tokens, row.wall_ms) == ("stop", 11, 90)
    assert kinds(act_as, admission_id) == ["gateway.request.admit", "gateway.request.settle"]


def test_a_refused_request_leaves_no_trace(act_as):
    with act_as(DANA_KEY) as act:
        admit(act)
        admit(act)
    with pytest.raises(TooManyAtOnce), act_as(DANA_KEY) as act:
        admit(act)

    with act_as() as act:
        assert act.session.query(AdmissionRow).count() == 2
        assert act.session.query(EventRow).filter_by(kind="gateway.request.admit").count() == 2


def test_the_rate_is_that_of_the_last_minute(act_as, noon):
    limits = rules.Limits(requests_per_minute_max=2, concurrent_max=100)
    for seconds in (0, 20):
        with act_as(DANA_KEY, now=noon + timedelta(seconds=seconds)) as act:
            admit(act, limits=limits)

    with (
        pytest.raises(RateLimitExceeded) as refusal,
        act_as(DANA_KEY, now=noon + timedelta(seconds=30)) as act,
    ):
        admit(act, limits=limits)
    assert refusal.value.retry_after_seconds == 30

    with act_as(DANA_KEY, now=noon + timedelta(seconds=60)) as act:
        admit(act, limits=limits)


class Asker:
    """Someone who asks by a clock that is set forward and back, and is answered at once."""

    def __init__(self, database, *, per_minute: int) -> None:
        self.database = database
        self.actor = Actor(user_id="dana", kind="key", key_id=f"key-{new_id()}")
        self.limits = rules.Limits(requests_per_minute_max=per_minute, concurrent_max=99)
        self.clock = datetime(2026, 10, 9, 12, tzinfo=UTC)
        self.lived_seconds = 0
        self.let_in_seconds: list[int] = []
        """Seconds lived at each request that was let in since the clock was last set."""

    def set_clock(self, by_seconds: int) -> None:
        self.clock += timedelta(seconds=by_seconds)
        self.let_in_seconds.clear()

    def wait(self, seconds: int) -> None:
        self.clock += timedelta(seconds=seconds)
        self.lived_seconds += seconds

    def ask(self) -> bool:
        try:
            with open_act(self.database, self.actor, now=self.clock) as act:
                actions.settle(act, admission_id=admit(act, limits=self.limits), meter=METER)
        except RateLimitExceeded:
            return False
        self.let_in_seconds.append(self.lived_seconds)
        return True


@pytest.fixture(scope="module")
def quick_database():
    """Give a database in memory: many short lives fit into it."""
    database = open_database("sqlite://")
    all_tables().create_all(database.engine)
    yield database
    database.close()


def test_requests_of_a_clock_that_was_ahead_do_not_count_when_it_is_right_again(quick_database):
    asker = Asker(quick_database, per_minute=2)
    for _ in range(20):
        assert asker.ask()
        asker.wait(30)
    asker.set_clock(-600)

    asked = []
    for _ in range(40):
        asked.append(asker.ask())
        asker.wait(15)

    assert asked == [True, True, False, False] * 10


@given(
    per_minute=st.integers(1, 3),
    life=st.lists(
        st.tuples(st.sampled_from([0, 0, 0, 30, 7200, -30, -300, -7200]), st.integers(0, 40)),
        max_size=20,
    ),
)
@settings(max_examples=20)
def test_a_clock_that_is_set_lets_nobody_wait_for_long_and_nobody_ask_more_often(
    quick_database, per_minute, life
):
    asker = Asker(quick_database, per_minute=per_minute)
    refused_since = None
    for set_by, waited in [*life, *[(0, 20)] * 8]:
        if set_by:
            asker.set_clock(set_by)
            refused_since = None
        if asker.ask():
            refused_since = None
            last_minute = [s for s in asker.let_in_seconds if s > asker.lived_seconds - 60]
            assert len(last_minute) <= per_minute
        elif refused_since is None:
            refused_since = asker.lived_seconds
        else:
            assert asker.lived_seconds - refused_since < 120
        asker.wait(waited)


def test_an_answer_past_its_deadline_holds_no_place(act_as, noon):
    for _ in range(2):
        with act_as(DANA_KEY) as act:
            admit(act, seconds_max=10)

    with act_as(DANA_KEY, now=noon + timedelta(minutes=5)) as act:
        admit(act)


def test_settling_twice_changes_nothing(act_as):
    with act_as(DANA_KEY) as act:
        admission_id = admit(act)
        actions.settle(act, admission_id=admission_id, meter=METER)
    with act_as(DANA_KEY) as act:
        again = actions.Meter("failed", 0, 0, 0, None, 0, "x")
        actions.settle(act, admission_id=admission_id, meter=again)

    assert settlement(act_as, admission_id).outcome == "stop"
    assert kinds(act_as, admission_id).count("gateway.request.settle") == 1


def test_an_admission_past_its_deadline_is_closed_as_lost_once(act_as, noon):
    with act_as(DANA_KEY) as act:
        admission_id = admit(act, seconds_max=600)
    early, late = noon + timedelta(seconds=600), noon + timedelta(seconds=661)

    with act_as(now=early) as act:
        assert actions.close_lost(act) == 0
    with act_as(now=late) as act:
        assert actions.close_lost(act) == 1
    with act_as(now=late) as act:
        assert actions.close_lost(act) == 0

    row = settlement(act_as, admission_id)
    assert (row.outcome, row.prompt_tokens, row.wall_ms) == ("lost", 7, 661_000)
    assert kinds(act_as, admission_id) == ["gateway.request.admit", "gateway.request.lose"]


def test_what_was_lost_is_settled_after_all_when_its_server_wakes(act_as, noon):
    with act_as(DANA_KEY) as act:
        admission_id = admit(act)
    with act_as(now=noon + timedelta(hours=8)) as act:
        actions.close_lost(act)
    with act_as(DANA_KEY, now=noon + timedelta(hours=8, seconds=1)) as act:
        actions.settle(act, admission_id=admission_id, meter=METER)

    assert settlement(act_as, admission_id).outcome == "stop"


def test_what_a_server_that_is_gone_left_open_is_lost_at_once(act_as):
    with act_as(DANA_KEY) as act:
        gone, alive = admit(act, server="host/1/gone"), admit(act, server="host/2/alive")
    with act_as() as act:
        assert sorted(queries.open_servers(act)) == ["host/1/gone", "host/2/alive"]
        assert actions.close_lost(act, gone_servers=["host/1/gone"]) == 1

    assert settlement(act_as, gone).outcome == "lost"
    assert settlement(act_as, alive) is None


def test_the_worker_closes_what_was_lost(database):
    with open_act(database, DANA_KEY) as act:
        old = act.now - timedelta(hours=1)
    with open_act(database, DANA_KEY, now=old) as act:
        admission_id = admit(act, seconds_max=60)

    worker = Worker(database, find_handlers())
    worker.schedule()
    while worker.run_once():
        pass

    with open_act(database, SYSTEM) as act:
        assert act.session.get(SettlementRow, admission_id).outcome == "lost"


@pytest.fixture
def used(act_as, noon) -> None:
    """Dana with two keys, Eve, the house itself; one answer of yesterday, one failed, one open."""
    failed = actions.Meter("failed", 7, 3, 0, None, 10, "engine_crashed")
    for actor, days_ago, meter in (
        (DANA_KEY, 0, METER),
        (DANA_KEY, 0, failed),
        (DANA_KEY, 0, None),
        (DANA_KEY, 1, METER),
        (DANA_OTHER_KEY, 0, METER),
        (EVE, 0, METER),
        (SYSTEM, 0, METER),
    ):
        with act_as(actor, now=noon - timedelta(days=days_ago)) as act:
            admission_id = admit(
                act, limits=rules.Limits(requests_per_minute_max=99, concurrent_max=99)
            )
            if meter is not None:
                actions.settle(act, admission_id=admission_id, meter=meter)


@pytest.mark.usefixtures("used")
def test_usage_is_summed_by_day_key_and_model(act_as, noon):
    with act_as(DANA_KEY) as act:
        today, yesterday = gateway.usage(act, since=noon.date() - timedelta(days=1))

    assert today.day == noon.date()
    assert (today.requests, today.failed_requests) == (3, 1)
    assert (today.prompt_tokens, today.completion_tokens, today.cached_tokens) == (14, 14, 2)
    assert (yesterday.requests, yesterday.completion_tokens) == (1, 11)


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize(
    ("actor", "seen"),
    [
        (DANA_KEY, {("dana", "key-1")}),
        (DANA, {("dana", "key-1"), ("dana", "key-2")}),
        (EVE, {("eve", None)}),
        (Actor(user_id="mallory"), set()),
        (Actor(user_id=None, kind="guest"), set()),
        (AUDITOR, {("dana", "key-1"), ("dana", "key-2"), ("eve", None), (None, None)}),
        (AUDITOR_KEY, set()),
        (SYSTEM, {("dana", "key-1"), ("dana", "key-2"), ("eve", None), (None, None)}),
    ],
)
def test_each_sees_only_the_usage_they_may(act_as, noon, actor, seen):
    with act_as(actor) as act:
        found = gateway.usage(act, since=noon.date() - timedelta(days=1))

    assert {(line.user_id, line.key_id) for line in found} == seen
