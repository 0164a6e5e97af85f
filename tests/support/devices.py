"""Browsers with devices that hold passkeys, as tests drive them."""

from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.support.authenticator import Authenticator
from tests.support.desk import stranger

ADDRESS = "http://localhost:8700"
"""An address browsers have passkeys for: a name, of this machine."""

COOKIE = "hunmin_passkey"


def at_its_name(client: TestClient) -> TestClient:
    """Have a browser come to the service by its name."""
    client.base_url = ADDRESS
    return client


def browser(app: FastAPI) -> TestClient:
    """Return a further browser that comes by the name."""
    return at_its_name(stranger(app))


def asked(client: TestClient, path: str) -> dict[str, Any]:
    """Return what a browser is asked for."""
    answer = client.post(f"{path}/begin")
    assert answer.status_code == 200, answer.text
    return answer.json()["options"]


def add(client: TestClient, device: Authenticator, name: str = "노트북", **wrong: Any):
    """Have a browser add the passkey of a device."""
    options = asked(client, "/account/passkeys")
    body = {"answer": device.make(options, **wrong), "name": name}
    return client.post("/account/passkeys/finish", json=body)


def show(client: TestClient, device: Authenticator, path: str = "/sign-in/passkey", **wrong: Any):
    """Have a browser show the passkey of a device."""
    options = asked(client, path)
    return client.post(f"{path}/finish", json={"answer": device.show(options, **wrong)})


def passkeys_of(client: TestClient) -> list[dict[str, Any]]:
    """Return the passkeys of whoever is signed in."""
    return client.get("/account/security.json").json()["security"]["passkeys"]
