"""`hunmin demo` and `hunmin serve`, as processes that are started, asked, stopped and started."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).parents[2]
START_SECONDS_MAX = 120


@pytest.fixture
def model(tmp_path) -> Path:
    """Give a folder that looks like an exported model."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


@pytest.fixture
def run(tmp_path):
    """Give `run(*arguments)`: hunmin in a process of its own, ended with the test."""
    running: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.demo", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def read_line(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline()
    if not line:
        pytest.fail(process.stderr.read())
    return line.strip()


def address_in(line: str) -> str:
    return re.search(r"http://\S+", line)[0]


def stop(process: subprocess.Popen[str]) -> tuple[int, str]:
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=START_SECONDS_MAX)
    return process.returncode, said


def wait_until_ready(address: str) -> dict[str, object]:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        answer = httpx2.get(f"{address}/healthz", timeout=30)
        if answer.status_code == 200:
            return answer.json()
        time.sleep(0.05)
    return pytest.fail("the model was not ready in time")


def test_a_demo_signs_its_administrator_in_stops_cleanly_and_goes_on(run, model, tmp_path):
    data = tmp_path / "data"
    command = ("demo", "--no-browser", "--port", "0", "--data", data, "--model", model)
    first = run(*command)
    address = address_in(read_line(first))
    assert "administrator" in read_line(first)
    link = read_line(first)
    assert link.startswith(f"{address}/sign-in/")
    assert wait_until_ready(address)["models"] == ["tiny"]
    with httpx2.Client(base_url=address) as browser:
        secret = link.rpartition("/")[2]
        assert browser.post("/sign-in", data={"link": secret}).status_code == 303
        assert browser.get("/account.json").json()["user"]["name"] == "admin"
        cookie = browser.cookies["hunmin_session"]
        assert (data / "address").read_text().strip() == address
        laws = re.search(r"/collections/\w+", browser.get("/collections").text)[0]
        found = browser.get(laws, params={"question": "한식진흥법 제1조"}).text
        assert "이 법은 한식(韓食) 및 한식산업의 진흥" in found
        assert "KR-Copyright-Act-Art7" in found
        status, said = stop(first)

    assert status == 0
    assert "Traceback" not in said
    assert "Stopped" in said
    assert not (data / "address").exists()

    withdrawn = run("collections", "withdraw", "법령 (Statutes)", "--data", data)
    assert withdrawn.wait(START_SECONDS_MAX) == 0
    second = run(*command)
    address = address_in(read_line(second))
    with httpx2.Client(base_url=address, cookies={"hunmin_session": cookie}) as browser:
        assert browser.get("/account.json").json()["user"]["name"] == "admin"
        assert "법령 (Statutes)" not in browser.get("/collections").text
    second.kill()
    rest, _ = second.communicate(timeout=START_SECONDS_MAX)
    assert "/sign-in/" not in rest

    third = run(*command)
    address = address_in(read_line(third))
    with httpx2.Client(base_url=address, cookies={"hunmin_session": cookie}) as browser:
        assert browser.get("/account.json").json()["user"]["name"] == "admin"
    assert stop(third)[0] == 0


@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]])
def test_answers_under_way_are_ended_and_not_waited_for(run, model, tmp_path, numbers):
    data = tmp_path / "data"
    serving = run("serve", "--port", "0", "--data", data, "--model", model, PAUSE_SECONDS="30")
    address = address_in(read_line(serving))
    wait_until_ready(address)
    with (
        httpx2.Client(base_url=address, timeout=60) as browser,
        browser.stream("POST", "/chat/api/conversations", json={"text": "안녕하세요?"}) as answer,
    ):
        pieces = answer.iter_text()
        next(pieces)
        for number in numbers:
            serving.send_signal(number)
            time.sleep(0.5)  # two of a kind at one moment would be one
        rest = "".join(pieces)
        _, said = serving.communicate(timeout=25)

    assert "interrupted" in rest
    assert serving.returncode in {0, -signal.SIGTERM}
    assert "Traceback" not in said
    assert "Exception" not in said


def test_a_key_made_beside_a_running_service_works_at_once(run, model, tmp_path):
    data = tmp_path / "data"
    serving = run("serve", "--port", "0", "--data", data, "--model", model)
    address = address_in(read_line(serving))
    made, said = run("key", "create", "report", "--data", data).communicate(timeout=120)
    wait_until_ready(address)

    key = made.splitlines()[-1] if made else ""
    assert re.fullmatch(r"hm-[A-Za-z0-9_-]{43}", key), said
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx2.get(f"{address}/v1/models", headers=headers)
    assert [model["id"] for model in answer.json()["data"]] == ["tiny"]

    made, said = run("accounts", "create", "다나", "--data", data).communicate(timeout=120)
    assert made.startswith(f"{address}/sign-in/"), said


def test_a_port_that_is_taken_is_said_before_anything_is_begun(run, model, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        demo = run("demo", "--port", port, "--data", tmp_path / "data", "--model", model)
        said, why = demo.communicate(timeout=START_SECONDS_MAX)

    assert (demo.returncode, said) == (1, "")
    assert "(port_in_use)" in why
    assert f"--port {int(port) + 1}" in why
    assert "Traceback" not in why
    assert not (tmp_path / "data" / "hunmin.db").exists()


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("demo", "--model", "nowhere"), "model_folder_missing"),
        (("serve", "--model", "nowhere"), "model_folder_missing"),
        (("serve", "--host", "203.0.113.7", "--model", "tiny"), "insecure_listen"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(run, arguments, code):
    process = run(*arguments)
    said, why = process.communicate(timeout=START_SECONDS_MAX)

    assert (process.returncode, said) == (1, "")
    assert f"({code})" in why
    assert "Traceback" not in why
    assert len(why.strip().splitlines()) == 1


def test_serving_others_without_encryption_is_said(run, model, tmp_path):
    everywhere = "0.0.0.0"  # noqa: S104 (what is tested)
    serving = run(
        "serve", "--host", everywhere, "--port", "0", "--data", tmp_path, "--model", model,
        HUNMIN_WEB__ALLOW_PLAIN_HTTP="true",
    )  # fmt: skip
    address = address_in(read_line(serving))

    assert httpx2.get(f"{address}/chat").status_code == 401
    assert "without encryption" in stop(serving)[1]


def test_an_engine_that_is_not_installed_is_named_with_those_that_are(run, model):
    process = run("serve", "--model", model, HUNMIN_INFERENCE__ENGINE="missing")
    _, why = process.communicate(timeout=START_SECONDS_MAX)

    assert process.returncode == 1
    assert "(engine_unknown)" in why
    assert "openvino" in why


def test_a_korean_terminal_is_spoken_to_in_korean(run, model, tmp_path):
    demo = run(
        "demo", "--no-browser", "--port", "0", "--data", tmp_path / "d", "--model", model,
        LC_ALL="ko_KR.UTF-8", PYTHONUTF8="1",
    )  # fmt: skip
    assert "훈민" in read_line(demo)
    assert "관리자" in read_line(demo)
