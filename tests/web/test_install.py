"""The service as an app: what a system shows of it, and what its service worker may keep."""

import re

import pytest
from starlette.testclient import TestClient

from hunmin import faces
from hunmin.settings import Settings
from tests.support.desk import ADDRESS, make_app, sign_in


@pytest.mark.parametrize(("language", "name"), [("ko", "훈민"), ("en", "Hunmin")])
def test_the_manifest_speaks_the_language_of_the_page(client, language, name):
    page = client.get(f"/chat?lang={language}", headers={"Accept": "text/html"}).text
    address = re.search(r'<link rel="manifest" href="([^"]+)">', page)[1]
    manifest = client.get(address)

    assert manifest.headers["content-type"] == "application/manifest+json"
    assert (manifest.json()["name"], manifest.json()["lang"]) == (name, language)
    assert manifest.json()["start_url"] == "/chat"


def test_the_icons_are_there_in_the_sizes_that_are_said(client):
    for icon in client.get("/manifest.webmanifest").json()["icons"]:
        picture = client.get(icon["src"])
        side = int.from_bytes(picture.content[16:20], "big")

        assert picture.headers["content-type"] == "image/png"
        assert icon["sizes"] == f"{side}x{side}"


def test_the_service_worker_keeps_files_of_this_version_and_nothing_of_anybody(client):
    script = client.get("/sw.js")

    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cache-control"] == "no-cache"
    assert f'"{faces.static_version()}"' in script.text
    assert re.search(r'^const KEEP = \["/offline", "/static/[^\]]*"\];$', script.text, re.MULTILINE)


def test_the_page_without_network_names_nobody(client):
    sign_in(client, "다나")
    page = client.get("/offline", headers={"Accept": "text/html"})

    assert "네트워크 연결 없음" in page.text
    assert "다나" not in page.text


def test_where_nothing_may_be_installed_the_worker_removes_itself(tmp_path, engine, migrated_file):
    settings = Settings.load(config=None, data=tmp_path / "var", web__installable=False)
    with TestClient(make_app(settings, engine, migrated_file), base_url=ADDRESS) as client:
        page = client.get("/chat", headers={"Accept": "text/html"}).text
        script = client.get("/sw.js").text

    assert 'rel="manifest"' not in page
    assert "unregister" in script
    assert "KEEP" not in script
