"""The JSON of the chat page over HTTP: streams, stopping, branches, and whose words are whose."""

import json

import pytest

from hunmin.errors import EngineUnavailable
from tests.chat.conftest import API, ask, ask_again, read_events
from tests.fakes import ANSWER, ScriptedEngine
from tests.support.desk import make_key, sign_in, stranger


def get(client, told):
    return client.get(f"{API}/{told.conversation_id}").json()


def test_a_question_is_kept_and_its_answer_streamed_with_its_facts(client):
    told = ask(client, "전입신고는 언제 하나요?")

    assert told.names[0] == "begin"
    assert told.names[-2:] == ["facts", "done"]
    assert told.text == ANSWER
    assert told.one("done") == {"state": "whole"}
    facts = told.one("facts")
    assert facts["model"] == "hunmin-reference"
    assert facts["finish_reason"] == "stop"
    assert facts["completion_tokens"] > 0
    assert 0 <= facts["first_token_ms"] <= facts["wall_ms"]

    kept = get(client, told)
    assert [one["text"] for one in kept["messages"]] == ["전입신고는 언제 하나요?", ANSWER]
    assert [one["ai_generated"] for one in kept["messages"]] == [False, True]
    assert kept["messages"][1]["facts"] == facts
    assert kept["messages"][1]["state"] == "whole"


def test_the_model_reads_the_conversation_so_far(client, engine):
    told = ask(client, "안녕하세요")
    ask(client, "또 하나", told)

    said = [message.content for message in engine.generations[-1].messages]
    assert said == ["안녕하세요", ANSWER, "또 하나"]


def test_an_edited_question_and_another_answer_are_branches_of_one_tree(client, engine):
    told = ask(client, "안녕하세요")
    ask(client, "둘", told)
    edited = ask(client, "둘을 고침", told)
    again = ask_again(client, edited)
    kept = get(client, told)

    assert len(kept["messages"]) == 7
    assert kept["leaf_id"] == again.answer_id
    assert [message.content for message in engine.generations[-1].messages][-1] == "둘을 고침"

    shown = client.put(
        f"{API}/{told.conversation_id}/branch", json={"message_id": edited.answer_id}
    )
    assert shown.json() == {"leaf_id": edited.answer_id}


def test_the_first_question_can_be_edited_too(client):
    told = ask(client, "안녕하세요")
    edited = ask(client, "안녕", told, below=None)

    assert edited.conversation_id == told.conversation_id
    assert edited.one("begin")["question"]["parent_id"] is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"text": "  "}, "message_empty"),
        ({"text": "가" * 20_001}, "message_too_long"),
        ({"text": "안녕", "model": "no-such-model"}, "model_not_found"),
        ({}, "request_invalid"),
        ({"text": "안녕", "extra": 1}, "request_invalid"),
        ({"text": 5}, "request_invalid"),
        ({"text": "\ud800"}, "request_invalid"),
    ],
)
def test_an_unfit_question_gets_a_clear_error_and_changes_nothing(client, body, code):
    answer = client.post(
        API, content=json.dumps(body), headers={"Content-Type": "application/json"}
    )

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code
    assert client.get(API).json()["conversations"] == []


def test_errors_speak_the_language_of_the_request(client):
    korean = client.post(API, json={"text": " "}, headers={"Accept-Language": "ko"}).json()
    english = client.post(API, json={"text": " "}, headers={"Accept-Language": "en"}).json()

    assert "비어 있습니다" in korean["detail"]
    assert "empty" in english["detail"]


def test_an_answer_that_breaks_off_keeps_its_words_and_can_be_asked_for_again(client, engine):
    engine.fail_after = 3
    told = ask(client, "안녕하세요")

    assert told.names[-3:] == ["facts", "error", "done"]
    assert told.one("error")["code"] == EngineUnavailable.code
    assert told.one("done") == {"state": "failed"}
    answer = get(client, told)["messages"][1]
    assert answer["text"] == ANSWER[:6].rstrip()
    assert (answer["state"], answer["error_code"]) == ("failed", EngineUnavailable.code)

    engine.fail_after = None
    assert ask_again(client, told).text == ANSWER
    assert len(get(client, told)["messages"]) == 3


def test_a_conversation_longer_than_the_context_goes_on_without_its_oldest_part(client, engine):
    engine.default = "긴 답변입니다. " * 40
    told = ask(client, "하나")
    for number in range(4):
        told = ask(client, f"질문 {number}", told)

    said = engine.generations[-1].messages
    assert told.one("done")["state"] == "whole"
    assert told.one("facts")["left_out"] > 0
    assert told.one("facts")["left_out"] % 2 == 0
    assert said[0].role == "user"
    assert said[-1].content == "질문 3"


class TestWithASystemPrompt:
    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(
            update={"chat": settings.chat.model_copy(update={"system_prompt": "짧게 답하라."})}
        )

    def test_it_is_said_first_and_never_shown(self, client, engine):
        told = ask(client, "안녕하세요")

        first = engine.generations[-1].messages[0]
        assert (first.role, first.content) == ("system", "짧게 답하라.")
        assert "짧게 답하라" not in client.get(f"{API}/{told.conversation_id}").text


class TestWhileTheModelIsLoaded:
    @pytest.fixture
    def engine(self):
        return ScriptedEngine(start_seconds=1.5)

    def test_a_question_waits_and_is_answered(self, client):
        assert client.get("/chat/api/models").json()["state"] == "starting"
        told = ask(client, "안녕하세요")

        assert told.names[:2] == ["begin", "waiting"]
        assert told.one("waiting")["reason"] == "engine_starting"
        assert told.text == ANSWER
        assert told.one("done") == {"state": "whole"}
        assert client.get("/chat/api/models").json()["state"] == "ready"


class TestWithTwoModels:
    @pytest.fixture
    def engine(self):
        return ScriptedEngine(models=("small", "large"))

    def test_the_first_answers_unless_another_is_named(self, client):
        listed = client.get("/chat/api/models").json()["models"]
        assert [one["id"] for one in listed] == ["small", "large"]
        told = ask(client, "안녕")
        assert told.one("facts")["model"] == "small"
        assert ask(client, "안녕", told, model="large").one("facts")["model"] == "large"

    def test_a_key_for_one_of_them_learns_of_no_other(self, app, client):
        key = make_key(app, scopes=["chat"], models=["large"])
        client.headers["Authorization"] = f"Bearer {key}"
        trace = "/chat/api/trace"

        assert [one["id"] for one in client.get("/chat/api/models").json()["models"]] == ["large"]
        assert client.get(trace, params={"model": "large"}).json()["code"] == "trace_missing"
        assert client.get(trace, params={"model": "small"}).json()["code"] == "model_not_found"
        refused = client.post(API, json={"text": "안녕", "model": "small"})
        assert (refused.status_code, refused.json()["code"]) == (404, "model_not_found")
        assert client.get(API).json()["conversations"] == []
        assert ask(client, "안녕").one("facts")["model"] == "large"


def test_conversations_are_listed_renamed_found_and_deleted(client):
    told = ask(client, "전입신고는 언제 하나요?")
    other = ask(client, "점심 메뉴")
    path = f"{API}/{told.conversation_id}"

    assert client.patch(path, json={"title": "이사"}).json()["title"] == "이사"
    listed = client.get(API).json()
    assert {one["title"] for one in listed["conversations"]} == {"점심 메뉴", "이사"}
    found = client.get(API, params={"search": "점심"}).json()["conversations"]
    assert [one["id"] for one in found] == [other.conversation_id]

    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert client.get(path).json()["code"] == "conversation_not_found"
    assert client.delete(API).status_code == 204
    assert client.get(API).json()["conversations"] == []


EVERY_ROUTE = [
    ("GET", "{c}", None),
    ("PATCH", "{c}", {"title": "내 것"}),
    ("DELETE", "{c}", None),
    ("GET", "{c}/export", None),
    ("GET", "{c}/shares/preview", None),
    ("POST", "{c}/shares", {}),
    ("PUT", "{c}/branch", {"message_id": "{q}"}),
    ("POST", "{c}/messages", {"text": "안녕", "parent_id": "{a}"}),
    ("POST", "{c}/messages/{a}/again", {}),
    ("GET", "{c}/messages/{a}/stream", None),
    ("POST", "{c}/messages/{a}/stop", None),
    ("PUT", "{c}/messages/{a}/feedback", {"verdict": "good"}),
    ("DELETE", "{c}/messages/{a}/feedback", None),
]


def test_every_route_with_an_id_is_in_the_list_above(app):
    known = {
        (method, path.format(c="{conversation_id}", a="{message_id}"))
        for method, path, _ in EVERY_ROUTE
    }
    document = app.openapi()
    served = {
        (method.upper(), path.removeprefix(f"{API}/"))
        for path, methods in document["paths"].items()
        if path.startswith(f"{API}/" + "{")
        for method in methods
    }
    assert served == known


@pytest.mark.parametrize(("method", "path", "body"), EVERY_ROUTE)
@pytest.mark.parametrize("who", ["another person", "a guest", "a key"])
def test_nobody_elses_conversation_can_be_reached(app, client, method, path, body, who):
    sign_in(client, "dana")
    told = ask(client, "비밀 질문")
    names = {"c": told.conversation_id, "q": told.question_id, "a": told.answer_id}
    other = stranger(app)
    if who == "another person":
        sign_in(other, "mino")
    elif who == "a key":
        other.headers["Authorization"] = f"Bearer {make_key(app, 'mino', scopes=['chat'])}"
    sent = {key: value.format(**names) for key, value in (body or {}).items()}

    answer = other.request(
        method, f"{API}/{path.format(**names)}", json=sent if body is not None else None
    )

    assert answer.status_code == 404
    assert answer.json()["code"] == "conversation_not_found"
    assert "비밀" not in answer.text
    assert get(client, told)["title"] == "비밀 질문"
    assert len(get(client, told)["messages"]) == 2


def test_a_list_has_only_ones_own(app, client):
    sign_in(client, "dana")
    ask(client, "비밀 질문")
    other = sign_in(stranger(app), "mino")

    assert other.get(API, params={"search": "비밀"}).json()["conversations"] == []


def test_deleting_ones_history_leaves_everybody_elses(app, client):
    sign_in(client, "dana")
    told = ask(client, "비밀 질문")
    assert sign_in(stranger(app), "mino").delete(API).status_code == 204

    assert get(client, told)["title"] == "비밀 질문"


class TestWithoutGuests:
    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(
            update={"accounts": settings.accounts.model_copy(update={"guests": False})}
        )

    @pytest.mark.parametrize(("method", "path", "body"), EVERY_ROUTE)
    def test_a_stranger_gets_nowhere(self, client, method, path, body):
        names = {"c": "0" * 26, "q": "0" * 26, "a": "0" * 26}
        sent = {key: value.format(**names) for key, value in (body or {}).items()}
        answer = client.request(
            method, f"{API}/{path.format(**names)}", json=sent if body is not None else None
        )

        assert answer.status_code == 401

    def test_a_stranger_cannot_ask(self, client):
        assert client.post(API, json={"text": "안녕"}).status_code == 401
        assert client.post("/chat", data={"text": "안녕"}).status_code == 401


def test_a_page_of_another_site_cannot_ask_in_ones_name(client):
    answer = client.post(API, json={"text": "안녕"}, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403


def test_a_form_without_scripts_gets_its_answer_on_the_next_page(client):
    sent = client.post("/chat", data={"text": "안녕하세요"})
    assert sent.status_code == 303
    page = client.get(sent.headers["location"])
    assert "14일 안에" in page.text
    assert "<strong>" in page.text

    sent = client.post(sent.headers["location"], data={"text": "또 하나"})
    assert "또 하나" in client.get(sent.headers["location"]).text


def test_the_list_of_the_page_can_be_searched_without_scripts(client):
    ask(client, "전입신고는 언제 하나요?")
    ask(client, "점심 메뉴")
    found = client.get("/chat", params={"search": "점심"}).text
    nothing = client.get("/chat", params={"search": '"없는" 말'}).text

    assert "점심 메뉴" in found
    assert "전입신고" not in found
    assert "찾은 대화가 없습니다." in nothing
    assert 'value="&#34;없는&#34; 말"' in nothing


def test_the_page_and_its_twin_say_the_same(client):
    told = ask(client, "안녕하세요 <script>")
    path = f"/chat/c/{told.conversation_id}"
    page = client.get(path, headers={"Accept": "text/html"})
    twin = client.get(f"{path}.json").json()

    assert 'lang="ko"' in page.text
    assert "AI가 생성한 글입니다" in page.text
    assert "학습에 쓰이지 않으며" in page.text
    assert "안녕하세요 &lt;script&gt;" in page.text
    assert "<script>" not in page.text.replace("<script type=", "")
    assert twin["conversation"]["id"] == told.conversation_id
    assert twin["models"]["models"][0]["id"] == "hunmin-reference"


@pytest.mark.parametrize("path", ["/chat/c/{}", "/chat/c/{}.json", API + "/{}"])
def test_a_conversation_that_is_not_there_is_a_clear_404(client, path):
    answer = client.get(path.format("0" * 26))

    assert answer.status_code == 404
    assert "대화를 찾을 수 없" in answer.text


def test_a_model_without_a_record_says_so(client):
    answer = client.get("/chat/api/trace", params={"model": "hunmin-reference"})

    assert answer.status_code == 404
    assert answer.json()["code"] == "trace_missing"


def test_an_ended_answer_is_not_streamed_again(client):
    told = ask(client, "안녕하세요")
    answer = client.get(f"{API}/{told.conversation_id}/messages/{told.answer_id}/stream")

    assert answer.status_code == 409
    assert answer.json()["code"] == "answer_ended"


def test_stopping_what_has_ended_changes_nothing(client):
    told = ask(client, "안녕하세요")
    path = f"{API}/{told.conversation_id}/messages/{told.answer_id}/stop"

    assert client.post(path).status_code == 204
    assert get(client, told)["messages"][1]["state"] == "whole"


def test_what_was_told_reads_as_events():
    assert read_events('event: done\ndata: {"state":"whole"}\n\n: still here\n\n').names == ["done"]
