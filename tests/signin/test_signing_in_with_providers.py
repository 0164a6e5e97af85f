"""Signing in with a provider, and everything that attackers do on the way there and back."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from hunmin import accounts
from hunmin.act import SYSTEM, open_act
from hunmin.settings import Settings
from tests.signin import abroad
from tests.signin.abroad import asked_for, come_back, set_out, sign_in_abroad
from tests.signin.scripted_provider import CODE
from tests.signin.tokens import STRANGERS_RSA
from tests.support.desk import sign_in, stranger

SESSION = "hunmin_session"


@pytest.fixture
def there():
    """Give the provider `gov`."""
    with abroad.running() as provider:
        yield provider


@pytest.fixture
def elsewhere():
    """Give another provider, `uni`."""
    with abroad.running() as provider:
        yield provider


@pytest.fixture
def create():
    """Say whether who comes for the first time is given an account; a module may say otherwise."""
    return True


@pytest.fixture
def settings(tmp_path, there, elsewhere, create):
    """Give settings with two providers."""
    known = {"client_id": "hunmin", "client_secret": "s", "create": create}
    providers = {
        "gov": {**known, "issuer": there.issuer, "title": "디지털원패스"},
        "uni": {**known, "issuer": elsewhere.issuer},
    }
    return Settings.load(
        data=tmp_path / "var",
        web__port=0,
        worker__embedded=False,
        accounts={"providers": providers},
    )


def user_of(client) -> dict:
    return client.get("/account.json").json()["user"]


def rows(client, question: str) -> list:
    with client.app.state.database.session(read_only=True) as session:
        return [tuple(row) for row in session.execute(text(question))]


def refusals(client) -> list[str]:
    asked = "SELECT details FROM audit_events WHERE kind = 'signin.provider.refuse'"
    return [str(row[0]) for row in rows(client, asked)]


def test_who_comes_for_the_first_time_gets_an_account_and_comes_back_to_it(client, there):
    answer = sign_in_abroad(client, there)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert user_of(client)["name"] == "다나"
    again = stranger(client.app)
    sign_in_abroad(again, there)
    assert user_of(again)["id"] == user_of(client)["id"]


def test_the_session_says_what_opened_it(client, there):
    sign_in_abroad(client, there)

    assert rows(client, "SELECT method, strength FROM accounts_sessions") == [("oidc", 1)]


def test_the_old_session_of_a_browser_ends(client, there):
    sign_in(client)
    old = client.cookies[SESSION]
    sign_in_abroad(client, there)

    other = stranger(client.app)
    other.cookies.set(SESSION, old)
    assert other.get("/account").status_code == 401


def test_a_guests_conversations_come_along_where_that_was_asked_for(client, there):
    client.post("/chat", data={"text": "안녕"})
    come_back(client, set_out(client, there, query="?adopt=true"))

    assert len(client.get("/chat/api/conversations").json()["conversations"]) == 1


def test_a_guests_conversations_stay_behind_where_it_was_not(client, there):
    client.post("/chat", data={"text": "안녕"})
    sign_in_abroad(client, there)

    assert client.get("/chat/api/conversations").json()["conversations"] == []


@pytest.mark.parametrize("create", [False])
def test_whom_nobody_linked_gets_in_nowhere(client, there):
    answer = sign_in_abroad(client, there)

    assert (answer.status_code, answer.json()["code"]) == (403, "identity_unknown")
    assert client.get("/account").status_code == 401
    assert rows(client, "SELECT id FROM accounts_users") == []


# What attackers do.


def test_the_name_and_mail_of_another_open_nothing_of_theirs(client, there):
    owner = sign_in(stranger(client.app), "dana", "administrator")
    there.claims = {
        "name": "dana",
        "email": "dana@example.go.kr",
        "email_verified": True,
        "preferred_username": "dana",
    }
    sign_in_abroad(client, there)

    assert user_of(client)["id"] != user_of(owner)["id"]
    assert user_of(client)["name"].startswith("dana ")
    assert user_of(client)["roles"] == ["person"]


def test_the_same_id_at_another_provider_is_another_person(client, there, elsewhere):
    sign_in_abroad(client, there)
    other = stranger(client.app)
    sign_in_abroad(other, elsewhere, "uni")

    assert user_of(other)["id"] != user_of(client)["id"]


def test_an_answer_works_once(client, there):
    state = set_out(client, there)
    come_back(client, state)
    cookies = dict(client.cookies)
    replayed = come_back(client, state)

    assert replayed.json()["code"] == "challenge_unusable"
    assert dict(client.cookies) == cookies
    assert there.asked["token"] == 1


def test_an_answer_that_was_kept_with_its_cookie_works_once_too(client, there):
    state = set_out(client, there)
    thief = stranger(client.app)
    thief.cookies.update(dict(client.cookies))
    come_back(client, state)

    assert come_back(thief, state).json()["code"] == "challenge_unusable"
    assert SESSION not in thief.cookies


def test_an_answer_for_another_browser_is_not_even_exchanged(client, there):
    """Otherwise an attacker's own answer would sign the victim in as the attacker."""
    attackers_state = set_out(stranger(client.app), there)
    for victim in (client, stranger(client.app)):
        answer = come_back(victim, attackers_state)
        assert answer.json()["code"] == "challenge_unusable"
        assert SESSION not in victim.cookies
    set_out(client, there)  # a victim who set out as well

    assert come_back(client, attackers_state).json()["code"] == "challenge_unusable"
    assert there.asked["token"] == 0


def test_an_answer_without_its_state_is_not_even_exchanged(client, there):
    for state in ("", "x", "A" * 43, None, "가" * 20):
        set_out(client, there)
        assert come_back(client, state).json()["code"] == "challenge_unusable"
    assert there.asked["token"] == 0


def test_an_answer_that_comes_too_late_is_refused(client, there):
    state = set_out(client, there)
    with client.app.state.database.session() as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(
            text("UPDATE signin_challenges SET expires_at = :past"), {"past": past.isoformat(" ")}
        )

    assert come_back(client, state).json()["code"] == "challenge_unusable"


def test_a_code_of_one_provider_is_never_shown_to_another(client, there, elsewhere):
    """A dishonest provider mixes its sign-in up with an honest one's to get its code."""
    state = set_out(client, there)

    assert come_back(client, state, name="uni").json()["code"] == "challenge_unusable"
    assert (there.asked["token"], elsewhere.asked["token"]) == (0, 0)


def test_an_answer_that_names_another_provider_is_refused_and_recorded(client, there, elsewhere):
    answer = come_back(client, set_out(client, there), iss=elsewhere.issuer)

    assert answer.json()["code"] == "provider_answer_wrong"
    assert there.asked["token"] == 0
    assert len(refusals(client)) == 1
    assert "issuer" in refusals(client)[0]


def test_a_forged_token_signs_nobody_in_and_is_on_record(client, there):
    """The whole corpus stands in `test_id_tokens`; this is the way of some through the house."""
    forgeries = [
        ({"nonce": "m" * 43}, {}, "nonce"),
        ({"aud": "another"}, {}, "audience"),
        ({"iss": "https://evil.example"}, {}, "issuer"),
        ({}, {"key": STRANGERS_RSA}, "signature"),
        ({}, {"algorithm": "RS384"}, "algorithm"),
    ]
    for claims, signing, _ in forgeries:
        there.claims, there.signing = {}, signing
        state = set_out(client, there)
        there.claims.update(claims)
        answer = come_back(client, state)
        assert (answer.status_code, answer.json()["code"]) == (403, "provider_answer_wrong")
        assert SESSION not in client.cookies
        there.claims, there.signing = {}, {}
        assert come_back(client, state).json()["code"] == "challenge_unusable"

    recorded = zip(refusals(client), forgeries, strict=True)
    assert [reason for said, (_, _, reason) in recorded if reason not in said] == []


def test_who_turned_back_at_the_provider_is_told_so(client, there):
    state = set_out(client, there)
    answer = come_back(client, state, code=None, error="access_denied")

    assert (answer.status_code, answer.json()["code"]) == (403, "provider_refused")
    assert come_back(client, state).json()["code"] == "challenge_unusable"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_cannot_have_a_browser_set_out(client, there, site):
    answer = client.get("/sign-in/with/gov", headers={"Sec-Fetch-Site": site})

    assert answer.headers["location"] == "/sign-in"
    assert rows(client, "SELECT id FROM signin_challenges") == []
    assert there.asked.total() == 0


def test_no_address_in_a_request_leads_anywhere(client, there):
    asked = client.get(
        "/sign-in/with/gov?next=https://evil.example&redirect_uri=https://evil.example&adopt=0",
        headers={"Referer": "https://evil.example/", "X-Forwarded-Host": "evil.example"},
    )
    assert asked_for(asked)["redirect_uri"] == "http://127.0.0.1:8700/sign-in/back/gov"
    assert asked.headers["location"].startswith(f"{there.issuer}/auth?")
    there.claims["nonce"] = asked_for(asked)["nonce"]
    answer = come_back(client, asked_for(asked)["state"], next="//evil.example")

    assert answer.headers["location"] == "/"


def test_nothing_that_is_kept_ends_a_sign_in(client):
    asked = asked_for(client.get("/sign-in/with/gov"))
    secret = client.cookies["hunmin_sign_in_with"]
    kept = str(rows(client, "SELECT * FROM signin_challenges"))

    for shown in (asked["state"], asked["nonce"], secret):
        assert shown not in kept
    assert len({asked["state"], asked["nonce"], asked["code_challenge"], secret}) == 4


def test_the_secret_of_a_sign_in_is_out_of_reach_of_scripts_and_short_lived(client, there):
    said = client.get("/sign-in/with/gov").headers["set-cookie"]

    for part in ("hunmin_sign_in_with=", "HttpOnly", "SameSite=Lax", "Max-Age=600"):
        assert part in said
    answer = come_back(client, set_out(client, there))
    assert "hunmin_sign_in_with" not in client.cookies
    assert answer.headers["cache-control"] == "no-store"


def test_a_provider_that_is_away_leaves_nothing_behind(client, there):
    there.discovery = {"issuer": "https://evil.example"}
    answer = client.get("/sign-in/with/gov")

    assert answer.json()["code"] == "provider_answer_wrong"
    assert rows(client, "SELECT id FROM signin_challenges") == []
    assert client.get("/sign-in").status_code == 200


@pytest.mark.parametrize("name", ["nobody", "x" * 33, "GOV", "..%2fgov"])
def test_a_provider_nobody_knows_is_said_so(client, name):
    assert client.get(f"/sign-in/with/{name}").status_code in {404, 422}
    assert client.get(f"/sign-in/back/{name}?state=x&code={CODE}").status_code in {404, 422}


def test_a_disabled_account_stays_shut(client, there):
    sign_in_abroad(client, there)
    with open_act(client.app.state.database, SYSTEM) as act:
        accounts.disable_user(act, accounts.list_users(act)[0].id)
    answer = sign_in_abroad(stranger(client.app), there)

    assert answer.json()["code"] == "identity_unknown"


def test_whatever_somebody_is_called_there_they_get_a_name_that_can_be_one(client, there):
    names = (
        "<script>alert(1)</script>",
        "\u202enimda",
        "",
        "a" * 500,
        "_",
        "\ud83d",
        "다나",
        "다나",
    )
    for number, name in enumerate(names):
        there.claims = {"name": name, "sub": f"person-{number}"}
        browser = stranger(client.app)
        assert sign_in_abroad(browser, there).status_code == 303
        assert set("<>\u202e").isdisjoint(user_of(browser)["name"])


# Linking.


def link(client, there, name: str = "gov"):
    """Link the account of a browser that is signed in."""
    client.post(f"/account/providers/{name}/link")
    asked = asked_for(client.get(f"/account/providers/{name}/go"))
    there.claims["nonce"] = asked["nonce"]
    return come_back(client, asked["state"], name=name)


@pytest.mark.parametrize("create", [False])
def test_an_account_that_was_linked_is_opened_from_then_on(client, there):
    sign_in(client)
    assert link(client, there).headers["location"] == "/account/providers"
    assert client.get("/account/providers.json").json()["providers"][0]["linked"]
    other = stranger(client.app)
    sign_in_abroad(other, there)

    assert user_of(other)["name"] == "dana"
    client.post("/account/providers/gov/unlink")
    assert sign_in_abroad(stranger(client.app), there).json()["code"] == "identity_unknown"


def test_who_belongs_to_another_account_cannot_be_linked(client, there):
    sign_in_abroad(stranger(client.app), there)
    sign_in(client)

    assert link(client, there).json()["code"] == "identity_taken"
    assert not client.get("/account/providers.json").json()["providers"][0]["linked"]


def test_another_site_cannot_have_an_account_linked(client):
    sign_in(client)
    asked = client.post("/account/providers/gov/link", headers={"Sec-Fetch-Site": "cross-site"})

    assert asked.status_code == 403
    assert client.get("/account/providers/gov/go").json()["code"] == "challenge_unusable"


def test_an_attackers_answer_cannot_be_linked_to_a_victims_account(client):
    attacker, victim = sign_in(stranger(client.app), "mallory"), sign_in(client)
    attacker.post("/account/providers/gov/link")
    asked = asked_for(attacker.get("/account/providers/gov/go"))
    victim.post("/account/providers/gov/link")
    assert come_back(victim, asked["state"]).json()["code"] == "challenge_unusable"
    # Nor with the attacker's cookie, which a site beside ours could have set.
    victim.cookies.set("hunmin_link_with", attacker.cookies["hunmin_link_with"])

    assert come_back(victim, asked["state"]).json()["code"] == "challenge_unusable"
    assert rows(client, "SELECT user_id FROM signin_identities") == []


def test_who_set_out_to_sign_in_cannot_come_back_to_link_and_the_other_way_round(client, there):
    sign_in(client)
    state = set_out(client, there)
    client.cookies.set("hunmin_link_with", client.cookies["hunmin_sign_in_with"])
    client.cookies.delete("hunmin_sign_in_with")
    assert come_back(client, state).json()["code"] == "challenge_unusable"

    client.cookies.delete("hunmin_link_with")
    client.post("/account/providers/gov/link")
    state = asked_for(client.get("/account/providers/gov/go"))["state"]
    client.cookies.set("hunmin_sign_in_with", client.cookies["hunmin_link_with"])
    client.cookies.delete("hunmin_link_with")
    assert come_back(client, state).json()["code"] == "challenge_unusable"
    assert there.asked["token"] == 0


def test_a_link_begun_before_signing_out_cannot_be_ended_after(client):
    sign_in(client)
    client.post("/account/providers/gov/link")
    state = asked_for(client.get("/account/providers/gov/go"))["state"]
    sign_in(client, "minsu")

    assert come_back(client, state).json()["code"] == "challenge_unusable"


def test_guests_and_strangers_link_nothing(client):
    assert client.post("/account/providers/gov/link").status_code == 401
    client.post("/chat", data={"text": "안녕"})
    assert client.post("/account/providers/gov/link").status_code == 401
    assert client.post("/account/providers/gov/unlink").status_code == 401
