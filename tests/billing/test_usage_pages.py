"""Usage, budgets and prices over HTTP, and what a program is told when a budget is gone."""

import csv
import io

import pytest

from tests.billing.test_pages import HTML, House
from tests.fakes import MODEL
from tests.support.desk import sign_in, stranger
from tests.support.serving import wait_for_engine

PRICE = {"model": MODEL, "prompt_won": "1000", "cached_won": "10", "completion_won": "2000"}


@pytest.fixture
def house(client) -> House:
    """Give a served application with an organization, and a price for its model."""
    wait_for_engine(client.app)
    made = House(client)
    today = made.administrator.get("/prices.json").json()["today"]
    price = made.administrator.post("/prices", data={**PRICE, "from_day": today})
    assert price.status_code == 303
    return made


def budget(house: House, **fields: str):
    given = {"unit": "won", "amount": "500", "period": "month", "hard": "true"}
    return house.owner.post(f"{house.path}/budgets", data={**given, **fields})


def test_a_budget_is_set_used_seen_and_ended(house):
    assert budget(house, unit="tokens", amount="40").status_code == 303
    assert house.ask().status_code == 200
    refused = [house.ask() for _ in range(5)][-1]
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "insufficient_quota"
    assert refused.headers["x-should-retry"] == "false"

    see = f"{house.path}/alerts/see"
    assert see in house.owner.get(f"{house.path}/usage", headers=HTML).text
    assert house.owner.post(see).status_code == 303
    assert see not in house.owner.get(f"{house.path}/usage", headers=HTML).text
    shown = house.owner.get(f"{house.path}/usage.json").json()
    (state,) = shown["budgets"]
    assert 0 < state["spending"]["spent"] <= 40
    assert state["spending"]["reserved"] == 0
    page = house.owner.get(f"{house.path}/usage", headers=HTML).text
    assert "요약" in page
    assert "넘으면 거절" in page
    ended = f"{house.path}/budgets/{state['spending']['budget_id']}/end"
    assert house.owner.post(ended).status_code == 303
    assert house.ask().status_code == 200


def test_what_was_used_is_a_table_for_spreadsheets(house):
    house.ask()
    answer = house.owner.get(f"{house.path}/usage.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.startswith("\ufeffday,project_id,")
    (line,) = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert (line["project"], line["key_id"], line["model"]) == ("요약", house.key_id, MODEL)
    tokens = int(line["prompt_tokens"]) * 1000 + int(line["completion_tokens"]) * 2000
    assert round(float(line["won"]) * 1_000_000) == tokens

    renamed = {"name": "=SUM(A1) 1"}
    house.owner.post(f"{house.project_path}/rename", data=renamed)
    assert "'=SUM(A1) 1" in house.owner.get(f"{house.path}/usage.csv").text
    empty = house.owner.get(f"{house.path}/usage.csv?month=2025-01").text
    assert len(empty.splitlines()) == 1


def test_a_price_that_holds_is_not_changed(house):
    today = house.administrator.get("/prices.json").json()["today"]
    refused = house.administrator.post("/prices", data={**PRICE, "from_day": today})
    assert refused.json()["code"] == "price_in_force"
    assert MODEL in house.administrator.get("/prices", headers=HTML).text


def test_only_who_pays_sees_bills_and_only_administrators_set_prices(house):
    outside = sign_in(stranger(house.app), "밖")
    assert outside.get(f"{house.path}/usage.json").status_code == 404
    assert outside.get(f"{house.path}/usage.csv").status_code == 404
    assert outside.get("/prices.json").json()["code"] == "role_needed"
    assert house.owner.post("/prices", data={**PRICE, "from_day": "2030-01-01"}).status_code == 403
    assert budget(house, amount="0").status_code == 422
    assert budget(house, unit="won", amount=str(10**12)).json()["code"] == "budget_unfit"
