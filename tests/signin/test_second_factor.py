"""Second factors: asked for, shown once, recovered from, and asked of those who must."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from pyotp import TOTP
from starlette.testclient import TestClient

from hunmin.signin.tables import ChallengeRow
from tests.signin.people import (
    HTML,
    JSON,
    by_password,
    code_of,
    events,
    forget_failures,
    forget_steps,
    is_signed_in,
    make_old,
    with_password,
    with_second,
)
from tests.support.desk import make_app, make_link, sign_in, stranger


def send_code(client, code: str):
    return client.post("/sign-in/second", data={"code": code})


def test_a_password_alone_opens_nothing_where_there_is_a_second_factor(app, client):
    phone, _ = with_second(client)
    other = by_password(app)

    assert other.answer.headers["location"] == "/sign-in/second"
    assert not is_signed_in(other)
    assert other.get("/sign-in/second", headers=HTML).status_code == 200
    forget_steps(app)
    assert send_code(other, phone.now()).status_code == 303
    assert is_signed_in(other)


def test_a_link_alone_neither(app, client):
    phone, _ = with_second(client)
    other = stranger(app)
    other.post("/sign-in", data={"link": make_link(app)})
    assert not is_signed_in(other)
    forget_steps(app)
    send_code(other, phone.now())
    assert is_signed_in(other)


def test_a_code_works_once_whoever_saw_it(app, client):
    """Replayed: looked over a shoulder, or taken by a page that pretends to be us."""
    phone, _ = with_second(client)
    first, second = by_password(app), by_password(app)
    forget_steps(app)
    code = phone.now()
    assert send_code(first, code).status_code == 303

    answer = send_code(second, code)

    assert (answer.status_code, code_of(answer)) == (401, "second_factor_wrong")
    assert not is_signed_in(second)


def test_the_code_that_set_the_app_up_does_not_sign_in(app, client):
    began = time.time()
    phone, _ = with_second(client)
    assert send_code(by_password(app), phone.at(began)).status_code == 401


def test_a_recovery_code_works_once_however_it_is_typed(app, client):
    _, codes = with_second(client)
    assert send_code(by_password(app), codes[0].upper().replace("-", " ")).status_code == 303
    assert send_code(by_password(app), codes[0]).status_code == 401
    assert client.get("/account/security.json").json()["security"]["recovery_codes_left"] == 9


def test_recovery_codes_of_another_and_old_ones_are_none(app, client):
    _, danas = with_second(client)
    minji = stranger(app)
    _, old = with_second(minji, "minji")
    new = minji.post("/account/recovery-codes", headers=JSON).json()["codes"]
    for code in (danas[0], old[0]):
        assert send_code(by_password(app, "minji"), code).status_code == 401
    assert send_code(by_password(app, "minji"), new[0]).status_code == 303


@pytest.mark.usefixtures("long_waits")
def test_codes_are_not_guessed_one_after_the_other(app, client):
    with_second(client)
    answers = [send_code(by_password(app), "000000").status_code for _ in range(7)]
    assert answers == [401] * 5 + [429] * 2
    assert events(app, "signin.second_factor.fail") == ["signin.second_factor.fail"] * 5


FORGED = ["", "x", "A" * 43, "한글"]


@pytest.mark.parametrize("cookie", FORGED)
def test_a_forged_question_for_a_code_is_refused(app, client, cookie):
    phone, _ = with_second(client)
    other = stranger(app)
    header = {"Cookie": f"hunmin_second={cookie}".encode()}
    forget_steps(app)
    answer = other.post("/sign-in/second", data={"code": phone.now()}, headers=header)
    assert (answer.status_code, code_of(answer)) == (403, "challenge_unusable")


def test_a_question_that_was_answered_or_is_too_old_is_answered_no_more(app, client):
    phone, codes = with_second(client)
    other = by_password(app)
    asked = other.cookies["hunmin_second"]
    forget_steps(app)
    assert send_code(other, phone.now()).status_code == 303
    assert "hunmin_second" not in other.cookies

    thief = stranger(app)
    thief.cookies.set("hunmin_second", asked)
    assert code_of(send_code(thief, codes[0])) == "challenge_unusable"
    late = by_password(app)
    with app.state.database.session() as session:
        ago = datetime.now(UTC) - timedelta(hours=1)
        session.query(ChallengeRow).update(
            {ChallengeRow.created_at: ago, ChallengeRow.expires_at: ago + timedelta(minutes=10)}
        )
    assert code_of(send_code(late, codes[0])) == "challenge_unusable"


def test_one_persons_code_answers_no_question_of_another(app, client):
    phone, _ = with_second(client)
    with_second(stranger(app), "minji")
    forget_steps(app)
    other = by_password(app, "minji")
    assert send_code(other, phone.now()).status_code == 401
    assert not is_signed_in(other)


def test_setting_one_up_needs_a_code_of_it_and_signs_others_out(app, client):
    with_password(client)
    other = by_password(app)
    client.post("/account/second-factor")
    wrong = client.post("/account/second-factor/confirm", data={"code": "000000"})
    assert code_of(wrong) == "second_factor_wrong"
    assert by_password(app).answer.headers["location"] == "/"

    with_second(client)

    assert not is_signed_in(other)
    assert is_signed_in(client)
    assert code_of(client.post("/account/second-factor")) == "second_factor_set"


def test_the_secret_is_shown_once_and_kept_sealed(client, settings):
    with_password(client)
    page = client.post("/account/second-factor", headers=HTML)
    assert page.headers["cache-control"] == "no-store"
    assert "<svg" in page.text
    secret = client.post("/account/second-factor", headers=JSON).json()["secret"].replace(" ", "")
    everything = (settings.data / "hunmin.db").read_bytes()
    wal = settings.data / "hunmin.db-wal"
    everything += wal.read_bytes() if wal.exists() else b""
    assert secret.encode() not in everything


def test_removing_it_signs_every_browser_out(app, client):
    with_second(client)
    assert client.post("/account/second-factor/remove").headers["location"] == "/sign-in"
    assert not is_signed_in(client)
    assert is_signed_in(by_password(app))


DEEDS = [
    ("/account/password", {"password": "여름밤 자전거 도토리묵 우체통 둘"}),
    ("/account/second-factor/remove", {}),
    ("/account/recovery-codes", {}),
    ("/account/keys", {"name": "x", "days": "30", "scopes": ["admin"]}),
]


@pytest.mark.parametrize(("path", "form"), DEEDS)
def test_a_stolen_browser_cannot_lock_its_owner_out(app, client, path, form):
    phone, _ = with_second(client)
    make_old(app)

    refused = client.post(path, data=form)
    assert (refused.status_code, code_of(refused)) == (403, "proof_needed")
    for shown in ({}, {"password": "wrong", "code": "1"}, {"code": phone.now()}):
        assert client.post("/sign-in/prove", data=shown).status_code == 401
    forget_failures(app)
    forget_steps(app)
    proof = {"password": "여름밤 자전거 도토리묵 우체통", "code": phone.now()}
    proved = client.post("/sign-in/prove", data={**proof, "after": "/account"})
    assert (proved.status_code, proved.headers["location"]) == (303, "/account")
    assert client.post(path, data=form).status_code in {200, 303}


def test_a_person_without_password_proves_it_by_a_new_link(app, client):
    sign_in(client)
    make_old(app)
    assert code_of(client.post("/sign-in/prove", data={})) == "proof_needed"
    assert code_of(client.post("/account/second-factor")) == "proof_needed"
    sign_in(client)
    assert client.post("/account/second-factor").status_code == 200


def test_roles_and_links_ask_an_administrator_for_a_proof(app, client):
    with_password(client, "minji", "administrator")
    dana = sign_in(stranger(app), "dana").get("/account.json").json()["user"]["id"]
    make_old(app)
    for path, form in (
        (f"/people/{dana}/roles", {"roles": ["administrator"]}),
        (f"/people/{dana}/link", {}),
        ("/people", {"name": "eve", "roles": ["administrator"]}),
    ):
        assert code_of(client.post(path, data=form)) == "proof_needed", path
    client.post("/sign-in/prove", data={"password": "여름밤 자전거 도토리묵 우체통"})
    assert client.post(f"/people/{dana}/roles", data={"roles": ["auditor"]}).status_code == 303


@pytest.fixture
def asking(settings, engine, migrated_file):
    """Give `asking(whom)`: the application where a second factor is asked of these."""

    def asking(whom: str):
        accounts = settings.accounts.model_copy(update={"second_factor": whom})
        return make_app(settings.model_copy(update={"accounts": accounts}), engine, migrated_file)

    return asking


def test_an_administrator_is_led_to_set_one_up_and_is_none_until_then(asking):

    app = asking("administrators")
    address = "http://127.0.0.1:8700"
    with TestClient(app, base_url=address, follow_redirects=False) as client:
        answer = client.post("/sign-in", data={"link": make_link(app, "minji", "administrator")})
        assert answer.headers["location"] == "/account/security"
        assert (
            "두 번째 인증 수단을 요구합니다" in client.get("/account/security", headers=HTML).text
        )
        assert code_of(client.get("/people.json")) == "role_needed"
        assert client.get("/chat/api/conversations").status_code == 200

        with_second(client, "minji", "administrator")

        assert client.get("/people.json").status_code == 200
        dana = stranger(app)
        assert sign_in(dana).get("/account.json").status_code == 200


def test_where_everybody_needs_one_nothing_else_opens_before(asking):

    app = asking("everyone")
    address = "http://127.0.0.1:8700"
    with TestClient(app, base_url=address, follow_redirects=False) as client:
        client.post("/sign-in", data={"link": make_link(app)})
        for path in ("/account.json", "/chat", "/chat/api/conversations", "/organizations.json"):
            answer = client.get(path)
            assert (answer.status_code, code_of(answer)) == (403, "second_factor_needed"), path
        assert client.get("/account/security.json").json()["lacks_second"] is True
        begun = client.post("/account/second-factor", headers=JSON).json()

        code = TOTP(begun["secret"].replace(" ", "")).now()
        client.post("/account/second-factor/confirm", data={"code": code})
        assert client.get("/account.json").status_code == 200
        assert client.get("/chat/api/conversations").status_code == 200
