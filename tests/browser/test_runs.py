"""The pages of runs in a browser: accessible, light and dark, on a phone, live, without scripts."""

import json
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from hunmin.settings import Settings
from tests.browser.conftest import DESK, PHONE, check_accessible, check_fits
from tests.support.run_folders import event, make_run, point, usual_lines, write_log

RUN = "/runs/laptop/pretrain"
PATHS = ("/runs", RUN, "/runs/compare?run=laptop/pretrain&run=second")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def settings(tmp_path, folder) -> Settings:
    make_run(folder)
    failed = event("failed", 300, datetime.now(UTC), reason="TrainingUnstable: too many steps")
    write_log(folder / "second", [*usual_lines(steps=300, now=datetime.now(UTC)), failed])
    return Settings.load(config=None, data=tmp_path / "var", web__port=0, runs__folder=folder)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_pages_of_runs_are_accessible_and_fit(sign_in_page, scheme, size):
    page = sign_in_page("dana", "administrator", scheme=scheme, size=size)
    for path in (*PATHS, "/runs/second"):
        page.goto(path)
        for details in page.locator("main details").all():
            details.evaluate("details => details.open = true")

        check_accessible(page)
        check_fits(page)


def test_a_chart_is_drawn_inside_its_frame(sign_in_page):
    page = sign_in_page("dana", "administrator", size=PHONE)
    page.goto(RUN)

    for figure in page.locator("figure.chart").all():
        frame = figure.bounding_box()
        drawn = figure.locator(".plot path.line").first.bounding_box()
        assert drawn["width"] > 100
        assert frame["x"] < drawn["x"]
        assert drawn["x"] + drawn["width"] < frame["x"] + frame["width"]


def test_a_run_that_goes_on_is_followed_and_what_was_opened_stays_open(sign_in_page, folder):
    page = sign_in_page("dana", "administrator", language="en")
    page.goto(RUN)
    page.locator("figure summary").first.click()
    with (folder / "laptop/pretrain/loss.jsonl").open("a") as stream:
        stream.write(json.dumps(point(650, datetime.now(UTC))) + "\n")

    expect(page.locator(".progress")).to_contain_text("step 650 of 1,000")
    expect(page.locator("figure details").first).to_have_attribute("open", "")

    with (folder / "laptop/pretrain/loss.jsonl").open("a") as stream:
        stream.write(json.dumps(event("finished", 650, datetime.now(UTC))) + "\n")
    expect(page.locator(".state")).to_have_text("finished")
    expect(page.locator("#live")).not_to_have_attribute("hx-trigger", "every 5s")


def test_choosing_and_comparing_needs_no_script(sign_in_page):
    page = sign_in_page("dana", "administrator", scripts=False, language="en")
    page.goto("/runs")
    page.get_by_label("Compare laptop/pretrain").check()
    page.get_by_label("Compare second").check()
    page.get_by_role("button", name="Compare the chosen runs").click()

    expect(page.locator("h1")).to_have_text("Compare runs")
    expect(page.locator(".legend li")).to_have_text(["laptop/pretrain", "second"])
    page.get_by_role("button", name="tokens", exact=True).click()
    expect(page.locator("h2").first).to_have_text("Losses at the same tokens")
