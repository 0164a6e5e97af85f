"""Budgets as the gateway keeps them: never passed, and whole again with each period."""

import contextlib
import random
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from hunmin import billing
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.audit.tables import EventRow
from hunmin.billing import Price, money
from hunmin.billing.tables import ReservationRow, SpendingRow
from hunmin.db import new_id, open_database
from hunmin.errors import BudgetNotFound, InsufficientQuota, PriceInForce, RoleNeeded
from hunmin.gateway import actions
from hunmin.migrations.tables import all_tables
from tests.billing.asking import SECONDS_MAX, Asked, ask, end

PERSON = Actor(user_id="dana")
WON = money.MICRO_WON


@pytest.fixture
def priced(act_as, noon):
    """Give the model a price: 100 won for a million tokens asked, 1,000 for a million answered."""
    with act_as() as act:
        billing.set_price(act, Price("paper", "", money.day_of(noon), 100, 10, 1000))


def give(database, actor: Actor, unit: str, amount: int, *, now: datetime, hard=True) -> str:
    """Give the tenant of an actor a budget for a month, in tokens or millionths of a won."""
    from hunmin.billing.budget_actions import _set
    from hunmin.billing.rules import holders_of
    from hunmin.billing.tables import BudgetRow

    with open_act(database, SYSTEM, now=now) as act:
        holder = holders_of(actor)[-1]
        made = _set(act, holder, unit=unit, amount=1, period="month", hard=hard)
        act.session.get_one(BudgetRow, made).amount = amount
        return made


def gone(database, budget_id: str) -> tuple[int, int]:
    """Return what of a budget is spent, and what all reservations hold."""
    with database.session(read_only=True) as session:
        spent = session.scalar(
            select(func.sum(SpendingRow.spent)).where(SpendingRow.budget_id == budget_id)
        )
        held = session.scalar(select(func.sum(ReservationRow.tokens)))
        return int(spent or 0), int(held or 0)


def test_a_hard_budget_refuses_what_may_be_too_much_and_says_when_it_is_whole(database, noon):
    budget = give(database, PERSON, "tokens", 250, now=noon)
    first = ask(database, PERSON, now=noon)
    ask(database, PERSON, now=noon)
    with pytest.raises(InsufficientQuota) as refusal:
        ask(database, PERSON, now=noon)
    assert (refusal.value.holder, refusal.value.should_retry) == ("user", False)
    assert "2026-11-01" in refusal.value.en

    end(database, first, completion=0, now=noon)
    assert gone(database, budget) == (10, 100)
    ask(database, PERSON, now=noon)
    ask(database, PERSON, now=noon + timedelta(days=31))


@pytest.mark.usefixtures("priced")
def test_won_are_spent_by_the_price_of_the_day(database, act_as, noon, team, programs):
    with act_as(team.owner) as act:
        hard = {"unit": "won", "amount": 1, "period": "month", "hard": True}
        billing.set_budget(act, team.id, project_id=team.project_id, **hard)
    asked = ask(database, programs.one, prompt=1000, most=899, now=noon)
    with pytest.raises(InsufficientQuota) as refusal:
        ask(database, programs.two, prompt=10, most=1, now=noon)
    assert refusal.value.holder == "project"
    ask(database, programs.elsewhere, prompt=10, most=1, now=noon)

    end(database, asked, prompt=1000, cached=400, completion=100, now=noon)
    with act_as(team.owner) as act:
        (state,) = billing.budgets_of(act, team.id)
        lines = billing.usage_of(
            act, team.id, since=money.day_of(noon), until=money.day_of(noon) + timedelta(1)
        )
    assert state.spending.spent == 600 * 100 + 400 * 10 + 100 * 1000
    assert state.spending.reserved == 0
    assert [line.micro_won for line in lines] == [state.spending.spent]
    assert (lines[0].cached_tokens, lines[0].requests, lines[0].model) == (400, 1, "paper")


def test_what_failed_costs_nothing_and_what_was_lost_is_given_back(database, noon):
    budget = give(database, PERSON, "tokens", 150, now=noon)
    failed = ask(database, PERSON, now=noon)
    end(database, failed, outcome="failed", now=noon)
    assert gone(database, budget) == (0, 0)

    slept = ask(database, PERSON, now=noon)
    late = noon + timedelta(seconds=SECONDS_MAX + 61)
    awake = ask(database, PERSON, now=late)
    end(database, slept, now=late)
    end(database, awake, now=late)
    assert gone(database, budget) == (100, 100)  # what slept is spent by nobody, and swept later


def test_what_a_server_that_is_gone_had_set_aside_is_given_back_at_once(database, act_as, noon):
    budget = give(database, PERSON, "tokens", 150, now=noon)
    left = ask(database, PERSON, now=noon)
    with act_as() as act:
        assert actions.close_lost(act, gone_servers=["host/1/x"]) == 1
    assert gone(database, budget) == (0, 0)

    other = ask(database, PERSON, now=noon)
    end(database, left, now=noon)  # it was not gone after all: what it had may be another's now
    end(database, other, now=noon)
    assert gone(database, budget) == (100, 0)


def test_an_answer_never_costs_more_than_was_set_aside(database, noon):
    budget = give(database, PERSON, "tokens", 100, now=noon)
    end(database, ask(database, PERSON, now=noon), prompt=500, completion=500, now=noon)
    assert gone(database, budget) == (100, 0)


def test_what_a_server_that_is_gone_had_set_aside_is_free_at_once(database, noon):
    give(database, PERSON, "tokens", 100, now=noon)
    ask(database, PERSON, now=noon)
    with open_act(database, SYSTEM, now=noon) as act:
        actions.close_lost(act, gone_servers=["host/1/x"])

    ask(database, PERSON, now=noon)


def test_a_price_that_comes_meanwhile_passes_no_budget(database, act_as, noon, team, programs):
    budget = give(database, programs.one, "won", 100_000, now=noon)
    asked = ask(database, programs.one, prompt=10, most=90, now=noon)
    with act_as() as act:
        billing.set_price(act, Price("paper", team.id, money.day_of(noon), 10**6, 10**6, 10**6))

    end(database, asked, now=noon + timedelta(minutes=1))
    assert gone(database, budget)[0] <= 100_000


def test_alerts_are_raised_once_for_each_percentage_and_period(database, noon):
    give(database, PERSON, "tokens", 200, now=noon, hard=False)

    def alerts() -> list[int]:
        with database.session(read_only=True) as session:
            found = select(EventRow.details).where(EventRow.kind == "billing.alert.raise")
            return [one["percent"] for one in session.scalars(found.order_by(EventRow.id))]

    for _ in range(3):
        end(database, ask(database, PERSON, now=noon), now=noon)
    assert alerts() == [50, 80, 100]
    later = noon + timedelta(days=31)
    end(database, ask(database, PERSON, now=later), now=later)
    assert alerts() == [50, 80, 100, 50]


def test_who_pays_sets_budgets_and_ends_their_own(act_as, team, make_team, make_person):
    hard = {"unit": "tokens", "amount": 10, "period": "day", "hard": True}
    with act_as(team.billing) as act:
        mine = billing.set_budget(act, team.id, **hard)
    with act_as(make_person("boss", "administrator")) as act:
        theirs = billing.set_budget(act, team.id, **hard)
    for refused, budget_id in ((RoleNeeded, theirs), (BudgetNotFound, new_id())):
        with pytest.raises(refused), act_as(team.owner) as act:
            billing.end_budget(act, team.id, budget_id)
    for actor in (team.manager, team.member, team.developer):
        with pytest.raises(RoleNeeded), act_as(actor) as act:
            billing.set_budget(act, team.id, **hard)
    with pytest.raises(RoleNeeded), act_as(team.member) as act:
        billing.budgets_of(act, team.id)
    other = make_team("Jiphyeon")
    with pytest.raises(BudgetNotFound), act_as(other.owner) as act:
        billing.end_budget(act, other.id, mine)

    with act_as(team.owner) as act:
        billing.end_budget(act, team.id, mine)
        assert [one.spending.budget_id for one in billing.budgets_of(act, team.id)] == [theirs]


@pytest.mark.usefixtures("priced")
def test_a_price_that_holds_is_not_changed_and_later_ones_are(act_as, noon):
    today = money.day_of(noon)
    with act_as() as act:
        with pytest.raises(PriceInForce):
            billing.set_price(act, Price("paper", "", today, 1, 1, 1))
        for cost in (5, 6):
            billing.set_price(act, Price("paper", "", today + timedelta(1), cost, 0, 0))
        assert [one.prompt_won for one in billing.all_prices(act)] == [100, 6]


@given(
    amount=st.integers(1, 400),
    life=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 80), st.integers(0, 120), st.booleans()),
        max_size=20,
    ),
)
@settings(max_examples=25, deadline=None)
def test_spent_and_reserved_are_never_above_a_hard_budget(amount, life):
    now = datetime(2026, 10, 9, 12, tzinfo=UTC)
    database = open_database("sqlite://")
    all_tables().create_all(database.engine)
    try:
        budget = give(database, PERSON, "tokens", amount, now=now)
        open_ones: list[Asked] = []
        spent = 0
        for prompt, most, completion, ends in life:
            with contextlib.suppress(InsufficientQuota):
                open_ones.append(ask(database, PERSON, prompt=prompt, most=most, now=now))
            if ends and open_ones:
                before = gone(database, budget)[1]
                end(database, open_ones.pop(0), prompt=1, completion=completion, now=now)
                spent += min(1 + completion, before - gone(database, budget)[1])
            assert sum(gone(database, budget)) <= amount
        for asked in open_ones:
            end(database, asked, prompt=0, completion=0, now=now)
        assert gone(database, budget) == (spent, 0)
    finally:
        database.close()


def test_many_threads_never_pass_a_hard_budget(database, act_as, noon, team, programs):
    with act_as() as act:
        hard = {"unit": "tokens", "amount": 1000, "period": "month", "hard": True}
        budget = billing.set_budget(act, team.id, **hard)
    highest: list[int] = []

    def spend(actor: Actor, seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(6):
            with contextlib.suppress(InsufficientQuota):
                asked = ask(database, actor, prompt=10, most=190, now=noon)
                highest.append(sum(gone(database, budget)))
                end(database, asked, completion=dice.randint(0, 190), now=noon)

    actors = [programs.one, programs.two, programs.elsewhere] * 2
    threads = [
        threading.Thread(target=spend, args=(actor, seed)) for seed, actor in enumerate(actors)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    spent, reserved = gone(database, budget)
    assert max(highest) <= 1000
    assert reserved == 0
    with act_as() as act:
        today = money.day_of(noon)
        lines = billing.usage_of(act, team.id, since=today, until=today + timedelta(1))
    assert sum(one.prompt_tokens + one.completion_tokens for one in lines) == spent
