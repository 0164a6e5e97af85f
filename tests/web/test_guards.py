"""What every request passes: names, sites, sizes, headers, and a log line without content."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from structlog.testing import capture_logs

from hunmin.settings import Settings
from hunmin.web.app import hosts_of
from hunmin.web.middleware import comes_from_another_site, host_is_ours
from hunmin.web.pages import safe_path
from tests.support.desk import make_key, make_link, sign_in, stranger
from tests.support.serving import wait_for_engine

HTML = {"Accept": "text/html"}
PATHS = ("/", "/sign-in", "/nowhere", "/account", "/v1/models", "/v1/nowhere", "/healthz", "/docs")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_guarded(client, path):
    headers = client.get(path).headers

    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert len(headers["x-request-id"]) == 26


@pytest.mark.parametrize(
    "path", ["/chat", "/chat.json", "/account.json", "/chat/api/conversations", "/chat/api/models"]
)
def test_nothing_on_the_way_keeps_what_is_somebodys_own(client, path):
    sign_in(client)
    kept_how = client.get(path).headers["cache-control"]

    assert kept_how in {"no-store", "private, no-cache"}


def test_a_fault_of_ours_is_guarded_too_and_says_nothing_of_itself(client, monkeypatch):
    def break_down(*_args, **_options):
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("hunmin.accounts.queries.find_by_session", break_down)
    broken = stranger(client.app)
    broken._transport.raise_server_exceptions = False
    broken.cookies.set("hunmin_session", "A" * 43)
    for headers in (HTML, {"Accept": "application/json"}):
        answer = broken.get("/account", headers=headers)

        assert answer.status_code == 500
        assert "the secret of the house" not in answer.text
        assert answer.headers["x-request-id"] in answer.text
        assert "default-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/" + "A" * 43, "/docs", "/docs/errors"])
def test_no_page_has_a_script_or_style_of_its_own(client, path):
    sign_in(client)
    for page in (client.get(path, headers=HTML), client.get("/account", headers=HTML)):
        assert "<style" not in page.text
        assert " style=" not in page.text
        assert "<script>" not in page.text
        assert " onclick" not in page.text
        assert "http://" not in page.text.replace("http://127.0.0.1:8700", "").replace(
            "http://www.w3.org", ""
        )


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8700", 200),
        ("localhost:8700", 200),
        ("LOCALHOST", 200),
        ("[::1]:8700", 200),
        ("evil.example", 400),
        ("127.0.0.1.evil.example", 400),
        ("localhost@evil.example", 400),
        ("192.168.0.7:8700", 400),
        ("[::1", 400),
        ("::1", 400),
        ("localhost:x", 400),
        ("localhost:8700/x", 400),
        ("", 400),
    ],
)
def test_only_our_own_names_are_answered(client, host, status):
    assert client.get("/sign-in", headers={"Host": host}).status_code == status


def test_names_and_addresses_of_a_service_for_others(tmp_path):
    settings = Settings.load(
        data=tmp_path,
        web__host="0.0.0.0",  # noqa: S104 (what is tested)
        web__public_url="https://chat.example.kr/",
        web__hosts=["ai.example.kr"],
    )
    hosts = frozenset(hosts_of(settings))

    for ours in ("chat.example.kr", "ai.example.kr:443", "127.0.0.1:8700", "10.0.0.7", "[fd00::1]"):
        assert host_is_ours(ours, hosts=hosts, any_address=True), ours
    for other in ("evil.example", "0.0.0.0.evil.example", "", "1.2.3", "fd00::1.evil"):
        assert not host_is_ours(other, hosts=hosts, any_address=True), other


@given(st.text(max_size=60))
def test_a_made_up_name_is_never_ours(host):
    ours = frozenset({"localhost", "127.0.0.1"})
    if host_is_ours(host, hosts=ours, any_address=False):
        assert host.partition(":")[0].lower() in ours or host.startswith("[")


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({}, False),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Origin": "http://127.0.0.1:8700"}, False),
        ({"Origin": "https://evil.example"}, True),
        ({"Origin": "http://127.0.0.1:9999"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
        ({"Origin": "http://127.0.0.1:8700", "Sec-Fetch-Site": "cross-site"}, True),
    ],
)
def test_a_change_asked_for_by_another_site_is_refused_and_changes_nothing(
    app, client, said, refused
):
    link = make_link(app)
    answer = client.post("/sign-in", data={"link": link}, headers=said)

    assert (answer.status_code == 403) is refused
    assert ("set-cookie" in answer.headers) is not refused
    if refused:
        assert client.post("/sign-in", data={"link": link}).status_code == 303


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "BREW"])
def test_every_method_that_may_change_something_is_looked_at(method):
    headers = Headers({"sec-fetch-site": "cross-site", "host": "localhost"})
    assert comes_from_another_site(method, headers, hosts=frozenset())


def test_a_program_with_a_key_may_run_on_another_site(app, client):
    headers = {"Authorization": f"Bearer {make_key(app)}", "Origin": "https://other.example"}
    body = {"model": "hunmin-reference", "messages": [{"role": "user", "content": "x"}]}

    sign_in(client)
    wait_for_engine(app)
    assert client.post("/v1/chat/completions", json=body, headers=headers).status_code == 200
    # The key alone counts: the cookie beside it opens nothing.
    answer = client.post("/account/keys", data={"name": "x", "days": "30"}, headers=headers)
    assert answer.json()["code"] == "person_needed"


def test_a_body_that_is_too_large_is_refused_unread(client):
    answer = client.post("/sign-in", content=b"link=" + b"x" * (1024 * 1024))

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_body_that_hides_its_length_is_refused_too(client):
    def pieces():
        for _ in range(40):
            yield b"x" * 64 * 1024

    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/sign-in", content=pieces(), headers=kind).status_code == 413


def test_pages_are_compressed_and_streams_are_not(app, client):
    assert client.get("/docs").headers["content-encoding"] == "gzip"
    headers = {"Authorization": f"Bearer {make_key(app)}"}
    body = {
        "model": "hunmin-reference",
        "stream": True,
        "messages": [{"role": "user", "content": "x"}],
    }
    wait_for_engine(app)
    answer = client.post("/v1/chat/completions", json=body, headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in answer.headers


def test_the_log_names_the_route_and_never_what_was_sent(app, client):
    link, key = make_link(app), make_key(app)
    with capture_logs() as lines:
        client.get(f"/sign-in/{link}")
        client.post("/sign-in", data={"link": link})
        client.get("/chat?search=비밀")
        client.get(f"/nowhere/{key}", headers={"Authorization": f"Bearer {key}"})

    said = [line for line in lines if line["event"] == "request"]
    assert [line["route"] for line in said] == ["/sign-in/{secret}", "/sign-in", "/chat", ""]
    for secret in (link, key, key[3:], "비밀", client.cookies["hunmin_session"]):
        assert secret not in str(lines)


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("/docs", "/docs"),
        ("/chat/c/1?x=y", "/chat/c/1?x=y"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_one_is_led_back_to_pages_of_ours_only(client, asked, led):
    assert safe_path(asked) == led
    answer = client.post("/preferences", data={"theme": "dark", "back": asked})
    assert (answer.status_code, answer.headers["location"]) == (303, led)
