"""Limits over HTTP: the pages as browsers ask, the API for programs, the headers of answers."""

from datetime import UTC, datetime

import pytest

from hunmin import billing, organizations
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.billing import Limits
from tests.fakes import MODEL
from tests.support.desk import sign_in, stranger
from tests.support.serving import wait_for_engine

HTML = {"Accept": "text/html,*/*;q=0.8"}
EMPTY = {"requests_per_minute_max": "", "tokens_per_minute_max": "", "concurrent_max": ""}


class House:
    """A served application with an organization: browsers of people, keys of programs."""

    def __init__(self, client) -> None:
        self.app = client.app
        self.administrator = sign_in(client, "세종", "administrator")
        self.owner = sign_in(stranger(client.app), "다나")
        user_id = self.owner.get("/account.json").json()["user"]["id"]
        with open_act(self.app.state.database, SYSTEM) as act:
            made = organizations.create_organization(act, name="연구소", owner_id=user_id)
        person = frozenset({"person"})
        self.dana = Actor(user_id=user_id, roles=person, proved_at=datetime.now(UTC))
        with open_act(self.app.state.database, self.dana) as act:
            project = organizations.create_project(act, made.id, name="요약")
            self.admin_key = organizations.create_admin_key(act, made.id, name="관리").secret
            where = (made.id, project.id)
            _, key = organizations.create_service_account(act, *where, name="로봇")
        self.id, self.project_id, self.key_id = made.id, project.id, key.key.id
        self.path = f"/organizations/{made.id}"
        self.project_path = f"{self.path}/projects/{project.id}"
        self.program = stranger(client.app)
        self.program.headers["Authorization"] = f"Bearer {key.secret}"
        self.admin = stranger(client.app)
        self.admin.headers["Authorization"] = f"Bearer {self.admin_key}"

    def ask(self, **options):
        body = {"model": MODEL, "messages": [{"role": "user", "content": "안녕"}], "max_tokens": 9}
        return self.program.post("/v1/chat/completions", json={**body, **options})


@pytest.fixture
def house(client) -> House:
    wait_for_engine(client.app)
    return House(client)


def test_limits_are_set_on_pages_and_seen_by_programs(house):
    project = {**EMPTY, "requests_per_minute_max": "2", "tokens_per_minute_max": "5000"}
    assert house.owner.post(f"{house.project_path}/limits", data=project).status_code == 303
    key = {**EMPTY, "concurrent_max": "1"}
    answer = house.owner.post(f"{house.project_path}/keys/{house.key_id}/limits", data=key)
    assert answer.headers["location"] == f"{house.project_path}/limits"

    told = house.ask().headers
    assert told["x-ratelimit-limit-requests"] == "2"
    assert told["x-ratelimit-remaining-requests"] == "1"
    assert int(told["x-ratelimit-remaining-tokens"]) < 5000
    streamed = house.ask(stream=True)
    assert streamed.headers["x-ratelimit-remaining-requests"] == "0"
    refused = house.ask()
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert 1 <= int(refused.headers["retry-after"]) <= 61

    shown = house.owner.get(f"{house.path}/limits.json").json()["limits"]
    assert shown[house.project_id]["requests_per_minute_max"] == 2
    page = house.owner.get(f"{house.project_path}/limits", headers=HTML).text
    assert 'value="5000"' in page
    assert house.owner.post(f"{house.project_path}/limits", data=EMPTY).status_code == 303
    assert house.ask().status_code == 200


def test_an_organization_does_not_limit_itself(house):
    limits = {**EMPTY, "requests_per_minute_max": "1"}
    refused = house.owner.post(f"{house.path}/limits", data=limits)
    assert refused.json()["code"] == "role_needed"
    assert "관리자" in house.owner.get(f"{house.path}/limits", headers=HTML).text

    assert house.administrator.post(f"{house.path}/limits", data=limits).status_code == 303
    assert house.ask().status_code == 200
    assert house.ask().json()["error"]["code"] == "rate_limit_exceeded"


def test_only_who_manages_projects_sets_their_limits(house):
    link = house.owner.post(f"{house.path}/invitations", data={"role": "member"}, headers=HTML)
    secret = link.text.split("/invitations/")[1].split('"')[0]
    member = sign_in(stranger(house.app), "민지")
    member.post("/invitations", data={"link": secret})
    user_id = member.get("/account.json").json()["user"]["id"]
    added = {"user_id": user_id, "role": "viewer"}
    house.owner.post(f"{house.project_path}/members", data=added)

    page = member.get(f"{house.project_path}/limits", headers=HTML)
    assert page.status_code == 200
    assert '<form method="post" action="' + house.project_path not in page.text
    refused = member.post(f"{house.project_path}/limits", data=EMPTY)
    assert refused.json()["code"] == "role_needed"
    outside = sign_in(stranger(house.app), "밖")
    assert outside.get(f"{house.project_path}/limits").status_code == 404


def test_a_key_of_another_project_is_not_found(house):
    with open_act(house.app.state.database, house.dana) as act:
        other = organizations.create_project(act, house.id, name="번역").id
    path = f"{house.path}/projects/{other}/keys/{house.key_id}/limits"
    assert house.owner.post(path, data=EMPTY).json()["code"] == "key_not_found"


def test_programs_of_the_organization_set_limits_in_openais_shapes(house):
    path = f"/v1/organization/projects/{house.project_id}/rate_limits"
    assert house.admin.get(path).json()["data"] == []
    body = {"max_requests_per_1_minute": 7, "max_tokens_per_1_minute": 900}
    made = house.admin.post(f"{path}/all", json=body).json()
    assert (made["object"], made["max_requests_per_1_minute"]) == ("project.rate_limit", 7)
    kept = house.admin.post(f"{path}/all", json={"max_requests_per_1_minute": None}).json()
    assert (kept["max_requests_per_1_minute"], kept["max_tokens_per_1_minute"]) == (None, 900)
    assert house.admin.get(path).json()["data"] == [kept]
    assert house.program.get(path).json()["error"]["code"] == "scope_needed"
    wrong = house.admin.post(f"{path}/all", json={"max_requests_per_1_minute": 0})
    assert wrong.status_code == 422


def test_several_choices_are_let_in_together_or_not_at_all(house):
    with open_act(house.app.state.database, house.dana) as act:
        billing.set_project_limits(act, house.id, house.project_id, Limits(3))
    assert house.ask(n=2).headers["x-ratelimit-remaining-requests"] == "1"
    assert house.ask(n=2).status_code == 429
