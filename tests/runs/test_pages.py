"""Runs are shown to those who may see them, and nothing else of the disk is."""

import json
import re
import time
from datetime import UTC, datetime

import pytest

from tests.support.desk import make_key, sign_in, stranger
from tests.support.run_folders import event, point, usual_lines, write_log

HTML = {"Accept": "text/html,*/*;q=0.8"}
RUN = "/runs/laptop/pretrain"
PAGES = ("/runs", RUN, "/runs/compare?run=laptop/pretrain")


@pytest.fixture
def seen(client):
    """Give a client of somebody who may see runs."""
    return sign_in(client, "dana", "administrator")


@pytest.mark.parametrize("path", PAGES)
def test_runs_are_for_administrators_and_auditors(app, client, path):
    twin = path.replace("?", ".json?") if "?" in path else f"{path}.json"
    assert client.get(path).status_code == 401
    guest = stranger(app)
    guest.post("/chat", data={"text": "안녕하세요?"})
    assert guest.get(twin).status_code == 401
    person = sign_in(stranger(app), "min", "person")
    assert person.get(twin).json()["code"] == "role_needed"
    key = {"Authorization": f"Bearer {make_key(app, 'min')}"}
    assert stranger(app).get(twin, headers=key).status_code == 403
    for name, role in (("dana", "administrator"), ("audi", "auditor")):
        assert sign_in(stranger(app), name, role).get(twin).status_code == 200


@pytest.mark.parametrize("path", ["/chat", "/docs", "/docs/errors", "/account"])
def test_the_menu_leads_to_runs_for_those_who_may_see_them(app, client, path):
    link = 'href="/runs"'
    assert link in sign_in(client, "dana", "administrator").get(path, headers=HTML).text
    assert link not in sign_in(stranger(app), "min", "person").get(path, headers=HTML).text


def test_a_run_is_told_as_a_page_and_as_json(seen):
    page = seen.get(RUN, headers=HTML)
    told = seen.get(f"{RUN}.json").json()

    assert (told["run"]["state"], told["run"]["step"]) == ("running", 640)
    assert told["series"]["loss"][-1][0] == 640
    assert told["series"]["mfu"][-1][1] == pytest.approx(0.406, abs=0.01)
    assert told["run"]["head"]["sha256"] in page.text
    for said in ("640", "kowiki", "CC-BY-SA-3.0", "step-000600", "느린 프로세스", "남음"):
        assert said in page.text


def test_a_page_needs_no_script_of_its_own_and_no_style_inside_it(seen):
    for path in PAGES:
        text = seen.get(path, headers=HTML).text
        assert " style=" not in text
        assert not re.search(r"<script(?![^>]*\bsrc=)", text)


def test_every_chart_has_its_numbers_as_a_table(seen):
    text = seen.get(RUN, headers=HTML).text

    assert text.count("<figure") == 5
    assert text.count("<figure") == text.count("<details>\n    <summary>표로 보기")


def test_a_page_shows_what_the_stage_measures(seen, folder):
    now = datetime.now(UTC)
    first, *points = usual_lines(steps=20, now=now, computing={"context": 2})
    recipe = {**first["recipe"], "train": {**first["recipe"]["train"], "stage": "reinforce"}}
    lines = [{**first, "stage": "reinforce", "recipe": recipe}]
    write_log(folder / "round", lines + [{**one, "reward": 0.5, "entropy": 1.5} for one in points])
    text = seen.get("/runs/round", headers=HTML).text

    assert text.count("<figure") == 7
    for said in ("강화 학습", "보상", "엔트로피", "시퀀스를 나눈 프로세스 2개"):
        assert said in text
    assert "토큰당 손실" not in text
    assert seen.get("/runs/round.json").json()["run"]["measures"] == {"reward": 0.5, "entropy": 1.5}


def test_a_run_that_goes_on_asks_again_and_one_that_ended_does_not(seen, folder):
    live = seen.get(RUN, headers={**HTML, "HX-Request": "true"}).text
    assert 'hx-trigger="every 5s"' in live
    assert "<html" not in live

    with (folder / "laptop/pretrain/loss.jsonl").open("a") as stream:
        stream.write(json.dumps(event("finished", 640, datetime.now(UTC))) + "\n")
    assert "hx-trigger" not in seen.get(RUN, headers=HTML).text


@pytest.mark.parametrize(
    "name",
    [
        "nowhere",
        "%2e%2e",
        "%2e%2e/runs/laptop/pretrain",
        "laptop/%2e%2e/laptop/pretrain",
        "laptop/pretrain/",
        "laptop/pretrain/step-000600",
        "laptop/pretrain/loss.jsonl",
        "laptop",
        "/etc/passwd",
        "%2e%2e/%2e%2e/etc",
        "laptop%2F..%2F..%2Fvar",
        "laptop/pretrain%00",
        "a" * 501,
    ],
)
def test_only_runs_that_were_found_can_be_asked_for(seen, name):
    assert seen.get(f"/runs/{name}.json").status_code in {404, 422}
    assert seen.get("/runs/compare.json", params={"run": name}).status_code == 404


def test_runs_beside_each_other(seen, folder):
    other = usual_lines(steps=300, now=datetime.now(UTC))
    recipe = other[0]["recipe"]
    other[0]["recipe"] = {**recipe, "train": {**recipe["train"], "optimizer": "adamw"}}
    write_log(folder / "second", other)
    asked = {"run": ["laptop/pretrain", "second"], "over": "tokens"}
    told = seen.get("/runs/compare.json", params=asked).json()
    page = seen.get("/runs/compare", params=asked, headers=HTML).text

    assert [one["name"] for one in told["runs"]] == asked["run"]
    assert told["places"][-1] == 300 * 16 * 256
    assert "train.optimizer" in page
    assert page.count('class="line line-1') == 2  # in the chart and in its legend


def test_too_many_runs_or_none_are_refused(seen):
    assert seen.get("/runs/compare.json").status_code == 422
    many = {"run": [f"r{number}" for number in range(7)]}
    assert seen.get("/runs/compare.json", params=many).status_code == 422


def test_a_folder_without_runs_says_so(seen, folder):
    folder.rename(folder.with_name("away"))

    assert seen.get("/runs.json").json()["runs"] == []
    assert "runs.folder" in seen.get("/runs", headers=HTML).text


def test_a_run_before_its_first_points_has_a_page(seen, folder):
    write_log(folder / "new", usual_lines(steps=0, now=datetime.now(UTC)))

    assert seen.get("/runs/new", headers=HTML).status_code == 200


def test_what_a_log_says_is_text_and_never_markup(seen, folder):
    lines = usual_lines(steps=10, now=datetime.now(UTC), device="<script>alert(1)</script>")
    failed = event("failed", 10, datetime.now(UTC), reason="<img src=x onerror=alert(1)>")
    write_log(folder / "odd", [*lines, failed])
    text = seen.get("/runs/odd", headers=HTML).text

    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_a_page_of_a_long_log_comes_at_once(seen, folder):
    """Told in the time of the processor: what else the machine does is no fault of ours."""
    line = json.dumps(point(10, datetime.now(UTC)))
    (folder / "long").mkdir()
    (folder / "long" / "loss.jsonl").write_text((line + "\n") * 200_000, "utf-8")
    seen.get("/runs/long", headers=HTML)

    took = []
    for _ in range(5):
        began = time.process_time()
        answer = seen.get("/runs/long", headers=HTML)
        took.append(time.process_time() - began)
    assert len(answer.content) < 500_000
    assert min(took) < 0.1
