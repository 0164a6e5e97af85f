"""People at browsers, as tests of signing in drive them."""

from datetime import UTC, datetime, timedelta

from fastapi import FastAPI
from pyotp import TOTP
from sqlalchemy import text
from starlette.testclient import TestClient

from hunmin.accounts.tables import SessionRow
from hunmin.signin.tables import AttemptRow, TotpRow
from tests.support.desk import sign_in, stranger

GOOD = "여름밤 자전거 도토리묵 우체통"
HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}


def with_password(client: TestClient, name: str = "dana", *roles: str) -> TestClient:
    """Sign somebody in by a link and set their password."""
    sign_in(client, name, *roles)
    answer = client.post("/account/password", data={"password": GOOD})
    assert answer.status_code == 303, answer.text
    return client


def with_second(client: TestClient, name: str = "dana", *roles: str) -> tuple[TOTP, list[str]]:
    """Give somebody a password and an authenticator app; return the app and recovery codes."""
    with_password(client, name, *roles)
    begun = client.post("/account/second-factor", headers=JSON).json()
    app = TOTP(begun["secret"].replace(" ", ""))
    sent = {"code": app.now()}
    confirmed = client.post("/account/second-factor/confirm", data=sent, headers=JSON)
    assert confirmed.status_code == 200, confirmed.text
    return app, confirmed.json()["codes"]


def by_password(app: FastAPI, name: str = "dana", password: str = GOOD) -> TestClient:
    """Return a further browser that has shown name and password."""
    client = stranger(app)
    client.answer = client.post("/sign-in/password", data={"name": name, "password": password})
    return client


def is_signed_in(client: TestClient) -> bool:
    return client.get("/account.json").status_code == 200


def code_of(answer) -> str:
    return answer.json()["code"]


def events(app: FastAPI, prefix: str) -> list[str]:
    """Return the kinds of events there are, of those that begin so."""
    with app.state.database.session(read_only=True) as session:
        kinds = session.scalars(text("SELECT kind FROM audit_events ORDER BY id"))
        return [kind for kind in kinds if kind.startswith(prefix)]


def forget_failures(app: FastAPI) -> None:
    with app.state.database.session() as session:
        session.query(AttemptRow).delete()


def forget_steps(app: FastAPI) -> None:
    """Have codes that were taken count again, as after half a minute."""
    with app.state.database.session() as session:
        session.query(TotpRow).update({TotpRow.last_step: -1})


def make_old(app: FastAPI) -> None:
    """Have every proof be of an hour ago."""
    with app.state.database.session() as session:
        ago = datetime.now(UTC) - timedelta(hours=1)
        session.query(SessionRow).update({SessionRow.proved_at: ago})
