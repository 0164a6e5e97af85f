"""Every page in a real browser: the machine's Chromium, on a live server with a scripted engine.

`open_page` gives a page and watches it: an error in its console, a request to any other host or
one the content policy blocked fails the test. `check_accessible` runs axe, `check_fits` looks for
a page wider than its window.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.talking import PATIENCE_MS
from tests.support.desk import app, engine, make_link, migrated_file  # noqa: F401 (fixtures)
from tests.support.serving import serve

AXE = Path(__file__).parent / "axe" / "axe.min.js"

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PHONE = (390, 844)
DESK = (1280, 900)


def pytest_collection_modifyitems(items):
    """Mark every test of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Give the machine's Chromium, or skip where there is none.

    One for each module: while Playwright runs, no other test may run an event loop.
    """
    found = next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM_ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def address(app) -> Iterator[str]:  # noqa: F811 (the fixture imported above)
    """Give the address of a live server."""
    with serve(app, engine_ready=False) as address:
        yield address


OpenPage = Callable[..., Any]


@pytest.fixture
def open_page(chromium, address) -> Iterator[OpenPage]:
    """Give `open_page(path, size=..., scheme=..., language=..., scripts=..., signed_in=...)`.

    Pages opened with the same `context` share cookies.
    """
    contexts: list[Any] = []
    faults: list[str] = []
    allowed: list[str] = []

    def open_page(
        path: str = "/",
        *,
        size: tuple[int, int] = DESK,
        scheme: str = "light",
        language: str = "ko",
        scripts: bool = True,
        context: Any = None,
        faults_allowed: tuple[str, ...] = (),
        **options: Any,
    ):
        allowed.extend(faults_allowed)
        if context is None:
            context = chromium.new_context(
                base_url=address,
                viewport={"width": size[0], "height": size[1]},
                color_scheme=scheme,
                locale={"ko": "ko-KR", "en": "en-US"}[language],
                java_script_enabled=scripts,
                permissions=["clipboard-read", "clipboard-write"],
                # A service worker would answer in the place of what a test has answer.
                service_workers=options.pop("service_workers", "block"),
                **options,
            )
            context.set_default_timeout(60_000)  # machines that test are busy
            contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: said.type == "error" and faults.append(said.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((address, "data:", "blob:"))
                or faults.append(f"asked another host: {request.url}")
            ),
        )
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    unforeseen = [fault for fault in faults if not any(known in fault for known in allowed)]
    assert unforeseen == []


@pytest.fixture
def sign_in_page(app, open_page) -> OpenPage:  # noqa: F811
    """Give `sign_in_page(name, ...)`: a page of a browser that has just signed in."""

    def sign_in_page(name: str = "dana", *roles: str, **options: Any):
        page = open_page(f"/sign-in/{make_link(app, name, *roles)}", **options)
        page.locator("main form button").click()
        page.wait_for_url(lambda url: "/sign-in" not in url)
        return page

    return sign_in_page


def check_accessible(page: Any, *, exclude: tuple[str, ...] = ()) -> None:
    """Fail with what axe finds: WCAG 2.2 A and AA, and its best practices."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate(
        """async ([exclude]) => {
            const rules = {
                // Of WCAG 2.2, and off by themselves.
                "target-size": {enabled: true}, "label-content-name-mismatch": {enabled: true},
            };
            const result = await axe.run({exclude}, {resultTypes: ["violations"], rules});
            return result.violations.map(v => ({
                rule: v.id, help: v.help, nodes: v.nodes.map(n => [n.html, n.failureSummary]),
            }));
        }""",
        [[[selector] for selector in exclude]],
    )
    assert found == [], json.dumps(found, ensure_ascii=False, indent=1)


def check_fits(page: Any) -> None:
    """Fail where a page is wider than its window, and name what sticks out."""
    too_wide = page.evaluate(
        """() => {
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            return [...document.querySelectorAll("body *")]
                .filter(e => e.getBoundingClientRect().right > width + 1)
                .map(e => e.outerHTML.slice(0, 120));
        }"""
    )
    assert too_wide == []
