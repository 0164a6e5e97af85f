"""Order and wishes over HTTP: folders, what a change names, and what the model is told."""

import pytest

from hunmin import accounts
from hunmin.act import SYSTEM, open_act
from tests.chat.conftest import API, ask
from tests.fakes import MODEL, ScriptedEngine
from tests.support.desk import sign_in, stranger

FOLDERS = "/chat/api/folders"
PREFERENCES = "/chat/api/preferences"


@pytest.fixture
def settings(settings):
    """Give settings with words of the operator."""
    said = settings.chat.model_copy(update={"system_prompt": "운영자."})
    return settings.model_copy(update={"chat": said})


@pytest.fixture
def engine():
    """Give an engine with two models."""
    return ScriptedEngine(models=(MODEL, "other"))


def make_folder(client, name="민원", **said):
    made = client.post(FOLDERS, json={"name": name, **said})
    assert made.status_code == 201, made.text
    return made.json()["id"]


def change(client, told, **changes):
    return client.patch(f"{API}/{told.conversation_id}", json=changes)


def test_a_change_changes_what_it_names_and_nothing_else(client):
    told = ask(client, "이사")
    folder_id = make_folder(client)
    change(client, told, folder_id=folder_id, system_prompt="짧게.")
    change(client, told, pinned=True, temperature=0.5)
    shown = client.get(f"{API}/{told.conversation_id}").json()

    assert shown["title"] == "이사"
    assert (shown["folder_id"], shown["pinned"], shown["archived"]) == (folder_id, True, False)
    assert (shown["system_prompt"], shown["temperature"]) == ("짧게.", 0.5)
    assert change(client, told, folder_id=None, archived=True).json()["folder_id"] is None
    assert client.get(API).json()["conversations"] == []


def test_of_a_change_that_is_refused_nothing_is_kept(client):
    told = ask(client, "이사")
    answer = change(client, told, title="새 제목", temperature=9)

    assert answer.status_code == 422
    assert answer.json()["code"] == "preference_unfit"
    assert client.get(f"{API}/{told.conversation_id}").json()["title"] == "이사"


def test_the_operator_speaks_first_then_folder_conversation_and_person(client, engine):
    folder_id = make_folder(client, system_prompt="폴더.")
    client.put(PREFERENCES, json={"system_prompt": "나.", "temperature": 0.2})
    told = ask(client, "안녕", folder_id=folder_id)
    change(client, told, system_prompt="대화.", temperature=1.1)
    ask(client, "또", told)

    first, second = engine.generations
    assert first.messages[0].content == "운영자.\n\n폴더.\n\n나."
    assert second.messages[0].content == "운영자.\n\n폴더.\n\n대화.\n\n나."
    assert (first.sampling.temperature, second.sampling.temperature) == (0.2, 1.1)


def test_a_model_named_once_goes_on_answering_and_one_that_is_gone_is_passed_over(client, engine):
    client.put(PREFERENCES, json={"model": MODEL})
    told = ask(client, "안녕", model="other")
    ask(client, "또", told)
    engine.names.remove("other")
    ask(client, "또 하나", told, below=None)

    assert [one.model for one in engine.generations] == ["other", "other", MODEL]


@pytest.mark.parametrize("path", [PREFERENCES, None])
def test_a_model_that_is_not_served_cannot_be_wished_for(client, path):
    told = ask(client, "안녕")
    answer = (
        client.put(path, json={"model": "none"}) if path else change(client, told, model="none")
    )

    assert answer.status_code == 404
    assert answer.json()["code"] == "model_not_found"


def test_a_folder_is_named_ordered_and_deleted(client):
    one, other = make_folder(client, "가"), make_folder(client, "나")
    client.put(f"{FOLDERS}/order", json={"folder_ids": [other, one]})
    client.patch(f"{FOLDERS}/{one}", json={"system_prompt": "짧게."})
    renamed = client.patch(f"{FOLDERS}/{one}", json={"name": "다"}).json()

    assert (renamed["name"], renamed["system_prompt"]) == ("다", "짧게.")
    assert [folder["name"] for folder in client.get(FOLDERS).json()["folders"]] == ["나", "다"]
    assert client.delete(f"{FOLDERS}/{other}").status_code == 204
    assert client.patch(f"{FOLDERS}/{other}", json={}).json()["code"] == "folder_not_found"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "{f}", {"name": "내 것"}),
        ("DELETE", "{f}", None),
        ("PUT", "order", {"folder_ids": ["{f}"]}),
    ],
)
def test_nobody_elses_folder_can_be_reached(app, client, method, path, body):
    sign_in(client, "dana")
    folder_id = make_folder(client, "비밀")
    other = sign_in(stranger(app), "mino")
    sent = {"folder_ids": [folder_id]} if path == "order" else body
    options = {} if body is None else {"json": sent}
    answer = other.request(method, f"{FOLDERS}/{path.format(f=folder_id)}", **options)

    assert answer.json()["code"] == "folder_not_found"
    assert "비밀" not in answer.text
    assert [folder["name"] for folder in client.get(FOLDERS).json()["folders"]] == ["비밀"]
    assert other.get(FOLDERS).json()["folders"] == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", FOLDERS, {"name": " "}),
        ("PUT", PREFERENCES, {"temperature": 9}),
        ("PUT", PREFERENCES, {"model": "none"}),
        ("POST", API, {"text": "안녕", "folder_id": "0" * 26}),
        ("POST", API, {"text": "안녕", "model": "none"}),
    ],
)
def test_a_stranger_who_is_refused_leaves_no_account_behind(app, client, method, path, body):
    assert client.request(method, path, json=body).status_code in {404, 422}
    with open_act(app.state.database, SYSTEM) as act:
        assert accounts.list_users(act) == []


@pytest.mark.parametrize("after", ["", "1.2.3", "2.5." + "0" * 26, "0.1." + "G" * 26])
def test_a_place_in_the_list_that_is_none_is_refused(client, after):
    assert client.get(API, params={"after": after}).status_code == 422


def test_a_list_goes_on_from_any_moment(client):
    ask(client, "이사")
    first, last = f"0.0.{'0' * 26}", f"1.{'9' * 16}.{'z' * 26}"

    assert client.get(API, params={"after": first}).json()["conversations"] == []
    assert len(client.get(API, params={"after": last}).json()["conversations"]) == 1
