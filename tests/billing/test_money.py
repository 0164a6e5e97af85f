"""What tokens cost, and which price and which period hold."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.billing import money
from hunmin.billing.money import Price
from hunmin.errors import BudgetUnfit, PriceInForce, PriceUnfit

DAY = date(2026, 11, 23)
won = st.integers(0, money.WON_MAX)
tokens = st.integers(0, 10**6)


@given(won, won, won, tokens, tokens, tokens, tokens)
def test_no_answer_costs_more_than_the_most_it_can(p, c, q, prompt, cached, most, completion):
    price = Price("m", "", DAY, p, c, q)
    cost = money.cost(
        price,
        prompt_tokens=prompt,
        cached_tokens=cached,
        completion_tokens=min(completion, most),
    )
    assert 0 <= cost <= money.cost_max(price, prompt_tokens=prompt, completion_tokens_max=most)


def test_a_million_tokens_cost_their_price():
    price = Price("m", "", DAY, 300, 100, 1200)
    parts = {"prompt_tokens": 10**6, "cached_tokens": 10**6 // 4, "completion_tokens": 10**6}
    assert money.cost(price, **parts) == (225 + 25 + 1200) * money.MICRO_WON


def test_the_newest_price_of_ones_own_goes_before_that_for_everybody():
    prices = [
        Price("m", "", DAY - timedelta(9), 1, 1, 1),
        Price("m", "", DAY, 2, 2, 2),
        Price("m", "", DAY + timedelta(1), 3, 3, 3),
        Price("m", "o", DAY - timedelta(5), 4, 4, 4),
        Price("other", "", DAY, 5, 5, 5),
    ]

    def found(organization_id: str, day: date) -> int:
        return money.price_of(
            prices, model="m", organization_id=organization_id, day=day
        ).prompt_won

    assert found("", DAY) == 2
    assert found("", DAY + timedelta(1)) == 3
    assert found("o", DAY + timedelta(1)) == 4
    assert found("o", DAY - timedelta(9)) == 1
    assert found("", DAY - timedelta(10)) == 0


def test_days_and_months_are_seouls():
    late = datetime(2026, 11, 30, 15, tzinfo=UTC)
    assert money.day_of(late) == date(2026, 12, 1)
    assert money.day_of(late - timedelta(seconds=1)) == date(2026, 11, 30)


@given(st.dates(date(2020, 1, 1), date(2100, 1, 1)))
def test_periods_follow_each_other_without_a_gap(day):
    for period in ("day", "month"):
        begins = money.period_on(period, starts_on=day, day=day)
        ends = money.period_end(period, begins)
        assert begins <= day < ends
        assert money.period_on(period, starts_on=day, day=ends) == ends
    assert money.period_on("total", starts_on=DAY, day=day) == DAY
    assert money.period_end("total", day) is None


@given(st.integers(1, 1000), st.lists(st.integers(0, 300), max_size=20))
def test_each_percentage_is_reached_once(amount, spends):
    reached, spent = [], 0
    for spend in spends:
        reached += money.percents_reached(amount, before=spent, after=spent + spend)
        spent += spend
    assert reached == [percent for percent in (50, 80, 100) if spent * 100 >= amount * percent]


def test_a_price_of_today_is_changed_only_where_there_is_none():
    today = Price("m", "", DAY, 1, 1, 1)
    money.check_price(today, today=DAY, in_force=False)
    with pytest.raises(PriceInForce):
        money.check_price(today, today=DAY, in_force=True)
    with pytest.raises(PriceInForce):
        money.check_price(today, today=DAY + timedelta(1), in_force=False)
    money.check_price(today, today=DAY - timedelta(1), in_force=True)
    for wrong in (-1, money.WON_MAX + 1):
        for numbers in ((wrong, 0, 0), (0, wrong, 0), (0, 0, wrong)):
            with pytest.raises(PriceUnfit):
                money.check_price(Price("m", "", DAY, *numbers), today=DAY, in_force=False)
    with pytest.raises(BudgetUnfit):
        money.check_amount("won", money.WON_MAX + 1)
