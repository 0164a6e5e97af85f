"""One answer, several faces: pages, JSON, problems, languages, fragments."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from hunmin import errors, faces
from hunmin.faces.templates import environment, static_folders
from hunmin.gateway import ChatMessage
from tests.support.desk import sign_in

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
JSON = {"Accept": "application/json"}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text/html"),
        ("*/*", "text/html"),
        ("text/html", "text/html"),
        ("application/json", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("text/html;q=0.5, application/json", "application/json"),
        ("text/html, application/json;q=0.9", "text/html"),
        ("application/*", "application/json"),
        (";;;q=x,,", "text/html"),
    ],
)
def test_a_page_is_shown_as_it_is_asked_for(client, accept, kind):
    client.headers["Accept"] = accept or ""
    answer = client.get("/sign-in")

    assert answer.headers["content-type"].startswith(kind)
    assert "Accept" in answer.headers.get("vary", "") or kind == "application/json"


@pytest.mark.parametrize("path", ["/nowhere", "/account", "/chat/c/" + "0" * 26])
def test_an_error_is_a_page_for_browsers_and_a_problem_for_programs(client, path):
    page, problem = client.get(path, headers=HTML), client.get(path, headers=JSON)

    assert page.status_code == problem.status_code >= 400
    assert page.headers["content-type"].startswith("text/html")
    assert problem.headers["content-type"] == "application/problem+json"
    said = problem.json()
    assert said["status"] == problem.status_code
    assert said["detail"] in page.text
    assert said["code"] in page.text
    assert said["request_id"] == problem.headers["x-request-id"]
    assert page.headers["cache-control"] == "no-store"


def test_the_code_of_a_problem_leads_to_where_it_is_explained(client):
    where = client.get("/nowhere", headers=JSON).json()["type"]
    path, _, anchor = where.partition("#")

    assert f'id="{anchor}"' in client.get(path).text


def test_no_model_of_the_office_quotes_what_it_refuses():
    found = set(_heirs(BaseModel))
    modules = {kind: kind.__module__.split(".") for kind in found}
    office = {kind for kind in found if modules[kind][0] == "hunmin" and modules[kind][1] in OFFICE}

    assert len(office) > 40
    assert [k for k in office if not k.model_config.get("hide_input_in_errors")] == []
    with pytest.raises(ValidationError) as refusal:
        ChatMessage.model_validate({"role": "user", "content": ["아무도 모르는 말"]})
    assert "아무도" not in str(refusal.value)


OFFICE = ("accounts", "audit", "chat", "faces", "gateway", "web")


def _heirs(kind):
    for heir in kind.__subclasses__():
        yield heir
        yield from _heirs(heir)


def test_an_answer_that_is_not_as_described_says_nothing_of_itself(app, client, capsys):
    app.add_api_route("/broken", lambda: "아무도 모르는 말", response_model=int)
    answer = client.get("/broken")

    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    logged = capsys.readouterr().out
    assert "an answer is not as described" in logged
    assert "아무도" not in answer.text + logged


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_error_code_is_explained_once_in_both_languages(client, language):
    page = html.unescape(client.get(f"/docs/errors?lang={language}").text)

    assert len(errors.catalog()) > 100
    for kind in errors.catalog():
        assert page.count(f'id="{kind.code}"') == 1, kind.__name__
        assert faces.translate(language, kind.meaning()) in page
    assert "hunmin_error" not in page


def test_an_error_under_the_api_has_openais_envelope(client):
    for path in ("/v1/nowhere", "/v1/models"):
        answer = client.get(path, headers=HTML)
        assert set(answer.json()) == {"error"}
        assert answer.json()["error"]["code"]


def test_an_invalid_request_names_the_field_and_repeats_no_value(client):
    sign_in(client)
    answer = client.post("/account/keys", data={"name": "비밀", "days": "비밀"}, headers=JSON)

    assert answer.status_code == 422
    assert answer.json()["fields"][0]["where"] == ["body", "days"]
    assert "비밀" not in answer.text
    assert "days" in client.post("/account/keys", data={"days": "x"}, headers=HTML).text


def test_what_an_address_does_not_take_is_said_with_what_it_takes(client):
    answer = client.delete("/sign-in", headers=JSON)

    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"
    assert answer.headers["allow"]


def test_htmx_gets_the_main_part_alone(client):
    whole = client.get("/sign-in", headers=HTML).text
    part = client.get("/sign-in", headers={**HTML, "HX-Request": "true"}).text

    assert "<header" in whole
    assert "<header" not in part
    assert "<form" in part
    error = client.get("/nowhere", headers={**HTML, "HX-Request": "true"})
    assert error.status_code == 404
    assert "<html" not in error.text
    assert "<h1" in error.text


@pytest.mark.parametrize(
    ("asked", "cookie", "accepted", "spoken"),
    [
        (None, None, "", "ko"),
        (None, None, "en-US,en;q=0.9,ko;q=0.8", "en"),
        (None, None, "fr, ko;q=0.5, en;q=0.4", "ko"),
        (None, None, "en;q=0, ko;q=0.1", "ko"),
        (None, None, "de", "ko"),
        (None, "en", "ko", "en"),
        ("ko", "en", "en", "ko"),
        ("xx", None, "en", "en"),
    ],
)
def test_the_language_is_the_first_that_was_asked_for(asked, cookie, accepted, spoken):
    assert faces.choose_language(asked=asked, cookie=cookie, accepted=accepted) == spoken


@given(st.text(), st.text(), st.text())
def test_any_header_leads_to_a_language(asked, cookie, accepted):
    chosen = faces.choose_language(asked=asked, cookie=cookie, accepted=accepted)
    assert chosen in faces.LANGUAGES


def test_a_language_asked_for_once_is_kept(client):
    client.get("/sign-in?lang=en")
    page = client.get("/docs", headers={"Accept-Language": "ko"})

    assert '<html lang="en"' in page.text
    assert page.headers["content-language"] == "en"
    assert client.get("/nowhere").json()["detail"].isascii()
    assert "hunmin_language" not in client.get("/sign-in?lang=xx").headers.get("set-cookie", "")


def test_the_link_to_the_other_language_keeps_the_rest_of_the_address(client):
    page = client.get("/chat?search=%EA%B0%80%26b", headers=HTML).text

    assert "/chat?search=%EA%B0%80%26b&amp;lang=en" in page


@pytest.mark.parametrize("theme", ["light", "dark", "contrast", "auto"])
def test_a_theme_is_kept(client, theme):
    client.post("/preferences", data={"theme": theme, "back": "/docs"})

    assert f'data-theme="{theme}"' in client.get("/docs").text


def test_a_theme_nobody_made_is_refused_and_an_old_one_is_forgotten(client):
    assert client.post("/preferences", data={"theme": '"><script>'}).status_code == 422
    client.cookies.set("hunmin_theme", '"><script>')
    assert 'data-theme="auto"' in client.get("/docs").text


def test_every_template_can_be_read():
    for room in static_folders():
        for path in (static_folders()[room].parent / "templates").glob("*.html"):
            environment("ko").get_template(f"{room}/{path.name}")
