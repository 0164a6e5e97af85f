"""Who is at the door: guests, people and keys, and what each request leaves behind."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from hunmin import accounts
from hunmin.accounts import actions
from hunmin.accounts.door import STRANGER
from hunmin.accounts.tables import SessionRow, UserRow
from hunmin.act import SYSTEM, open_act
from hunmin.audit.tables import EventRow
from hunmin.settings import Settings
from tests.support.desk import make_key, make_link, sign_in, stranger

COOKIE = "hunmin_session"


def count(app, table) -> int:
    with app.state.database.session(read_only=True) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def begin_conversation(client):
    return client.post("/chat", data={"text": "안녕하세요?"})


def test_looking_makes_no_account(app, client):
    for path in ("/chat", "/sign-in", "/docs", "/chat.json"):
        assert client.get(path).status_code == 200

    assert count(app, UserRow) == 0
    assert COOKIE not in client.cookies


def test_a_guests_account_is_made_by_the_first_thing_they_do(app, client):
    assert begin_conversation(client).status_code in {200, 303}
    first = client.cookies[COOKIE]
    assert begin_conversation(client).status_code in {200, 303}

    assert count(app, UserRow) == 1
    assert client.cookies[COOKIE] == first


@pytest.mark.parametrize(
    ("method", "path", "form", "body", "status"),
    [
        ("POST", "/chat/api/conversations", None, {}, 422),
        ("POST", "/chat/api/conversations", None, {"text": " "}, 422),
        ("POST", "/chat/api/conversations", None, {"text": "안녕", "model": "none"}, 404),
        ("POST", "/chat", {}, None, 422),
        ("POST", "/chat", {"text": " "}, None, 422),
        ("POST", f"/chat/c/{'0' * 26}", {"text": "안녕"}, None, 404),
        ("DELETE", "/chat/api/conversations", None, None, 204),
    ],
)
def test_a_stranger_for_whom_nothing_is_kept_stays_a_stranger(
    app, client, method, path, form, body, status
):
    answer = client.request(method, path, data=form, json=body)

    assert answer.status_code == status
    assert count(app, UserRow) == count(app, SessionRow) == count(app, EventRow) == 0
    assert COOKIE not in client.cookies


def test_two_guests_do_not_see_each_other(app, client):
    begin_conversation(client)
    other = stranger(app)
    begin_conversation(other)

    mine = client.get("/chat.json").json()["listed"]["conversations"]
    theirs = other.get("/chat.json").json()["listed"]["conversations"]
    assert len(mine) == len(theirs) == 1
    assert mine[0]["id"] != theirs[0]["id"]


def test_a_guest_has_no_account_page(client):
    begin_conversation(client)

    assert client.get("/account").status_code == 401


class TestWithoutGuests:
    """Where guests are not welcome."""

    @pytest.fixture
    def settings(self, tmp_path) -> Settings:
        return Settings.load(data=tmp_path / "var", accounts__guests=False)

    def test_a_stranger_can_neither_look_nor_chat(self, app, client):
        assert client.get("/chat").status_code == 401
        assert begin_conversation(client).status_code == 401
        assert count(app, UserRow) == 0

    def test_a_person_and_a_key_can(self, app, client):
        assert sign_in(client).get("/chat").status_code == 200
        by_key = stranger(app)
        by_key.headers["Authorization"] = f"Bearer {make_key(app, scopes=['chat'])}"
        assert by_key.get("/chat.json").status_code == 200

    def test_a_guest_from_before_is_a_stranger_now(self, app, client):
        with open_act(app.state.database, STRANGER) as act:
            opened = accounts.welcome_guest(act, days=30)
        client.cookies.set(COOKIE, opened.secret)
        assert client.get("/chat").status_code == 401


def test_the_first_use_of_a_day_is_noted_once_and_lengthens_the_session(app, client):
    sign_in(client)
    with app.state.database.session() as session:
        row = session.scalars(select(SessionRow)).one()
        row.used_on -= timedelta(days=3)
        row.expires_at -= timedelta(days=3)
        before = row.expires_at
    answer = client.get("/account")
    again = client.get("/account")

    with app.state.database.session(read_only=True) as session:
        assert session.scalars(select(SessionRow)).one().expires_at > before
    assert COOKIE in answer.headers["set-cookie"]
    assert "set-cookie" not in again.headers


def titles(client) -> list[str]:
    listed = client.get("/chat.json").json()["listed"]["conversations"]
    return [conversation["title"] for conversation in listed]


def test_a_guest_who_signs_in_may_take_their_conversations_along(app, client):
    begin_conversation(client)
    link = make_link(app)
    page = client.get(f"/sign-in/{link}", headers={"Accept": "text/html"}).text
    assert 'name="adopt"' in page
    client.post("/sign-in", data={"link": link, "adopt": "true"})

    assert titles(client) == ["안녕하세요?"]
    assert client.get("/account").status_code == 200


def test_without_being_asked_nothing_is_taken_along(app, client):
    begin_conversation(client)
    client.post("/sign-in", data={"link": make_link(app)})

    assert titles(client) == []


def test_only_a_guests_conversations_can_be_taken_along(app, client):
    sign_in(client, "dana")
    begin_conversation(client)
    link = make_link(app, "minji")
    assert 'name="adopt"' not in client.get(f"/sign-in/{link}").text
    client.post("/sign-in", data={"link": link, "adopt": "true"})

    assert titles(client) == []
    assert titles(sign_in(stranger(app), "dana")) == ["안녕하세요?"]


def test_what_a_forgotten_guest_wrote_is_gone_too(app, client):
    begin_conversation(client)
    with open_act(app.state.database, SYSTEM, now=datetime.now(UTC) + timedelta(days=31)) as act:
        assert actions.sweep(act) == 1
    with app.state.database.session(read_only=True) as session:
        for table in ("accounts_users", "chat_conversations", "chat_messages"):
            assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0  # noqa: S608
