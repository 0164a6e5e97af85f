"""Signing in by password and by link over HTTP, as people and attackers do it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from hunmin import accounts
from hunmin.accounts import door
from hunmin.act import SYSTEM, open_act
from hunmin.settings import Settings
from tests.signin.people import (
    GOOD,
    HTML,
    by_password,
    code_of,
    events,
    forget_failures,
    is_signed_in,
    with_password,
)
from tests.support.desk import make_app, make_link, sign_in, stranger

COOKIE = "hunmin_session"


def test_a_name_and_a_password_sign_in_with_a_new_cookie(app, client):
    with_password(client)
    other = by_password(app, " DANA ")

    assert (other.answer.status_code, other.answer.headers["location"]) == (303, "/")
    assert other.get("/account.json").json()["user"]["name"] == "dana"
    assert "HttpOnly" in other.answer.headers["set-cookie"]
    assert other.cookies[COOKIE] != client.cookies[COOKIE]


def test_nobody_learns_whether_there_is_such_a_name(app, client):
    with_password(client)
    sign_in(stranger(app), "minji")  # has no password
    make_link(app, "sejong")
    with open_act(app.state.database, SYSTEM) as act:
        shut = accounts.create_user(act, name="shut")
        accounts.disable_user(act, shut.id)
    said = set()
    for name in ("dana", "minji", "sejong", "shut", "nobody", "guest-123", "' OR 1=1 --"):
        answer = by_password(app, name, "wrong password").answer
        forget_failures(app)
        said.add((answer.status_code, code_of(answer), answer.json()["detail"]))
        assert COOKIE not in answer.cookies

    assert {(status, code) for status, code, _ in said} == {(401, "credentials_wrong")}
    assert len(said) == 1
    assert events(app, "signin.password.fail") == ["signin.password.fail"] * 7


@pytest.mark.usefixtures("long_waits")
def test_a_right_password_is_worth_nothing_after_too_many_wrong_ones(app, client):
    with_password(client)
    answers = [by_password(app, "dana", "wrong").answer.status_code for _ in range(7)]
    assert answers == [401] * 5 + [429] * 2

    refused = by_password(app)

    assert code_of(refused.answer) == "too_many_attempts"
    assert int(refused.answer.headers["retry-after"]) >= 1
    assert not is_signed_in(refused)
    assert events(app, "signin.password.fail") == ["signin.password.fail"] * 5


@pytest.mark.usefixtures("client", "long_waits")
def test_names_that_are_not_there_are_slowed_down_alike(app):
    answers = [by_password(app, "nobody", "wrong").answer.status_code for _ in range(7)]
    assert answers == [401] * 5 + [429] * 2


@pytest.mark.usefixtures("client", "long_waits")
def test_one_network_trying_many_names_is_slowed_down(app):
    answers = [by_password(app, f"name {n}", "wrong").answer.status_code for n in range(52)]
    assert answers == [401] * 50 + [429] * 2


def test_who_signs_in_at_last_has_every_try_again(app, client):
    with_password(client)
    for _ in range(3):
        assert [by_password(app, "dana", "x").answer.status_code for _ in range(4)] == [401] * 4
        assert by_password(app).answer.status_code == 303


@pytest.mark.parametrize("password", ["password1234", "짧다", "dana dana dana"])
def test_a_password_that_is_easily_guessed_is_not_set(client, password):
    sign_in(client)
    answer = client.post("/account/password", data={"password": password})

    assert (answer.status_code, code_of(answer)) == (422, "password_unfit")
    assert password not in answer.text
    assert client.get("/account/security.json").json()["security"]["password_changed_at"] is None


def test_a_new_password_signs_every_other_browser_out(app, client):
    with_password(client)
    thief = by_password(app)
    client.post("/account/password", data={"password": GOOD + " 둘"})

    assert not is_signed_in(thief)
    assert is_signed_in(client)
    assert by_password(app).answer.status_code == 401
    assert by_password(app, password=GOOD + " 둘").answer.status_code == 303


def test_nobody_sets_the_password_of_another(app, client):
    dana = with_password(stranger(app), "dana")
    user_id = dana.get("/account.json").json()["user"]["id"]
    sign_in(client, "minji", "administrator")
    for more in ({"user_id": user_id}, {"username": "dana"}, {"name": "dana"}):
        client.post("/account/password", data={"password": GOOD + " 셋", **more})

    assert by_password(app, "dana", GOOD + " 셋").answer.status_code == 401
    assert by_password(app, "dana").answer.status_code == 303


def test_a_key_changes_nothing_of_how_one_signs_in(app, client):
    sign_in(client)
    form = {"name": "x", "days": "30", "scopes": ["chat", "admin", "inference"]}
    made = client.post("/account/keys", data=form, headers={"Accept": "application/json"}).json()
    program = stranger(app)
    program.headers["Authorization"] = f"Bearer {made['secret']}"
    for path in ("password", "second-factor", "second-factor/remove", "recovery-codes"):
        answer = program.post(f"/account/{path}", data={"password": GOOD, "code": "1"})
        assert (answer.status_code, code_of(answer)) == (403, "person_needed")
    assert code_of(program.post("/sign-in/prove", data={})) == "person_needed"


def test_another_site_signs_nobody_in(client):
    answer = client.post(
        "/sign-in/password",
        data={"name": "eve", "password": GOOD},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert (answer.status_code, code_of(answer)) == (403, "cross_site_refused")


def test_a_guests_conversations_come_along_by_password_too(app, client):
    with_password(stranger(app))
    client.post("/chat", data={"text": "안녕하세요?"})
    client.post("/sign-in/password", data={"name": "dana", "password": GOOD, "adopt": "true"})

    assert len(client.get("/chat/api/conversations").json()["conversations"]) == 1


def test_a_link_another_made_opens_no_conversation_and_makes_no_secret(app, client):
    """Defect 12: an administrator who lets themselves into an account in use."""
    dana = with_password(stranger(app), "dana")
    assert dana.get("/chat/api/conversations").status_code == 200
    admin = sign_in(stranger(app), "minji", "administrator")
    user_id = dana.get("/account.json").json()["user"]["id"]
    made = admin.post(f"/people/{user_id}/link", headers={"Accept": "application/json"}).json()

    client.post("/sign-in", data={"link": made["address"]})

    assert client.get("/account.json").json()["user"]["name"] == "dana"
    refused = [
        client.get("/chat"),
        client.get("/chat/api/conversations"),
        client.post("/account/password", data={"password": GOOD + " 넷"}),
        client.post("/account/second-factor"),
        client.post("/account/keys", data={"name": "x", "days": "30", "scopes": ["chat"]}),
        client.post(f"/people/{user_id}/link"),
        client.post("/sign-in/prove", data={"password": "x"}),
    ]
    assert {(one.status_code, code_of(one)) for one in refused} == {(403, "session_not_own")}
    shown = dana.get("/account", headers=HTML).text
    assert "다른 사람의 링크로" in shown
    marks = [session["for_other"] for session in dana.get("/account.json").json()["sessions"]]
    assert sorted(marks) == [False, True]
    assert '"for_other": true' in _details(app, "accounts.session.open")[-1]


def _details(app, kind: str) -> list[str]:
    with app.state.database.session(read_only=True) as session:
        asked = text("SELECT details FROM audit_events WHERE kind = :kind ORDER BY id")
        return list(session.scalars(asked, {"kind": kind}))


def test_another_administrators_link_administers_nothing(app, client):
    boss = with_password(stranger(app), "boss", "administrator")
    user_id = boss.get("/account.json").json()["user"]["id"]
    admin = sign_in(stranger(app), "minji", "administrator")
    made = admin.post(f"/people/{user_id}/link", headers={"Accept": "application/json"}).json()
    client.post("/sign-in", data={"link": made["address"]})

    assert code_of(client.get("/people.json")) == "role_needed"
    assert boss.get("/people.json").status_code == 200


@pytest.fixture
def public_app(settings, engine, migrated_file):
    """Give the application as it stands behind a TLS proxy."""
    web = settings.web.model_copy(update={"public_url": "https://chat.example.kr"})
    public = settings.model_copy(update={"web": web})
    return make_app(public, engine, migrated_file)


def test_behind_a_proxy_the_cookie_is_this_hosts_alone(public_app):
    """Defect 13: the proxy speaks http to us; browsers speak https to it."""
    address = "https://chat.example.kr"
    with TestClient(public_app, base_url=address, follow_redirects=False) as client:
        client.headers["X-Forwarded-Proto"] = "http"
        answer = client.post("/sign-in", data={"link": make_link(public_app)})
        said = answer.headers["set-cookie"]
        assert said.startswith("__Host-hunmin_session=")
        assert "Secure" in said
        assert "Path=/" in said
        assert "Domain" not in said
        assert "max-age" in answer.headers["strict-transport-security"]
        assert is_signed_in(client)
        secret = client.cookies["__Host-hunmin_session"]

        old = TestClient(public_app, base_url=address, follow_redirects=False)
        old.cookies.set(COOKIE, secret)
        again = old.get("/account.json")
        assert again.status_code == 200
        assert again.headers["set-cookie"].startswith("__Host-hunmin_session=")

        signed_out = client.post("/sign-out")
        assert "__Host-hunmin_session=" in signed_out.headers["set-cookie"]


def test_a_cookie_a_neighbour_set_under_the_old_name_is_none(public_app, monkeypatch):
    """Another host of the domain can set the old name, but has no session from before its end."""
    monkeypatch.setattr(door, "OLD_NAME_UNTIL", datetime(2020, 1, 1, tzinfo=UTC))
    address = "https://chat.example.kr"
    with TestClient(public_app, base_url=address, follow_redirects=False) as eve:
        eve.post("/sign-in", data={"link": make_link(public_app, "eve")})
        victim = TestClient(public_app, base_url=address, follow_redirects=False)
        victim.cookies.set(COOKIE, eve.cookies["__Host-hunmin_session"])

        assert not is_signed_in(victim)


def test_who_needs_a_second_factor_is_judged_by_whom_is_served(tmp_path):
    def second_factor(**said) -> str:
        return Settings.load(config=None, data=tmp_path, **said).accounts.second_factor

    assert second_factor() == "optional"
    assert second_factor(web__host="0.0.0.0") == "administrators"  # noqa: S104 (what is tested)
    assert second_factor(web__public_url="https://chat.example.kr") == "administrators"
    assert second_factor(accounts__second_factor="everyone") == "everyone"
