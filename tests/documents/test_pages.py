"""The pages of collections, and the commands that publish them."""

import shutil

import pytest
from click.testing import CliRunner

from hunmin import documents
from hunmin.__main__ import load_command
from hunmin.act import SYSTEM, open_act
from tests.support.brought import bring_and_read
from tests.support.collections import make_laws


@pytest.fixture
def published(app, laws):
    with open_act(app.state.database, SYSTEM) as act:
        return documents.publish_collection(act, laws, name="법령", seen_by="everyone")


def test_a_collection_is_searched_and_its_passages_have_an_address(client, published):
    assert "법령" in client.get("/collections").text
    page = client.get(f"/collections/{published.id}", params={"question": "과태료"})
    shown = client.get(f"/collections/{published.id}.json", params={"question": "과태료"}).json()

    best = shown["found"][0]
    assert best["citation"] == "「주민등록법」 제40조"
    address = f"/collections/{published.id}/passages/{best['key']}"
    assert address in page.text
    assert "5만원 이하의 과태료" in client.get(address).text
    assert client.get(address[:-1] + "g").status_code == 422
    assert client.get(f"/collections/{published.id}/passages/{'0' * 20}").status_code == 404
    listed = client.get("/chat/api/collections").json()["collections"]
    assert [one["name"] for one in listed] == ["법령"]


def test_a_collection_says_what_is_in_it_and_its_passages_lead_to_those_around_them(
    client, published
):
    here = f"/collections/{published.id}"
    ((title, key),) = client.get(f"{here}.json").json()["titles"]
    assert title == "주민등록법"
    assert f'<a href="{here}/passages/{key}">주민등록법</a>' in client.get(here).text

    first = client.get(f"{here}/passages/{key}.json").json()
    assert (first["passage"]["citation"], first["before"]) == ("「주민등록법」 제1조", None)
    middle = client.get(f"{first['after']}.json").json()
    assert middle["before"] == f"{here}/passages/{key}"
    assert client.get(f"{middle['after']}.json").json()["after"] is None


def test_the_chat_page_names_an_article_to_try_and_stands_without_the_folder(client, app, tmp_path):
    folder = make_laws(tmp_path / "laws")
    with open_act(app.state.database, SYSTEM) as act:
        documents.publish_collection(act, folder, name="법령", seen_by="everyone")
    assert '"example":"「주민등록법」 제1조"' in client.get("/chat").text

    shutil.rmtree(folder)
    assert '"example":""' in client.get("/chat").text


def test_passages_of_a_file_lead_to_those_around_them(client):
    file_id = bring_and_read(client, "a.txt", "하나\n\n# 둘\n\n둘째\n\n# 셋\n\n셋째".encode())["id"]
    here = f"/files/{file_id}/passages"

    middle = client.get(f"{here}/2.json").json()
    assert (middle["before"], middle["after"]) == (f"{here}/1", f"{here}/3")
    assert middle["passage"]["text"] == "둘째"
    assert client.get(f"{here}/3.json").json()["after"] is None
    assert client.get(f"{here}/4").status_code == 404


def test_the_command_line_publishes_lists_and_withdraws(tmp_path, migrated_file, laws):
    data = tmp_path / "var"
    data.mkdir()
    (data / "hunmin.db").write_bytes(migrated_file.read_bytes())

    def hunmin(*arguments: str) -> str:
        asked = [*arguments, "--data", str(data)]
        result = CliRunner().invoke(load_command("collections"), asked)
        assert result.exception is None, result.output
        return result.stdout

    made = hunmin("publish", str(laws), "--name", "법령", "--everyone")
    assert hunmin("list").split() == [made.strip(), "법령", "everyone", "1", "3"]
    hunmin("withdraw", "법령")
    assert hunmin("list") == ""
