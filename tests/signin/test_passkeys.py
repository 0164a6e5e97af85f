"""Passkeys over HTTP: added, shown, renamed, removed; what they open and what they prove."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from hunmin import accounts
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.signin import rules
from hunmin.signin.commands import reset_second_factor
from tests.signin.people import GOOD, HTML, JSON, code_of, events, is_signed_in, make_old
from tests.support.authenticator import Authenticator
from tests.support.desk import make_app, make_link, sign_in, stranger
from tests.support.devices import ADDRESS, add, asked, at_its_name, browser, passkeys_of, show

SECOND = "/sign-in/second/passkey"
PROVE = "/sign-in/prove/passkey"


@pytest.fixture
def dana(client) -> TestClient:
    """Give a browser that is signed in, at an address that can have passkeys."""
    return sign_in(at_its_name(client))


@pytest.fixture
def device(dana) -> Authenticator:
    """Give Dana's device, with a passkey that was added."""
    device = Authenticator()
    assert add(dana, device).json() == {"page": "/account/security"}
    return device


def by_password(app, name: str = "dana") -> TestClient:
    client = browser(app)
    client.post("/sign-in/password", data={"name": name, "password": GOOD})
    return client


def set_password(client) -> None:
    assert client.post("/account/password", data={"password": GOOD}).status_code == 303


def sessions(app) -> list[tuple[str, int]]:
    with app.state.database.session(read_only=True) as session:
        found = session.execute(text("SELECT method, strength FROM accounts_sessions ORDER BY id"))
        return [tuple(row) for row in found]


def test_a_passkey_signs_in_and_counts_for_two_factors(app, device):
    other = browser(app)

    assert show(other, device).json() == {"page": "/"}

    assert other.get("/account.json").json()["user"]["name"] == "dana"
    assert sessions(app)[-1] == ("passkey", 2)
    assert events(app, "signin.passkey") == ["signin.passkey.add", "signin.passkey.use"]


@pytest.mark.usefixtures("device")
def test_a_browser_is_asked_to_ask_its_person(dana):
    new = asked(dana, "/account/passkeys")
    known = asked(dana, "/sign-in/passkey")

    assert new["authenticatorSelection"]["userVerification"] == "required"
    assert new["authenticatorSelection"]["residentKey"] == "required"
    assert new["attestation"] == "none"
    assert len(new["excludeCredentials"]) == 1
    assert known["userVerification"] == "required"
    assert known["rpId"] == new["rp"]["id"] == "localhost"
    assert known.get("allowCredentials", []) == []  # nobody learns who has passkeys here


def test_what_a_guest_did_comes_along_where_that_is_asked(app, dana, device):
    guest = browser(app)
    guest.post("/chat", data={"text": "안녕"})
    options = asked(guest, "/sign-in/passkey")
    body = {"answer": device.show(options), "adopt": "true"}
    assert guest.post("/sign-in/passkey/finish", json=body).status_code == 200
    assert len(dana.get("/chat/api/conversations").json()["conversations"]) == 1


def test_beside_a_passkey_a_password_alone_opens_nothing(app, dana):
    set_password(dana)
    old = by_password(app)
    device = Authenticator()
    add(dana, device)
    assert not is_signed_in(old)
    assert is_signed_in(dana)
    other = by_password(app)
    assert not is_signed_in(other)
    assert "passkey.js" in other.get("/sign-in/second", headers=HTML).text

    assert [one["id"] for one in asked(other, SECOND)["allowCredentials"]]
    assert show(other, device, SECOND).json() == {"page": "/"}

    assert is_signed_in(other)
    assert sessions(app)[-1] == ("password", 2)


def test_a_second_factor_is_of_the_same_account(app, device):
    eve = sign_in(browser(app), "eve")
    set_password(eve)
    hers = Authenticator(credential_id=b"eve's")
    add(eve, hers)
    other = by_password(app, "eve")

    assert code_of(show(other, device, SECOND)) == "passkey_unusable"

    assert not is_signed_in(other)
    assert show(other, hers, SECOND).status_code == 200


def test_a_question_for_a_second_factor_is_none_for_signing_in_alone(app, dana, device):
    set_password(dana)
    other = by_password(app)
    body = {"answer": device.show(asked(other, SECOND))}
    answer = other.post("/sign-in/passkey/finish", json=body)
    assert (answer.status_code, code_of(answer)) == (403, "challenge_unusable")


@pytest.mark.usefixtures("device")
def test_a_second_factor_needs_a_first(app):
    answer = browser(app).post(f"{SECOND}/begin")
    assert (answer.status_code, code_of(answer)) == (403, "challenge_unusable")


@pytest.mark.usefixtures("device")
def test_recovery_codes_let_in_who_lost_every_device(app, dana):
    set_password(dana)
    codes = dana.post("/account/recovery-codes", headers=JSON).json()["codes"]
    other = by_password(app)
    assert "복구 코드 가운데 하나" in other.get("/sign-in/second", headers=HTML).text
    assert other.post("/sign-in/second", data={"code": codes[0]}).status_code == 303
    assert is_signed_in(other)
    again = by_password(app)
    assert again.post("/sign-in/second", data={"code": codes[0]}).status_code == 401


def test_adding_and_removing_ask_for_a_proof_and_a_passkey_is_one(app, dana, device):
    set_password(dana)
    (one,) = passkeys_of(dana)
    make_old(app)
    assert code_of(dana.post("/account/passkeys/begin")) == "proof_needed"
    assert code_of(dana.post(f"/account/passkeys/{one['id']}/remove")) == "proof_needed"
    assert code_of(dana.post("/sign-in/prove", data={"password": GOOD})) == "second_factor_wrong"
    options = asked(dana, PROVE)
    assert len(options["allowCredentials"]) == 1

    body = {"answer": device.show(options), "after": "/account"}
    assert dana.post(f"{PROVE}/finish", json=body).json() == {"page": "/account"}

    assert dana.post(f"/account/passkeys/{one['id']}/remove").status_code == 303
    assert passkeys_of(dana) == []
    assert code_of(show(browser(app), device)) == "passkey_unusable"


def test_a_proof_leads_to_a_page_of_ours(dana, device):
    body = {"answer": device.show(asked(dana, PROVE)), "after": "//evil.example"}
    assert dana.post(f"{PROVE}/finish", json=body).json() == {"page": "/"}


def test_another_persons_passkey_proves_nothing(app, device):
    eve = sign_in(browser(app), "eve")
    make_old(app)
    assert code_of(show(eve, device, PROVE)) == "passkey_unusable"
    assert code_of(eve.post("/account/passkeys/begin")) == "proof_needed"


def test_removing_a_passkey_signs_other_browsers_out(app, dana, device):
    set_password(dana)
    other = browser(app)
    show(other, device)
    (one,) = passkeys_of(dana)
    dana.post("/account/recovery-codes")

    dana.post(f"/account/passkeys/{one['id']}/remove")

    assert (is_signed_in(dana), is_signed_in(other)) == (True, False)
    assert dana.get("/account/security.json").json()["security"]["recovery_codes_left"] == 0
    assert is_signed_in(by_password(app))


@pytest.mark.usefixtures("device")
def test_the_last_way_in_is_not_removed(dana):
    (one,) = passkeys_of(dana)
    path = f"/account/passkeys/{one['id']}/remove"
    answer = dana.post(path)
    assert (answer.status_code, code_of(answer)) == (409, "last_way_in")
    assert len(passkeys_of(dana)) == 1

    assert add(dana, Authenticator(credential_id=b"another")).status_code == 200

    assert dana.post(path).status_code == 303
    (last,) = passkeys_of(dana)
    assert code_of(dana.post(f"/account/passkeys/{last['id']}/remove")) == "last_way_in"


@pytest.mark.usefixtures("device")
def test_passkeys_have_names(dana):
    (one,) = passkeys_of(dana)
    assert (one["name"], one["used_on"]) == ("노트북", None)
    path = f"/account/passkeys/{one['id']}/rename"
    assert dana.post(path, data={"name": " 회사\n열쇠 "}).status_code == 303
    assert dana.post(path, data={"name": "…"}).status_code == 422
    assert [one["name"] for one in passkeys_of(dana)] == ["회사 열쇠"]


def test_one_device_holds_one_passkey_of_one_account(app, dana, device):
    assert code_of(add(dana, device)) == "passkey_unusable"
    eve = sign_in(browser(app), "eve")
    assert code_of(add(eve, device)) == "passkey_unusable"
    assert passkeys_of(eve) == []


@pytest.mark.usefixtures("device")
def test_there_are_not_more_than_so_many(dana, monkeypatch):
    monkeypatch.setattr(rules, "PASSKEYS_MAX", 1)
    answer = dana.post("/account/passkeys/begin")
    assert (answer.status_code, code_of(answer)) == (409, "too_many_passkeys")


def test_nobody_reaches_a_passkey_of_another(app, dana, device):
    (one,) = passkeys_of(dana)
    eve = sign_in(browser(app), "eve", "administrator")
    for deed in ("rename", "remove"):
        answer = eve.post(f"/account/passkeys/{one['id']}/{deed}", data={"name": "x"})
        assert (answer.status_code, code_of(answer)) == (404, "passkey_not_found")
    assert show(browser(app), device).status_code == 200


@pytest.mark.usefixtures("device")
def test_who_came_by_an_administrators_link_adds_and_proves_nothing(app, dana):
    minji = sign_in(browser(app), "minji", "administrator").get("/account.json").json()["user"]
    actor = Actor(
        user_id=minji["id"], roles=frozenset({"administrator"}), proved_at=datetime.now(UTC)
    )
    # Her account is in use, and asks for its passkey after any link but one of the house itself.
    (one,) = passkeys_of(dana)
    set_password(dana)
    dana.post(f"/account/passkeys/{one['id']}/remove")
    owner = dana.get("/account.json").json()["user"]
    with open_act(app.state.database, actor) as act:
        link = accounts.create_sign_in_link(act, owner["id"])
    intruder = browser(app)
    intruder.post("/sign-in", data={"link": link})
    assert code_of(intruder.post("/account/passkeys/begin")) == "session_not_own"
    assert code_of(intruder.post(f"{PROVE}/begin")) == "session_not_own"


def test_an_account_that_is_shut_is_not_opened(app, device):
    with open_act(app.state.database, SYSTEM) as act:
        accounts.disable_user(act, accounts.find_user(act, "dana").id)
    assert code_of(show(browser(app), device)) == "passkey_unusable"


def test_who_has_to_have_a_second_factor_has_one_in_a_passkey(settings, engine, migrated_file):
    changed = settings.accounts.model_copy(update={"second_factor": "everyone"})
    app = make_app(settings.model_copy(update={"accounts": changed}), engine, migrated_file)
    with TestClient(app, base_url=ADDRESS, follow_redirects=False) as client:
        client.post("/sign-in", data={"link": make_link(app, "minji", "administrator")})
        assert client.get("/account/security.json").json()["lacks_second"]
        assert client.get("/people.json").status_code == 403

        add(client, Authenticator())

        assert not client.get("/account/security.json").json()["lacks_second"]
        assert client.get("/people.json").status_code == 200


@pytest.mark.usefixtures("device")
def test_the_house_removes_what_somebody_lost(app, dana, settings):
    set_password(dana)
    dana.post("/account/recovery-codes")
    reset_second_factor("dana", data=settings.data)
    assert not is_signed_in(dana)
    again = by_password(app)
    assert is_signed_in(again)
    assert passkeys_of(again) == []
    assert again.get("/account/security.json").json()["security"]["recovery_codes_left"] == 0


def test_an_address_in_numbers_has_no_passkeys(client):
    dana = sign_in(client)  # at 127.0.0.1
    for path in ("/account/passkeys", "/sign-in/passkey", PROVE):
        answer = dana.post(f"{path}/begin")
        assert (answer.status_code, code_of(answer)) == (409, "passkey_site_unfit"), path
    assert "http://localhost" in dana.get("/account/security", headers=HTML).text


@pytest.mark.usefixtures("device")
def test_who_comes_by_an_address_in_numbers_is_told_where_passkeys_are(app, dana):
    set_password(dana)
    other = stranger(app)  # at 127.0.0.1
    other.post("/sign-in/password", data={"name": "dana", "password": GOOD})
    assert "http://localhost" in other.get("/sign-in/second", headers=HTML).text
    assert code_of(other.post(f"{SECOND}/begin")) == "passkey_site_unfit"


def test_behind_a_proxy_passkeys_are_of_the_public_address(settings, engine, migrated_file):
    web = settings.web.model_copy(update={"public_url": "https://chat.example.kr"})
    app = make_app(settings.model_copy(update={"web": web}), engine, migrated_file)
    device = Authenticator(site="chat.example.kr", origin="https://chat.example.kr")
    with TestClient(app, base_url=device.origin, follow_redirects=False) as client:
        sign_in(client)
        answer = client.post("/account/passkeys/begin")
        assert "__Host-hunmin_passkey=" in answer.headers["set-cookie"]
        assert add(client, device).status_code == 200
        client.post("/sign-out")
        lured = Authenticator(
            site=device.site, origin="http://chat.example.kr", key=device.key, handle=device.handle
        )
        assert code_of(show(client, lured)) == "passkey_unusable"
        assert show(client, device).status_code == 200
