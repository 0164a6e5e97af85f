"""Signing in and out, and the account page, over HTTP as browsers and programs do it."""

from datetime import UTC, datetime, timedelta

import pytest

from hunmin import accounts
from hunmin.act import SYSTEM, open_act
from tests.support.desk import make_key, make_link, sign_in, stranger

HTML = {"Accept": "text/html,*/*;q=0.8"}
COOKIE = "hunmin_session"


def test_a_link_is_looked_at_without_being_used_and_then_signs_in(app, client):
    link = make_link(app, "다나")

    for _ in range(2):
        page = client.get(f"/sign-in/{link}", headers=HTML)
        assert page.status_code == 200
        assert "다나" in page.text
        assert page.headers["cache-control"] == "no-store"
        assert COOKIE not in page.cookies
    answer = client.post("/sign-in", data={"link": f"http://127.0.0.1:8700/sign-in/{link}"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert client.get("/account.json").json()["user"]["name"] == "다나"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(app, client):
    answer = client.post("/sign-in", data={"link": make_link(app)})

    said = answer.headers["set-cookie"]
    assert said.startswith(f"{COOKIE}=")
    for part in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"):
        assert part in said
    assert "Secure" not in said


def test_the_session_cookie_stays_on_https_where_that_is_spoken(app, client):
    client.base_url = "https://127.0.0.1:8700"
    answer = client.post("/sign-in", data={"link": make_link(app)})

    assert "Secure" in answer.headers["set-cookie"]
    assert "max-age" in answer.headers["strict-transport-security"]


@pytest.mark.parametrize("link", ["x", "A" * 43, "http://127.0.0.1:8700/sign-in/"])
def test_what_is_no_link_is_refused_with_the_next_step(client, link):
    answer = client.post("/sign-in", data={"link": link}, headers={"Accept-Language": "en"})

    assert answer.status_code == 403
    assert answer.json()["code"] == "sign_in_link_unusable"
    assert "hunmin accounts link" in answer.json()["detail"]
    assert COOKIE not in answer.cookies


def test_a_link_used_twice_is_refused_the_second_time(app, client):
    link = make_link(app)
    client.post("/sign-in", data={"link": link})

    second = stranger(app).post("/sign-in", data={"link": link})
    page = client.get(f"/sign-in/{link}", headers=HTML)

    assert (second.status_code, page.status_code) == (403, 403)
    assert 'href="/sign-in"' in page.text


def test_an_expired_link_is_refused(app, client):
    with open_act(app.state.database, SYSTEM, now=datetime.now(UTC) - timedelta(hours=2)) as act:
        user = accounts.create_user(act, name="dana")
        link = accounts.create_sign_in_link(act, user.id, minutes=60)

    assert client.post("/sign-in", data={"link": link}).status_code == 403


@pytest.mark.parametrize("cookie", ["", "x", "A" * 43, "A" * 5000, '"; DROP TABLE', "한글", "\x7f"])
def test_a_garbage_cookie_is_a_strangers(client, cookie):
    headers = [(b"cookie", f"{COOKIE}={cookie}".encode())]
    answer = client.get("/account", headers=headers)

    assert answer.status_code == 401
    assert client.get("/sign-in", headers=headers).status_code == 200


def test_signing_in_takes_a_new_cookie_and_ends_the_old_one(app, client):
    sign_in(client)
    old = client.cookies[COOKIE]
    sign_in(client)

    assert client.cookies[COOKIE] != old
    other = stranger(app)
    other.cookies.set(COOKIE, old)
    assert other.get("/account").status_code == 401
    assert len(client.get("/account.json").json()["sessions"]) == 1


def test_signing_out_ends_the_session_on_the_server_too(app, client):
    sign_in(client)
    cookie = client.cookies[COOKIE]
    answer = client.post("/sign-out")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert COOKIE not in client.cookies
    other = stranger(app)
    other.cookies.set(COOKIE, cookie)
    assert other.get("/account").status_code == 401


def test_a_browser_left_elsewhere_is_signed_out_from_here(app, client):
    elsewhere = sign_in(stranger(app))
    sign_in(client)
    listed = client.get("/account.json").json()["sessions"]
    assert [session["is_this"] for session in listed] == [True, False]

    client.post(f"/account/sessions/{listed[1]['id']}/end")

    assert elsewhere.get("/account").status_code == 401
    assert client.get("/account").status_code == 200


def test_a_key_is_shown_once_and_then_by_its_last_four_characters(client):
    sign_in(client)
    made = client.post("/account/keys", data={"name": "보고서", "days": "30"}, headers=HTML)
    secret = made.text.split('value="hm-')[1].split('"')[0]

    assert made.headers["cache-control"] == "no-store"
    page = client.get("/account", headers=HTML).text
    assert secret not in page
    assert f"hm-…{secret[-4:]}" in page
    assert "보고서" in page


def test_a_program_makes_a_key_in_json_and_uses_it_until_it_is_revoked(app, client):
    sign_in(client)
    json = {"Accept": "application/json"}
    made = client.post("/account/keys", data={"name": "x", "days": "30"}, headers=json).json()
    program = stranger(app)
    program.headers["Authorization"] = f"Bearer {made['secret']}"

    assert program.get("/v1/models").status_code == 200
    assert client.get("/account.json").json()["keys"][0]["used_on"] is not None

    client.post(f"/account/keys/{made['key']['id']}/revoke")

    assert program.get("/v1/models").status_code == 401
    assert client.get("/account.json").json()["keys"] == []


@pytest.mark.parametrize("name", ["", "...", " ", "x" * 65])
def test_a_key_with_a_name_that_cannot_be_is_refused(client, name):
    sign_in(client)
    assert client.post("/account/keys", data={"name": name, "days": "30"}).status_code == 422
    assert client.get("/account.json").json()["keys"] == []


def test_nobody_reaches_what_is_anothers(app, client):
    dana = sign_in(stranger(app), "dana")
    key = dana.post(
        "/account/keys", data={"name": "x", "days": "30"}, headers={"Accept": "application/json"}
    )
    key_id = key.json()["key"]["id"]
    session_id = dana.get("/account.json").json()["sessions"][0]["id"]

    minji = sign_in(client, "minji", "administrator")
    assert minji.post(f"/account/keys/{key_id}/revoke").status_code == 404
    assert minji.post(f"/account/sessions/{session_id}/end").status_code == 404
    assert key_id not in minji.get("/account.json").text

    assert len(dana.get("/account.json").json()["keys"]) == 1


def test_a_key_opens_no_account_page(app, client):
    client.headers["Authorization"] = f"Bearer {make_key(app)}"

    for answer in (
        client.get("/account"),
        client.post("/account/keys", data={"name": "x", "days": "30"}),
        client.post("/sign-out"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "person_needed")


def test_a_wrong_key_is_not_made_up_for_by_a_cookie(app, client):
    sign_in(client)
    for wrong in ("Bearer x", "Bearer ", "bearer hm-" + "A" * 43, f"Bearer {make_key(app)}x"):
        answer = client.get("/account", headers={"Authorization": wrong})
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_api_key")


def test_the_way_a_proxy_signs_in_is_not_ours(client):
    sign_in(client)
    assert client.get("/account", headers={"Authorization": "Basic eDp5"}).status_code == 200


def test_what_a_key_is_for_is_shown_as_text_never_as_markup(client):
    sign_in(client)
    client.post("/account/keys", data={"name": '<b>"보고서"</b>\u202e', "days": "never"})
    page = client.get("/account", headers=HTML).text

    assert "<b>" not in page
    assert "&lt;b&gt;&#34;보고서&#34;&lt;/b&gt;" in page
    assert "\u202e" not in page
