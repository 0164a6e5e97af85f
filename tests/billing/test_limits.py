"""Limits as the gateway keeps them: exact for every holder, whoever else asks."""

import contextlib
import multiprocessing
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hunmin import billing, organizations
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.billing import Limits
from hunmin.billing.tables import ReservationRow, SlotRow
from hunmin.db import new_id, open_database
from hunmin.errors import RateLimitExceeded, TokensLimitExceeded, TooManyAtOnce
from hunmin.migrations.tables import all_tables
from hunmin.worker import Worker, find_handlers
from tests.billing.asking import SECONDS_MAX, Asked, ask, end

PERSON = Actor(user_id="dana")


def limit(database, actor: Actor, limits: Limits) -> None:
    """Limit the tenant of an actor, whatever it is."""
    from hunmin.billing.actions import _set
    from hunmin.billing.rules import holders_of

    with open_act(database, SYSTEM) as act:
        _set(act, holders_of(actor)[-1], limits)


def test_each_holder_has_its_own_limit_and_the_tightest_holds(
    database, act_as, noon, team, programs
):
    with act_as(team.owner) as act:
        billing.set_key_limits(act, team.id, team.project_id, programs.one.key_id, Limits(1))
        billing.set_project_limits(act, team.id, team.project_id, Limits(2))
    with act_as() as act:
        billing.set_organization_limits(act, team.id, Limits(3))

    ask(database, programs.one, now=noon)
    with pytest.raises(RateLimitExceeded) as refusal:
        ask(database, programs.one, now=noon)
    assert refusal.value.holder == "key"
    ask(database, programs.two, now=noon)
    with pytest.raises(RateLimitExceeded) as refusal:
        ask(database, programs.two, now=noon)
    assert refusal.value.holder == "project"
    ask(database, programs.elsewhere, now=noon)
    with pytest.raises(RateLimitExceeded) as refusal:
        ask(database, programs.elsewhere, now=noon)
    assert refusal.value.holder == "organization"
    assert refusal.value.retry_after_seconds == 61

    ask(database, programs.one, now=noon + timedelta(seconds=61))


def test_tokens_are_set_aside_for_the_longest_answer_and_given_back(database, noon):
    limit(database, PERSON, Limits(tokens_per_minute_max=250))
    first = ask(database, PERSON, now=noon)
    second = ask(database, PERSON, now=noon)
    with pytest.raises(TokensLimitExceeded) as refusal:
        ask(database, PERSON, now=noon)
    assert refusal.value.retry_after_seconds == 61

    end(database, first, completion=20, now=noon + timedelta(seconds=1))
    ask(database, PERSON, now=noon + timedelta(seconds=2))
    with pytest.raises(TokensLimitExceeded):
        ask(database, PERSON, now=noon + timedelta(seconds=2))
    end(database, second, completion=0, now=noon + timedelta(seconds=90))
    with pytest.raises(TokensLimitExceeded) as refusal:
        ask(database, PERSON, most=251, now=noon + timedelta(seconds=90))
    assert refusal.value.retry_after_seconds is None


def test_answers_at_once_are_those_that_are_not_settled_and_not_lost(database, noon):
    limit(database, PERSON, Limits(concurrent_max=2))
    first = ask(database, PERSON, now=noon)
    ask(database, PERSON, now=noon)
    with pytest.raises(TooManyAtOnce) as refusal:
        ask(database, PERSON, now=noon)
    assert refusal.value.holder == "user"

    end(database, first, now=noon)
    ask(database, PERSON, now=noon)
    lost = noon + timedelta(seconds=SECONDS_MAX + 61)
    ask(database, PERSON, now=lost)


def test_a_refused_request_counts_nowhere(database, act_as, noon, team, programs):
    with act_as(team.owner) as act:
        billing.set_key_limits(
            act, team.id, team.project_id, programs.one.key_id, Limits(None, None, 1)
        )
        billing.set_project_limits(act, team.id, team.project_id, Limits(2))
    ask(database, programs.one, now=noon)
    for _ in range(5):
        with pytest.raises(TooManyAtOnce):
            ask(database, programs.one, now=noon)

    ask(database, programs.two, now=noon)


def test_who_has_no_limit_is_asked_about_once_in_five_seconds_and_writes_nothing(database, noon):
    known = billing.KnownTerms()
    ask(database, PERSON, known=known, now=noon)
    limit(database, PERSON, Limits(1))
    ask(database, PERSON, known=known, now=noon + timedelta(seconds=4))
    with database.session(read_only=True) as session:
        assert session.query(SlotRow).count() == session.query(ReservationRow).count() == 0

    ask(database, PERSON, known=known, now=noon + timedelta(seconds=5))
    with pytest.raises(RateLimitExceeded):
        ask(database, PERSON, known=known, now=noon + timedelta(seconds=5))


def test_a_transaction_that_is_done_again_counts_once(database, noon):
    limit(database, PERSON, Limits(2, 1000, 2))
    charge = billing.Charge(
        billing.KnownTerms(), model="paper", prompt_tokens=1, completion_tokens_max=9
    )

    def reserve(act, admission_id: str) -> None:
        charge.reserve(act, admission_id=admission_id, deadline_at=act.now + timedelta(hours=1))

    with open_act(database, PERSON, now=noon) as act:
        reserve(act, "a")
        act.session.rollback()
    with open_act(database, PERSON, now=noon) as act:
        reserve(act, "a")
    assert charge.headers["x-ratelimit-remaining-requests"] == "1"

    ask(database, PERSON, now=noon)
    with pytest.raises(TooManyAtOnce):
        ask(database, PERSON, now=noon)


def test_the_worker_removes_what_counts_no_more(database):
    limit(database, PERSON, Limits(5, None, 5))
    now = datetime.now(UTC)
    ask(database, PERSON, now=now - timedelta(hours=2))
    ask(database, PERSON, now=now)

    worker = Worker(database, find_handlers())
    worker.schedule()
    while worker.run_once():
        pass

    with database.session(read_only=True) as session:
        assert session.query(SlotRow).count() == session.query(ReservationRow).count() == 1


class Counter:
    """Somebody whose servers have clocks that are ahead and behind, and what was let in when.

    What is let in is of the moment its server's clock shows, or of the newest that counts already.
    """

    def __init__(self, database, *, requests: int, tokens: int) -> None:
        self.database = database
        self.actor = Actor(user_id=new_id())
        self.limits = Limits(requests, tokens)
        self.passed = 0.0
        self.let_in: list[tuple[float, int]] = []
        self.open: list[Asked] = []
        limit(database, self.actor, self.limits)

    def clock(self, ahead: float) -> datetime:
        return datetime(2026, 10, 9, 12, tzinfo=UTC) + timedelta(seconds=self.passed + ahead)

    def ask(self, *, ahead: float, most: int) -> None:
        now = self.clock(ahead)
        try:
            asked = ask(self.database, self.actor, prompt=1, most=most, now=now)
        except (RateLimitExceeded, TokensLimitExceeded):
            return
        moment = max(now.timestamp(), *(at for at, _ in self.let_in[-1:]), 0)
        self.open.append(asked)
        self.let_in.append((moment, most + 1))
        minute = [tokens for at, tokens in self.let_in if at > moment - 60]
        assert len(minute) <= self.limits.requests_per_minute_max
        assert sum(minute) <= self.limits.tokens_per_minute_max

    def end_all(self) -> None:
        """End every answer; what it did not use counts no more from when it was let in."""
        for asked in self.open:
            end(self.database, asked, prompt=1, completion=0, now=self.clock(0))
        self.let_in = [(at, 1) for at, _ in self.let_in]
        self.open.clear()


@given(
    requests=st.integers(1, 4),
    tokens=st.integers(3, 30),
    life=st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.0, 0.4, 3.0, 20.0, 59.9, 61.0]),
            st.sampled_from([0.0, 0.0, 0.7, -2.5, 30.0, -25.0]),
            st.integers(1, 12),
            st.booleans(),
        ),
        max_size=25,
    ),
)
@settings(max_examples=25, deadline=None)
def test_no_sixty_seconds_hold_more_than_the_limit_whatever_the_servers_clocks(
    requests, tokens, life
):
    """Clocks are up to half a minute off; a server that is ahead only makes others wait longer."""
    database = open_database("sqlite://")
    all_tables().create_all(database.engine)
    try:
        somebody = Counter(database, requests=requests, tokens=tokens)
        for waited, ahead, most, ends in life:
            somebody.passed += waited
            somebody.ask(ahead=ahead, most=most)
            if ends:
                somebody.end_all()
        somebody.passed += 200
        before = len(somebody.let_in)
        somebody.ask(ahead=0, most=1)
        assert len(somebody.let_in) == before + 1, "nobody waits for ever"
    finally:
        database.close()


def test_many_threads_never_pass_a_limit(database, team, programs):
    with open_act(database, SYSTEM) as act:
        billing.set_organization_limits(act, team.id, Limits(12, None, 12))
    let_in: list[str] = []

    def hammer(actor: Actor) -> None:
        for _ in range(6):
            with contextlib.suppress(RateLimitExceeded, TooManyAtOnce):
                let_in.append(ask(database, actor).admission_id)

    actors = [programs.one, programs.two, programs.elsewhere] * 2
    threads = [threading.Thread(target=hammer, args=(actor,)) for actor in actors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(let_in) == 12


def _hammer_alone(url: str, actor: Actor, ready, told) -> None:
    database, count, refused = open_database(url), 0, 0
    ready.wait(60)
    while refused < 20:
        try:
            end(database, ask(database, actor, prompt=1, most=1), prompt=1, completion=1)
            count += 1
        except RateLimitExceeded:
            refused += 1
    database.close()
    told.put(count)


@pytest.mark.postgres
def test_two_processes_never_pass_a_limit(postgresql_url):
    database = open_database(postgresql_url)
    limit(database, PERSON, Limits(60))
    database.close()  # the processes have connections of their own
    fork = multiprocessing.get_context("fork")
    ready, told = fork.Barrier(2), fork.SimpleQueue()
    both = [
        fork.Process(target=_hammer_alone, args=(postgresql_url, PERSON, ready, told))
        for _ in range(2)
    ]
    for process in both:
        process.start()
    counts = [told.get() for _ in both]
    for process in both:
        process.join(60)

    assert sum(counts) == 60
    assert min(counts) > 0


def test_organizations_do_not_share_limits(database, act_as, noon, make_team, programs, team):
    other = make_team("Jiphyeon")
    with act_as(other.owner) as act:
        _, made = organizations.create_service_account(act, other.id, other.project_id, name="x")
    theirs = Actor(
        user_id=made.key.user_id,
        kind="key",
        key_id=made.key.id,
        organization_id=other.id,
        project_id=other.project_id,
    )
    with act_as() as act:
        billing.set_organization_limits(act, team.id, Limits(1))
    ask(database, programs.one, now=noon)

    ask(database, theirs, now=noon)
    ask(database, theirs, now=noon)
