"""Two organizations in one house, with everything a tenant may have, all of it marked.

A new route that names a thing in its address or body needs a maker in `MAKERS`, which tells which
ids of a tenant it may be; `test_tenants.py` then asks the route in the name of the other tenant.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from fastapi import FastAPI
from sqlalchemy import inspect, text
from starlette.testclient import TestClient

from hunmin import accounts, billing, documents, organizations
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.db import Database
from tests.support import devices
from tests.support.authenticator import Authenticator
from tests.support.brought import bring_and_read
from tests.support.collections import LAW, make_laws
from tests.support.desk import make_link, stranger

CHAT = "/chat/api/conversations"


@dataclass
class Tenant:
    """An organization with its people, programs and things, each marked with the canary."""

    canary: str
    """Stands in every name and text of the tenant, and nowhere else."""
    ids: dict[str, list[str]] = field(default_factory=dict)
    """The ids of its things, by the name of the parameter that asks for one."""
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    """What its people and programs show to say who they are."""

    def has(self, name: str, *ids: str) -> None:
        """Note that these are things of the tenant."""
        self.ids.setdefault(name, []).extend(ids)

    @property
    def marks(self) -> list[str]:
        """Return what must never be seen by another tenant."""
        return [self.canary, *(one for ids in self.ids.values() for one in ids)]


MAKERS: Mapping[str, Callable[[Tenant], list[str]]] = {
    "conversation_id": lambda tenant: tenant.ids["conversation_id"],
    "message_id": lambda tenant: tenant.ids["message_id"],
    "folder_id": lambda tenant: tenant.ids["folder_id"],
    "share_id": lambda tenant: tenant.ids["share_id"],
    "parent_id": lambda tenant: tenant.ids["message_id"],
    "key_id": lambda tenant: tenant.ids["key_id"],
    "passkey_id": lambda tenant: tenant.ids["passkey_id"],
    "session_id": lambda tenant: tenant.ids["session_id"],
    "user_id": lambda tenant: tenant.ids["user_id"],
    "organization_id": lambda tenant: tenant.ids["organization_id"],
    "project_id": lambda tenant: tenant.ids["project_id"],
    "invitation_id": lambda tenant: tenant.ids["invitation_id"],
    "budget_id": lambda tenant: tenant.ids["budget_id"],
    "invoice_id": lambda tenant: tenant.ids["invoice_id"],
    "owner_id": lambda tenant: tenant.ids["user_id"],
    "file_id": lambda tenant: tenant.ids["file_id"],
    "input_file_id": lambda tenant: tenant.ids["file_id"],
    "batch_id": lambda tenant: tenant.ids["batch_id"],
    "collection_id": lambda tenant: tenant.ids["collection_id"],
}
"""What a parameter of that name may be, where it names a thing of a tenant."""

NO_THINGS = {
    "model": "models are served to everybody; a key's own list is tested with its scopes",
    "name": "a run is watched by roles of the house, whoever trained it",
    "run": "a run is watched by roles of the house, whoever trained it",
    "secret": "the secret of a link is itself the permission",
    "link": "the secret of a link is itself the permission",
    "previous_response_id": "only null is taken: nothing is kept between requests",
    "provider": "providers are everybody's; who is linked to one is found by who asks",
    "version": "files of the pages are everybody's",
    "key": "a passage is asked for in its collection, which is a tenant's",
    "place": "a passage is asked for in its file, which is a tenant's",
}
"""Parameters that name no thing of a tenant, and why."""


def make_tenants(app: FastAPI) -> tuple[Tenant, Tenant]:
    """Return two tenants of a started application, alike in everything but their marks."""
    return _make_tenant(app, "Garamjjok"), _make_tenant(app, "Nadeulmok")


def _make_tenant(app: FastAPI, canary: str) -> Tenant:
    made = Tenant(canary)
    owner, member = _person(app, made, "owner"), _person(app, made, "member")
    with open_act(app.state.database, SYSTEM) as act:
        organization = organizations.create_organization(
            act, name=f"{canary} institute", owner_id=owner.user_id
        )
    with open_act(app.state.database, owner) as act:
        project = organizations.create_project(act, organization.id, name=f"{canary} project")
        link = organizations.invite(act, organization.id, role="member")
        organizations.invite(act, organization.id, role="billing")
        made.has(
            "invitation_id",
            *(one.id for one in organizations.list_invitations(act, organization.id)),
        )
        where = (organization.id, project.id)
        account, service = organizations.create_service_account(act, *where, name=f"{canary} robot")
        admin = organizations.create_admin_key(act, organization.id, name=f"{canary} admin")
        budget_id = billing.set_budget(
            act,
            organization.id,
            project_id=project.id,
            unit="tokens",
            amount=10**6,
            period="month",
            hard=False,
        )
        made.has("budget_id", budget_id)
        every = accounts.create_key(act, name=f"{canary} all", scopes=accounts.SCOPES)
    with open_act(app.state.database, member) as act:
        organizations.join(act, link)
    with open_act(app.state.database, owner) as act:
        organizations.add_to_project(act, *where, member.user_id or "", role="developer")
    with open_act(app.state.database, member) as act:
        own = organizations.create_project_key(act, *where, name=f"{canary} own")
    made.has("organization_id", organization.id)
    made.has("project_id", project.id)
    made.has("user_id", account.user_id)
    keys = {"service key": service, "organization's key": admin, "key for all": every}
    for who, key in keys.items():
        made.headers[who] = {"Authorization": f"Bearer {key.secret}"}
    made.has("key_id", own.key.id, *(key.key.id for key in keys.values()))
    _invoice(app, made, service)
    for who in ("owner", "member", "guest"):
        _converse(app, made, who)
    _ask_in_a_batch(app, made)
    laws = make_laws(app.state.settings.data / canary, f"{LAW} {canary}", title=canary)
    with open_act(app.state.database, SYSTEM) as act:
        collection = documents.publish_collection(
            act,
            laws,
            name=f"{canary} laws",
            seen_by="organization",
            organization_id=organization.id,
        )
    made.has("collection_id", collection.id)
    return made


def _person(app: FastAPI, made: Tenant, who: str) -> Actor:
    name = f"{made.canary} {who}"
    client = devices.browser(app)
    client.post("/sign-in", data={"link": make_link(app, name)})
    device = Authenticator(credential_id=name.encode())
    devices.add(client, device, name=f"{name}'s")
    made.has("passkey_id", *(one["id"] for one in devices.passkeys_of(client)))
    made.headers[who] = {"Cookie": f"hunmin_session={client.cookies['hunmin_session']}"}
    shown = client.get("/account.json").json()
    made.has("user_id", shown["user"]["id"])
    made.has("session_id", *(session["id"] for session in shown["sessions"]))
    return Actor(
        user_id=shown["user"]["id"],
        roles=frozenset({"person"}),
        kind="person",
        proved_at=datetime.now(UTC),
    )


def _converse(app: FastAPI, made: Tenant, who: str) -> None:
    """Have somebody of a tenant ask something; the guest becomes one by it."""
    client = stranger(app)
    begun = client.post("/chat", data={"text": f"{made.canary}?"}, headers=made.headers.get(who))
    assert begun.status_code == 303, begun.text
    if who == "guest":
        made.headers[who] = {"Cookie": f"hunmin_session={client.cookies['hunmin_session']}"}
    client.cookies.clear()
    listed = client.get(CHAT, headers=made.headers[who]).json()["conversations"]
    for conversation in listed:
        shown = client.get(f"{CHAT}/{conversation['id']}", headers=made.headers[who]).json()
        made.has("conversation_id", shown["id"])
        made.has("message_id", *(message["id"] for message in shown["messages"]))
        if who != "guest":
            answer = f"{CHAT}/{shown['id']}/messages/{shown['messages'][-1]['id']}"
            said = {"verdict": "good", "words": made.canary, "may_train": True, "notice": 1}
            rated = client.put(f"{answer}/feedback", json=said, headers=made.headers[who])
            assert rated.status_code == 200, rated.text
            address = f"{CHAT}/{conversation['id']}/shares"
            shared = client.post(address, json={}, headers=made.headers[who]).json()
            made.has("share_id", shared["share"]["id"])
    named = {"name": f"{made.canary} folder"}
    folder = client.post("/chat/api/folders", json=named, headers=made.headers[who])
    text = f"{made.canary} text".encode()
    file = bring_and_read(client, f"{made.canary}.txt", text, headers=made.headers[who])
    made.has("file_id", file["id"])
    made.has("folder_id", folder.json()["id"])


def _invoice(app: FastAPI, made: Tenant, key: accounts.KeyMade) -> None:
    """Have a program of a tenant use something long ago, and invoice it."""
    (organization_id,), (project_id,) = made.ids["organization_id"], made.ids["project_id"]
    program = Actor(
        user_id=key.key.user_id,
        kind="key",
        key_id=key.key.id,
        organization_id=organization_id,
        project_id=project_id,
    )
    used = billing.Used(prompt_tokens=0, cached_tokens=0, completion_tokens=9, failed=False)
    charge = billing.Charge(
        billing.KnownTerms(), model="paper", prompt_tokens=0, completion_tokens_max=9
    )
    then = datetime(2025, 3, 9, tzinfo=UTC)
    with open_act(app.state.database, SYSTEM, now=then) as act:
        if not billing.all_prices(act):
            billing.set_price(act, billing.Price("paper", "", then.date(), 0, 0, 10**6))
    with open_act(app.state.database, program, now=then) as act:
        charge.reserve(act, admission_id=made.canary, deadline_at=datetime.now(UTC))
        charge.settle(act, admission_id=made.canary, used=used)
    with open_act(app.state.database, SYSTEM) as act:
        invoice_id = billing.issue_invoice(act, organization_id, date(2025, 3, 1))
    made.has("invoice_id", invoice_id)


def _ask_in_a_batch(app: FastAPI, made: Tenant) -> None:
    """Have a program of a tenant hand in a batch that waits."""
    client, headers = stranger(app), made.headers["service key"]
    asked = {
        "custom_id": made.canary,
        "method": "POST",
        "url": "/v1/completions",
        "body": {"model": "paper", "prompt": made.canary},
    }
    file = client.post(
        "/v1/files",
        files={"file": (f"{made.canary}.jsonl", json.dumps(asked).encode())},
        data={"purpose": "batch"},
        headers=headers,
    )
    made.has("file_id", file.json()["id"])
    body = {
        "input_file_id": file.json()["id"],
        "endpoint": "/v1/completions",
        "completion_window": "24h",
        "metadata": {"for": made.canary},
    }
    batch = client.post("/v1/batches", json=body, headers=headers)
    made.has("batch_id", batch.json()["id"])


def rows_of(database: Database, tenant: Tenant) -> str:
    """Return a hash over every row that speaks of a tenant, in whatever table."""
    digest = hashlib.sha256()
    marks = tenant.marks
    with database.session(read_only=True) as session:
        for table in sorted(inspect(session.connection()).get_table_names()):
            if table in {"audit_seals", "jobs", "alembic_version"}:
                continue  # the house's own work
            rows = session.execute(text(f"SELECT * FROM {table}"))  # noqa: S608 (a table of ours)
            told = sorted(repr(tuple(row)) for row in rows)
            for row in told:
                if any(mark in row for mark in marks):
                    digest.update(f"{table} {row}\n".encode())
    return digest.hexdigest()


class Restorer:
    """Brings an SQLite database back to how it was, under the application that has it open."""

    def __init__(self, database: Database) -> None:
        self._file = database.url.database
        self._kept = sqlite3.connect(":memory:", check_same_thread=False)
        self._copy(to_file=False)

    def restore(self) -> None:
        """Undo whatever was done since."""
        self._copy(to_file=True)

    def close(self) -> None:
        """Forget how it was."""
        self._kept.close()

    def _copy(self, *, to_file: bool) -> None:
        live = sqlite3.connect(self._file, timeout=30)
        source, target = (self._kept, live) if to_file else (live, self._kept)
        source.backup(target)
        live.close()


def ask(client: TestClient, who: Mapping[str, str], method: str, address: str, **sent: object):
    """Send one request with nothing but what somebody shows."""
    client.cookies.clear()
    return client.request(method, address, headers=dict(who), **sent)
