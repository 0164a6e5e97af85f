"""Usage and costs by day, judged by OpenAI's own client."""

from datetime import UTC, date, datetime, timedelta

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin import accounts, billing, organizations
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.billing import money, usage
from hunmin.billing.usage import FIELDS, UsageLine
from hunmin.billing.usage_wire import Days
from tests.billing.asking import ask, end
from tests.support.serving import serve

FIRST = datetime(2026, 5, 9, 16, tzinfo=UTC)
"""One in the morning of May 10 in Seoul."""
MIDNIGHT = int(datetime(2026, 5, 9, 15, tzinfo=UTC).timestamp())
DAY = 86_400


@pytest.fixture
def address(app):
    """Give the address of a live server."""
    with serve(app, engine_ready=False) as address:
        yield address


@pytest.fixture
def keys(app, address) -> dict[str, str]:
    """Give the id of a project and its key, after answers on two days with a day between."""
    del address  # the application is served, so that its tables are there
    database = app.state.database
    with open_act(database, SYSTEM, now=FIRST) as act:
        dana = accounts.create_user(act, name="다나")
        made = organizations.create_organization(act, name="세종 연구소", owner_id=dana.id)
        billing.set_price(act, billing.Price("paper", "", money.day_of(FIRST), 100, 10, 1000))
    proved = Actor(user_id=dana.id, proved_at=datetime.now(UTC))
    with open_act(database, proved) as act:
        project = organizations.create_project(act, made.id, name="한글")
        _, key = organizations.create_service_account(act, made.id, project.id, name="로봇")
        admin = organizations.create_admin_key(act, made.id, name="자동화")
    with open_act(database, SYSTEM) as act:
        program = accounts.find_actor_by_key(act, key.secret)
        assert program is not None
    for now in (FIRST, FIRST + timedelta(seconds=1), FIRST + timedelta(days=2)):
        asked = ask(database, program, now=now)
        end(database, asked, prompt=10, cached=4, completion=20, now=now)
    return {"admin": admin.secret, "project": project.id, "key": key.key.id}


@pytest.fixture
def read(address, keys):
    """Give the usage of OpenAI's client for the organization."""
    with openai.OpenAI(
        base_url=f"{address}/v1", api_key="hm-", admin_api_key=keys["admin"], max_retries=0
    ) as client:
        yield client.admin.organization.usage


def test_openais_client_reads_usage_day_by_day(read, keys):
    page = read.completions(start_time=MIDNIGHT + 99, end_time=MIDNIGHT + 3 * DAY)
    assert (page.object, page.has_more, page.next_page) == ("page", False, None)
    assert [(one.start_time - MIDNIGHT) // DAY for one in page.data] == [0, 1, 2]
    assert [len(one.results) for one in page.data] == [1, 0, 1]
    used = page.data[0].results[0]
    assert used.object == "organization.usage.completions.result"
    assert (used.input_tokens, used.input_cached_tokens, used.output_tokens) == (20, 8, 40)
    assert (used.num_model_requests, used.model, used.project_id) == (2, None, None)

    by: list = ["model", "project_id", "api_key_id"]
    told = read.completions(start_time=MIDNIGHT, end_time=MIDNIGHT + DAY, group_by=by)
    used = told.data[0].results[0]
    assert (used.model, used.project_id, used.api_key_id) == (
        "paper",
        keys["project"],
        keys["key"],
    )
    other = read.completions(start_time=MIDNIGHT, end_time=MIDNIGHT + DAY, models=["other"])
    assert other.data[0].results == []
    mine = read.completions(
        start_time=MIDNIGHT, end_time=MIDNIGHT + DAY, project_ids=[keys["project"]]
    )
    assert mine.data[0].results[0].num_model_requests == 2


def test_openais_client_reads_costs_page_by_page(read):
    first = read.costs(
        start_time=MIDNIGHT, end_time=MIDNIGHT + 3 * DAY, limit=2, group_by=["line_item"]
    )
    assert (len(first.data), first.has_more) == (2, True)
    cost = first.data[0].results[0]
    assert (cost.object, cost.line_item) == ("organization.costs.result", "paper")
    assert cost.amount is not None
    assert cost.amount.currency == "krw"
    micro_won = 2 * (6 * 100 + 4 * 10 + 20 * 1000)
    assert cost.amount.value == pytest.approx(micro_won / 1_000_000)
    second = read.costs(
        start_time=MIDNIGHT, end_time=MIDNIGHT + 3 * DAY, limit=2, page=first.next_page
    )
    assert (len(second.data), second.has_more, second.next_page) == (1, False, None)
    assert read.costs(start_time=MIDNIGHT + 9 * DAY, end_time=MIDNIGHT).data == []


def test_what_cannot_be_told_is_refused(read, address):
    for wrong in ({"bucket_width": "1h"}, {"group_by": ["user_id"]}, {"batch": True}):
        with pytest.raises(openai.UnprocessableEntityError):
            read.completions(start_time=MIDNIGHT, **wrong)
    stranger = openai.OpenAI(base_url=f"{address}/v1", api_key="hm-", admin_api_key="hm-x")
    with stranger, pytest.raises(openai.AuthenticationError):
        stranger.admin.organization.usage.costs(start_time=MIDNIGHT)


days = st.dates(date(2026, 1, 1), date(2026, 3, 1))


@given(days, days, st.integers(1, 31))
def test_pages_tell_each_day_once(since, until, limit):
    told: list[date] = []
    page = None
    while True:
        part = Days.of(since=since, until=until, limit=limit, page=page)
        told += [day for day, _, _ in part.each()]
        if part.next_page is None:
            break
        page = date.fromisoformat(part.next_page)
    assert told == [since + timedelta(days=n) for n in range(max(0, (until - since).days))]


counts = st.integers(0, 9)
lines = st.lists(
    st.builds(
        UsageLine,
        day=st.sampled_from([date(2026, 1, 1), date(2026, 1, 2)]),
        project_id=st.sampled_from("pq"),
        key_id=st.sampled_from("kl"),
        model=st.sampled_from("mn"),
        requests=counts,
        failed=counts,
        prompt_tokens=counts,
        cached_tokens=counts,
        completion_tokens=counts,
        micro_won=counts,
    )
)


@given(lines, st.sets(st.sampled_from(FIELDS)))
def test_however_usage_is_told_apart_it_is_all_there(lines, by):
    merged = usage.merged(lines, by)
    assert sum(one.micro_won for one in merged) == sum(one.micro_won for one in lines)
    assert sum(one.tokens for one in merged) == sum(one.tokens for one in lines)
    asked = [tuple(getattr(one, name) for name in FIELDS if name in by) for one in merged]
    assert asked == sorted(set(asked))
