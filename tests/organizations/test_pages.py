"""The pages of organizations and people, over HTTP as browsers ask, without any script."""

import re

import pytest

from hunmin import accounts, organizations
from hunmin.act import SYSTEM, open_act
from hunmin.settings import Settings
from tests.support.desk import make_key, sign_in, stranger

HTML = {"Accept": "text/html,*/*;q=0.8"}


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Give settings in which people may make organizations."""
    return Settings.load(
        config=None, data=tmp_path / "var", web__port=0, organizations__people_may_create=True
    )


@pytest.fixture
def owner(client):
    """Give a browser signed in as the owner of an organization with a project."""
    sign_in(client, "다나")
    client.post("/organizations", data={"name": "세종 연구소"})
    client.post(f"{organization(client)}/projects", data={"name": "한글"})
    return client


def organization(client) -> str:
    """Return the path of the only organization one belongs to."""
    (found,) = client.get("/organizations.json").json()["organizations"]
    return f"/organizations/{found['id']}"


def project(client) -> str:
    path = organization(client)
    (found,) = client.get(f"{path}.json").json()["projects"]
    return f"{path}/projects/{found['id']}"


def join(owner, name: str, role: str = "member"):
    """Return a further browser whose person was invited and joined."""
    page = owner.post(f"{organization(owner)}/invitations", data={"role": role}, headers=HTML)
    assert page.headers["cache-control"] == "no-store"
    link = re.search(r'value="(http[^"]+/invitations/[\w-]+)"', page.text).group(1)
    browser = sign_in(stranger(owner.app), name)
    path = link[link.index("/invitations") :]
    assert "세종 연구소" in browser.get(path, headers=HTML).text
    answer = browser.post("/invitations", data={"link": link})
    assert answer.headers["location"] == organization(owner)
    return browser


def secret_on(page) -> str:
    return re.search(r'value="(hm-[\w-]{43})"', page.text).group(1)


def person_of(browser) -> str:
    return browser.get("/account.json").json()["user"]["id"]


def test_an_organization_is_made_filled_and_looked_at(owner):
    minji = join(owner, "민지")
    added = {"user_id": person_of(minji), "role": "developer"}
    assert owner.post(f"{project(owner)}/members", data=added).status_code == 303

    page = owner.get(organization(owner), headers=HTML).text
    assert "세종 연구소" in page
    assert "민지" in page
    seen = minji.get(f"{project(owner)}.json").json()
    assert seen["project"]["may"] == ["see", "make_own_key"]
    assert seen["candidates"] == []
    assert minji.get(organization(owner), headers=HTML).text.count("/archive") == 0


def test_a_projects_keys_are_made_replaced_and_revoked(owner, app):
    minji = join(owner, "민지")
    owner.post(f"{project(owner)}/members", data={"user_id": person_of(minji), "role": "developer"})
    path = f"{project(owner)}/keys"
    made = minji.post(path, data={"name": "실험", "days": "30", "scopes": ["inference"]})
    service = owner.post(
        f"{project(owner)}/service-accounts", data={"name": "로봇", "days": "never"}
    )
    assert made.headers["cache-control"] == "no-store"
    by_key = {"Authorization": f"Bearer {secret_on(service)}"}
    assert stranger(app).get("/v1/models", headers=by_key).status_code == 200
    assert minji.post(path, data={"name": "x", "days": "30", "scopes": ["chat"]}).status_code == 422

    (key,) = minji.get(f"{project(owner)}.json").json()["keys"]
    assert (key["name"], key["scopes"]) == ("실험", ["inference"])
    new = minji.post(f"{path}/{key['id']}/rotate", data={"hours": "1"})
    old = {"Authorization": f"Bearer {secret_on(made)}"}
    assert stranger(app).get("/v1/models", headers=old).status_code == 200
    assert minji.post(f"{path}/{key['id']}/revoke").status_code == 303
    assert stranger(app).get("/v1/models", headers=old).status_code == 401
    young = {"Authorization": f"Bearer {secret_on(new)}"}
    assert stranger(app).get("/v1/models", headers=young).status_code == 200
    shown = owner.get(f"{project(owner)}.json").json()["keys"]
    assert {one["name"] for one in shown} == {"실험", "로봇"}


def test_members_change_and_go(owner):
    minji = join(owner, "민지")
    path = f"{organization(owner)}/members/{person_of(minji)}"
    assert owner.post(f"{path}/role", data={"role": "billing"}).status_code == 303
    assert minji.get(f"{organization(owner)}.json").json()["organization"]["role"] == "billing"
    assert minji.post(f"{path}/role", data={"role": "owner"}).json()["code"] == "role_needed"
    left = minji.post(f"{path}/remove")
    assert left.headers["location"] == "/organizations"
    assert minji.get(organization(owner)).json()["code"] == "organization_not_found"


def test_names_and_archiving(owner):
    assert owner.post(f"{project(owner)}/rename", data={"name": "정음"}).status_code == 303
    assert owner.post(f"{organization(owner)}/rename", data={"name": "집현전"}).status_code == 303
    assert owner.post(f"{project(owner)}/archive").status_code == 303
    refused = owner.post(f"{project(owner)}/rename", data={"name": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "archived")
    assert owner.post(f"{organization(owner)}/archive").status_code == 303
    shown = owner.get(f"{organization(owner)}.json").json()
    assert shown["organization"]["name"] == "집현전"
    assert shown["organization"]["may"] == ["see_members", "see_projects", "see_bills"]
    page = owner.get(organization(owner), headers=HTML).text
    assert "/archive" not in page
    assert "/rename" not in page


def test_an_organizations_own_key_is_made_and_revoked(owner):
    path = f"{organization(owner)}/keys"
    made = owner.post(path, data={"name": "자동화", "days": "90"})
    assert secret_on(made)
    (key,) = owner.get(f"{organization(owner)}.json").json()["keys"]
    assert key["scopes"] == ["admin"]
    assert owner.post(f"{path}/{key['id']}/revoke").status_code == 303
    assert owner.get(f"{organization(owner)}.json").json()["keys"] == []


def test_an_invitation_can_be_withdrawn(owner):
    owner.post(f"{organization(owner)}/invitations", data={"role": "manager"})
    (made,) = owner.get(f"{organization(owner)}.json").json()["invitations"]
    path = f"{organization(owner)}/invitations/{made['id']}/withdraw"
    assert owner.post(path).status_code == 303
    assert owner.post(path).json()["code"] == "invitation_unusable"


class TestPeople:
    """The people of the house."""

    @pytest.fixture
    def chief(self, client):
        return sign_in(client, "chief", "administrator")

    def test_people_are_made_found_and_signed_in(self, chief):
        made = chief.post("/people", data={"name": "민지", "roles": ["auditor"]})
        page = chief.get("/people", params={"search": "민"}, headers=HTML).text
        assert "민지" in page
        assert "chief" not in page[page.index('<ul class="cards">') :]
        shown = chief.post(f"{made.headers['location']}/link", headers=HTML)
        assert shown.headers["cache-control"] == "no-store"
        link = re.search(r'value="(http[^"]+/sign-in/[\w-]+)"', shown.text).group(1)
        minji = stranger(chief.app)
        assert minji.post("/sign-in", data={"link": link}).status_code == 303
        assert minji.get("/people.json").json()["may_change"] is False
        assert minji.post("/people", data={"name": "x"}).status_code == 403

    def test_a_disabled_person_is_out_at_once_and_may_be_let_in_again(self, chief, app):
        minji, key = sign_in(stranger(app), "민지"), make_key(app, "민지")
        path = f"/people/{person_of(minji)}"
        assert chief.post(f"{path}/disable").status_code == 303
        assert minji.get("/account").status_code == 401
        by_key = {"Authorization": f"Bearer {key}"}
        assert stranger(app).get("/v1/models", headers=by_key).status_code == 401
        assert "정지" in chief.get(path, headers={**HTML, "Accept-Language": "ko"}).text
        assert chief.post(f"{path}/enable").status_code == 303
        assert stranger(app).get("/v1/models", headers=by_key).status_code == 200

    def test_roles_are_changed_and_never_ones_own(self, chief, app):
        minji = sign_in(stranger(app), "민지")
        path = f"/people/{person_of(minji)}"
        assert chief.post(f"{path}/roles", data={"roles": ["auditor"]}).status_code == 303
        assert chief.get(f"{path}.json").json()["user"]["roles"] == ["auditor", "person"]
        assert minji.get("/account").status_code == 401
        own = f"/people/{person_of(chief)}"
        for deed in ("roles", "disable", "enable"):
            assert chief.post(f"{own}/{deed}").json()["code"] == "own_account"

    def test_nobody_else_sees_the_people(self, client):
        sign_in(client, "민지")
        assert client.get("/people").status_code == 403
        assert client.get(f"/people/{person_of(client)}").status_code == 403


def test_an_administrator_owns_every_organization_in_person(app, client):
    with open_act(app.state.database, SYSTEM) as act:
        owner = accounts.create_user(act, name="민지")
        organizations.create_organization(act, name="A", owner_id=owner.id)
    sign_in(client, "chief", "administrator")
    listed = client.get("/organizations.json").json()["organizations"]
    assert [one["role"] for one in listed] == ["owner"]
