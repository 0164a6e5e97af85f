"""What is taken away: one conversation in four forms, and everything, while nobody waits."""

import io
import json
import zipfile
from functools import partial
from html.parser import HTMLParser

import pytest

from hunmin import audit, chat
from hunmin.act import open_act
from hunmin.chat.views import Instructions
from tests.chat.conftest import API, ask
from tests.chat.kept import follow, start
from tests.fakes import ANSWER
from tests.support.desk import sign_in, stranger

INJECTION = "</title><script>alert(1)</script>"


def take(client, told, form):
    return client.get(f"{API}/{told.conversation_id}/export", params={"format": form})


def open_zip(pieces):
    return zipfile.ZipFile(io.BytesIO(pieces))


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("md", "text/markdown; charset=utf-8"),
        ("html", "text/html; charset=utf-8"),
        ("txt", "text/plain; charset=utf-8"),
        ("json", "application/json"),
    ],
)
def test_a_conversation_is_a_file_that_says_what_a_model_made(client, form, kind):
    told = ask(client, "전입신고는 언제 하나요?")
    taken = take(client, told, form)

    assert taken.headers["content-type"] == kind
    assert taken.headers["cache-control"] == "no-store"
    assert taken.headers["content-disposition"].startswith('attachment; filename="hunmin-')
    assert taken.headers["content-disposition"].endswith(f'.{form}"')
    assert "전입신고는 언제 하나요?" in taken.text
    assert "14일 안에" in taken.text
    assert "AI가 생성한" in taken.text


def test_markdown_keeps_what_was_written_and_a_page_is_safe(client):
    told = ask(client, INJECTION)
    page = take(client, told, "html").text
    seen = set()
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, _: seen.add(tag)
    reader.feed(page)

    assert "script" not in seen
    assert "strong" in seen
    assert 'data-ai-generated="true"' in page
    assert "digitalsourcetype" in page
    assert ANSWER in take(client, told, "md").text


def test_to_read_there_is_the_branch_shown_and_for_programs_every_one(client):
    told = ask(client, "하나")
    ask(client, "둘", told)
    ask(client, "둘을 고침", told)
    content = json.loads(take(client, told, "json").text)

    assert content["format"] == "hunmin-conversation-1"
    assert len(content["conversation"]["messages"]) == 6
    assert [one["ai_generated"] for one in content["conversation"]["messages"][:2]] == [False, True]
    assert "둘을 고침" in take(client, told, "md").text
    assert "\n둘\n" not in take(client, told, "md").text


def test_everything_is_a_zip_with_folders_preferences_and_each_conversation(app, client):
    sign_in(client, "dana")
    ask(client, "비밀 질문")
    client.post("/chat/api/folders", json={"name": "민원", "system_prompt": "짧게."})
    client.put("/chat/api/preferences", json={"system_prompt": "존댓말로."})
    with open_zip(client.get(f"{API}/export").content) as archive:
        assert archive.testzip() is None
        about = json.loads(archive.read("about.json"))
        kept = json.loads(next(archive.read(n) for n in archive.namelist() if "conv" in n))

    assert about["format"] == "hunmin-history-1"
    assert [folder["name"] for folder in about["folders"]] == ["민원"]
    assert about["preferences"]["system_prompt"] == "존댓말로."
    assert kept["conversation"]["messages"][0]["text"] == "비밀 질문"
    with open_zip(sign_in(stranger(app), "mino").get(f"{API}/export").content) as archive:
        assert archive.namelist() == ["about.json"]


def test_whoever_takes_a_long_history_slowly_keeps_nobody_from_writing(act_as, dana, database):
    """Nothing is open between the pieces: a writer gets the lock, and what it deletes is gone."""
    with act_as(dana) as act:
        ids = [start(act, f"대화 {number}").conversation.id for number in range(4)]
        chat.set_preferences(act, instructions=Instructions(system_prompt="짧게."))
    pieces = chat.history_zip(partial(open_act, database, dana, read_only=True))
    written = next(pieces)
    with act_as(dana) as act:
        chat.delete_conversation(act, conversation_id=ids[2])
        written += next(pieces)  # while the writer still has the lock
    written += b"".join(pieces)
    with open_zip(written) as archive:
        names = archive.namelist()

    assert [any(id_ in name for name in names) for id_ in ids] == [True, True, False, True]


def test_the_log_knows_that_and_not_what_was_taken(act_as, dana):
    with act_as(dana) as act:
        begun = start(act, "비밀 질문")
        follow(act, begun)
        chat.note_export(act, conversation_id=begun.conversation.id, form="html")
        chat.note_history_export(act)
    with act_as() as act:
        events = audit.list_events(act)

    assert {"chat.conversation.export", "chat.history.export"} <= {one.kind for one in events}
    assert "비밀" not in str([event.model_dump() for event in events])
