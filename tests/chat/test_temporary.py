"""A temporary chat: answered like any other, and of its words nothing is kept anywhere."""

import logging
import time

import httpx2 as httpx
import pytest

from tests.chat.conftest import API, read_events
from tests.fakes import ANSWER, MODEL, ScriptedEngine
from tests.support.desk import make_key, sign_in
from tests.support.serving import serve

TEMPORARY = "/chat/api/temporary"
ASKED, ANSWERED = "까나리-물음-8812", "까나리-답변-9923"


@pytest.fixture
def engine():
    """Give an engine with a canary for an answer."""
    return ScriptedEngine({ASKED: ANSWERED})


def question(*texts, **more):
    """Return a body with messages in turn, the first one a question."""
    said = [{"role": ("user", "assistant")[at % 2], "text": text} for at, text in enumerate(texts)]
    return {"turns": said, **more}


def test_it_is_answered_with_all_that_came_along(client, engine):
    body = question("안녕", "네, 안녕하세요.", "또 안녕", system_prompt="반말로.", temperature=0.3)
    told = read_events(client.post(TEMPORARY, json=body).text)

    assert told.text == ANSWER
    assert told.one("facts")["model"] == MODEL
    assert told.one("done") == {"state": "whole"}
    assert "conversation" not in told.one("begin")
    assert told.one("begin")["answer"]["ai_generated"] is True
    asked = engine.generations[-1]
    assert [(one.role, one.content) for one in asked.messages] == [
        ("system", "반말로."),
        ("user", "안녕"),
        ("assistant", "네, 안녕하세요."),
        ("user", "또 안녕"),
    ]
    assert asked.sampling.temperature == 0.3


def test_what_one_prefers_holds_here_too(client, engine):
    client.put("/chat/api/preferences", json={"system_prompt": "짧게."})
    client.post(TEMPORARY, json=question("안녕", system_prompt="반말로."))

    assert engine.generations[-1].messages[0].content == "반말로.\n\n짧게."


@pytest.mark.parametrize("who", ["stranger", "person"])
def test_no_word_of_it_is_in_any_table_file_or_log(client, caplog, capfd, settings, who):
    caplog.set_level(logging.DEBUG)
    if who == "person":
        sign_in(client)
    told = read_events(client.post(TEMPORARY, json=question(ASKED, system_prompt=ASKED)).text)
    assert told.text == ANSWERED
    bad = client.post(TEMPORARY, json={**question(ASKED), "more": ASKED})
    assert bad.status_code == 422

    kept = [path for path in settings.data.rglob("*") if path.is_file()]
    assert any(path.name.endswith("-wal") for path in kept)
    found = [
        path.name
        for path in kept
        for canary in (ASKED, ANSWERED)
        if canary.encode() in path.read_bytes()
    ]
    assert found == []
    said = caplog.text + "".join(capfd.readouterr())
    assert not any(canary in said for canary in (ASKED, ANSWERED))
    assert ASKED not in bad.text
    assert client.get(API).json()["conversations"] == []


def test_it_ends_when_its_reader_leaves(app, engine):
    engine.pause_seconds, engine.default = 0.05, "길게 씁니다. " * 200
    headers = {"Authorization": f"Bearer {make_key(app, scopes=['chat'])}"}
    with serve(app) as address, httpx.Client(base_url=address, headers=headers) as reader:
        with reader.stream("POST", TEMPORARY, json=question("길게"), timeout=60) as response:
            for line in response.iter_lines():
                if "delta" in line:
                    break
        deadline = time.monotonic() + 60
        while engine.running and time.monotonic() < deadline:
            time.sleep(0.02)

        assert engine.running == 0
        assert engine.canceled


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (question("안녕", "네"), "wrong_turn"),
        ({"turns": [{"role": "assistant", "text": "네"}]}, "wrong_turn"),
        (question(" "), "message_empty"),
        (question("가" * 20_001), "message_too_long"),
        (question(*["가"] * 2_001), "conversation_full"),
        (question("안녕", system_prompt="가" * 4_001), "preference_unfit"),
        (question("안녕", temperature=3.0), "preference_unfit"),
        (question("안녕", model="none"), "model_not_found"),
    ],
)
def test_what_is_unfit_is_refused_and_makes_nobody_a_guest(client, body, code):
    refused = client.post(TEMPORARY, json=body)

    assert refused.json()["code"] == code
    assert not client.cookies


class TestWhereConversationsHaveToBeKept:
    @pytest.fixture
    def settings(self, settings):
        chat = settings.chat.model_copy(update={"temporary": False})
        return settings.model_copy(update={"chat": chat})

    def test_nobody_chats_without_it(self, client):
        refused = client.post(TEMPORARY, json=question("안녕"))

        assert (refused.status_code, refused.json()["code"]) == (403, "temporary_off")
