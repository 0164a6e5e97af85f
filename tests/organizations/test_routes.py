"""The administration API, judged by OpenAI's own client."""

from datetime import UTC, datetime

import openai
import pytest

from hunmin import accounts, organizations
from hunmin.act import SYSTEM, Actor, open_act
from tests.support.desk import make_key, stranger
from tests.support.serving import serve


@pytest.fixture
def address(app):
    """Give the address of a live server."""
    with serve(app, engine_ready=False) as address:
        yield address


@pytest.fixture
def key(app, address) -> str:
    """Give a key of an organization."""
    del address  # the application is served, so that its tables are there
    with open_act(app.state.database, SYSTEM) as act:
        dana = accounts.create_user(act, name="다나")
        made = organizations.create_organization(act, name="세종 연구소", owner_id=dana.id)
    proved = Actor(user_id=dana.id, proved_at=datetime.now(UTC))
    with open_act(app.state.database, proved) as act:
        return organizations.create_admin_key(act, made.id, name="자동화").secret


@pytest.fixture
def organization(address, key):
    """Give OpenAI's client for the organization."""
    with openai.OpenAI(
        base_url=f"{address}/v1", api_key="hm-", admin_api_key=key, max_retries=0
    ) as client:
        yield client.admin.organization


def test_openais_client_makes_lists_renames_and_archives_projects(organization):
    made = [organization.projects.create(name=f"project {n}") for n in range(5)]
    listed = list(organization.projects.list(limit=2))
    assert [one.id for one in listed] == [one.id for one in made]
    assert {one.status for one in listed} == {"active"}

    assert organization.projects.update(made[0].id, name="한글").name == "한글"
    assert organization.projects.retrieve(made[0].id).name == "한글"
    assert organization.projects.archive(made[0].id).status == "archived"
    assert made[0].id not in {one.id for one in organization.projects.list()}
    assert made[0].id in {one.id for one in organization.projects.list(include_archived=True)}
    with pytest.raises(openai.ConflictError) as refusal:
        organization.projects.archive(made[0].id)
    assert refusal.value.code == "archived"


def test_openais_client_makes_a_service_account_whose_key_asks_models(app, organization):
    project = organization.projects.create(name="한글")
    made = organization.projects.service_accounts.create(project.id, name="로봇")
    by_key = {"Authorization": f"Bearer {made.api_key.value}"}
    assert stranger(app).get("/v1/models", headers=by_key).status_code == 200

    (key,) = organization.projects.api_keys.list(project.id)
    assert (key.id, key.owner.service_account.name) == (made.api_key.id, "로봇")
    assert key.redacted_value.endswith(made.api_key.value[-4:])
    assert made.api_key.value not in key.to_json()
    assert organization.projects.api_keys.delete(key.id, project_id=project.id).deleted
    assert list(organization.projects.api_keys.list(project.id)) == []
    assert stranger(app).get("/v1/models", headers=by_key).status_code == 401


def test_openais_client_lists_the_people(organization):
    (dana,) = organization.users.list()
    assert (dana.name, dana.role) == ("다나", "owner")


def test_other_keys_administer_nothing(app, address, organization):
    project = organization.projects.create(name="한글")
    service = organization.projects.service_accounts.create(project.id, name="로봇")
    for secret, code in (
        (make_key(app, "민지"), "scope_needed"),
        (service.api_key.value, "scope_needed"),
        (make_key(app, "민지", scopes=["admin"]), "organization_unclear"),
    ):
        other = openai.OpenAI(base_url=f"{address}/v1", api_key="x", admin_api_key=secret)
        with other, pytest.raises(openai.PermissionDeniedError) as refusal:
            other.admin.organization.projects.list()
        assert refusal.value.code == code


def test_what_is_wrong_is_said_in_openais_envelope(organization):
    with pytest.raises(openai.NotFoundError) as refusal:
        organization.projects.retrieve("0" * 26)
    assert refusal.value.code == "project_not_found"
    with pytest.raises(openai.UnprocessableEntityError):
        organization.projects.create(name="-")
