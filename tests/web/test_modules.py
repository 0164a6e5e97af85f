"""Which scripts a page names beforehand: all that run first, and none that come later."""

import re

import pytest

from hunmin import faces
from hunmin.chat.words import FIRST_SCRIPTS


def test_imports_are_followed_as_a_browser_does(tmp_path, monkeypatch):
    monkeypatch.setattr("hunmin.faces.modules.static_folders", lambda: {"a": tmp_path})
    (tmp_path / "deep").mkdir()
    (tmp_path / "page.js").write_text(
        'import "./effect.js";\nimport { one } from "./deep/one.js";\nimport("./late.js");'
    )
    (tmp_path / "effect.js").write_text('export{x as y}from"./deep/one.js";')
    (tmp_path / "deep" / "one.js").write_text('import { page } from "../page.js";')
    (tmp_path / "late.js").write_text("")

    assert faces.first_modules("a/page.js") == ("a/page.js", "a/effect.js", "a/deep/one.js")


def test_an_import_that_leads_nowhere_is_found_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("hunmin.faces.modules.static_folders", lambda: {"b": tmp_path})
    (tmp_path / "page.js").write_text('import "./none.js";')

    with pytest.raises(FileNotFoundError, match=r"b/none\.js"):
        faces.first_modules("b/page.js")


def test_the_chat_page_names_each_script_that_runs_first_and_no_other(client):
    page = client.get("/chat", headers={"Accept": "text/html"}).text
    named = re.findall(r'<link rel="modulepreload" href="/static/\w+/([^"]+)">', page)

    assert tuple(named) == faces.first_modules(*FIRST_SCRIPTS)
    assert named[0] == "chat/early.js"
    for late in ("markdown", "highlight", "dialogs", "trace"):
        assert f"chat/{late}.js" not in named
    assert not any("marked" in name or "purify" in name for name in named)
