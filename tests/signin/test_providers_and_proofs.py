"""What a provider's word is worth beside a second factor, a proof, and somebody else's link."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from hunmin import accounts
from hunmin.act import Actor, open_act
from hunmin.settings import Settings
from tests.signin import abroad
from tests.signin.abroad import asked_for, come_back, sign_in_abroad
from tests.signin.people import code_of, forget_steps, is_signed_in, make_old, with_second
from tests.support.desk import make_app, sign_in, stranger


@pytest.fixture
def there():
    """Give the provider `gov`."""
    with abroad.running() as provider:
        yield provider


@pytest.fixture
def options():
    """Say what the settings of the provider hold beside its address."""
    return {}


@pytest.fixture
def settings(tmp_path, there, options):
    """Give settings with a provider."""
    provider = {"client_id": "hunmin", "issuer": there.issuer, "create": True, **options}
    providers = {"providers": {"gov": provider}}
    return Settings.load(
        data=tmp_path / "var", web__port=0, worker__embedded=False, accounts=providers
    )


def connect(client, there):
    """Connect the account of a browser that is signed in."""
    begun = client.post("/account/providers/gov/link")
    if begun.status_code != 200:
        return begun
    asked = asked_for(client.get("/account/providers/gov/go"))
    there.claims["nonce"] = asked["nonce"]
    return come_back(client, asked["state"])


def begun_in(app) -> int:
    with app.state.database.session(read_only=True) as session:
        return session.scalar(text("SELECT count(*) FROM signin_challenges WHERE kind = 'oidc'"))


def test_a_provider_is_one_factor_and_no_way_around_the_second(app, client, there):
    phone, _ = with_second(client)
    connect(client, there)
    other = stranger(app)
    answer = sign_in_abroad(other, there)

    assert answer.headers["location"] == "/sign-in/second"
    assert not is_signed_in(other)
    forget_steps(app)
    assert other.post("/sign-in/second", data={"code": phone.now()}).status_code == 303
    assert is_signed_in(other)


@pytest.mark.parametrize("options", [{"second_factor": True}])
def test_a_provider_whose_word_counts_may_have_asked_for_both(app, client, there):
    with_second(client)
    connect(client, there)
    there.claims = {"amr": ["pwd"]}
    assert sign_in_abroad(stranger(app), there).headers["location"] == "/sign-in/second"
    there.claims = {"amr": ["pwd", "mfa"]}
    other = stranger(app)

    assert sign_in_abroad(other, there).headers["location"] == "/"
    assert is_signed_in(other)


def test_a_stolen_browser_cannot_connect_the_thiefs_account_nor_disconnect(app, client, there):
    sign_in(client)
    make_old(app)
    assert code_of(connect(client, there)) == "proof_needed"
    assert begun_in(app) == 0

    sign_in(client)
    assert connect(client, there).status_code == 303
    make_old(app)
    assert code_of(client.post("/account/providers/gov/unlink")) == "proof_needed"
    assert client.get("/account/providers.json").json()["providers"][0]["linked"]


def test_signing_in_again_is_a_proof(app, client, there):
    sign_in_abroad(client, there)
    make_old(app)
    assert code_of(client.post("/account/providers/gov/unlink")) == "proof_needed"
    sign_in_abroad(client, there)

    assert client.post("/account/providers/gov/unlink").status_code == 303


def test_who_came_by_an_administrators_link_connects_nothing(app, client, there):
    owner = sign_in(client).get("/account.json").json()["user"]
    administrator = sign_in(stranger(app), "minji", "administrator")
    made_by = administrator.get("/account.json").json()["user"]
    actor = Actor(
        user_id=made_by["id"], roles=frozenset({"administrator"}), proved_at=datetime.now(UTC)
    )
    with open_act(app.state.database, actor) as act:
        link = accounts.create_sign_in_link(act, owner["id"])
    intruder = stranger(app)
    intruder.post("/sign-in", data={"link": link})

    assert code_of(connect(intruder, there)) == "session_not_own"
    assert begun_in(app) == 0


def test_behind_a_proxy_the_secret_of_a_sign_in_is_this_hosts_alone(
    settings, engine, migrated_file, there
):
    web = settings.web.model_copy(update={"public_url": "https://chat.example.kr"})
    app = make_app(settings.model_copy(update={"web": web}), engine, migrated_file)
    address = "https://chat.example.kr"
    with TestClient(app, base_url=address, follow_redirects=False) as client:
        answer = client.get("/sign-in/with/gov")
        assert answer.headers["set-cookie"].startswith("__Host-hunmin_sign_in_with=")
        assert asked_for(answer)["redirect_uri"] == f"{address}/sign-in/back/gov"
        there.claims["nonce"] = asked_for(answer)["nonce"]

        assert come_back(client, asked_for(answer)["state"]).headers["location"] == "/"
        assert is_signed_in(client)
