"""Signing in with a certified OpenID provider, in a browser, there and back."""

import pytest

from hunmin.settings import Settings
from tests.browser.conftest import PHONE, check_accessible, check_fits
from tests.support.oidc import CLIENT, SECRET, run_provider


@pytest.fixture(scope="module")
def issuer():
    """Give the issuer of a provider that knows 다나 and 민수."""
    with run_provider() as issuer:
        yield issuer


@pytest.fixture
def settings(tmp_path, issuer):
    """Give settings with this provider."""
    provider = {
        "issuer": issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "title": "디지털원패스",
        "create": True,
    }
    return Settings.load(data=tmp_path / "var", accounts={"providers": {"gov": provider}})


@pytest.fixture
def foreign(issuer):
    """Give what the provider's own pages may ask for, or say, that ours may not."""
    return (issuer, "fonts.googleapis.com", "ERR_", "Failed to load resource")


def sign_in_there(page, who: str) -> None:
    """Fill in the provider's pages, by keyboard."""
    page.locator("input[name=login]").fill(who)
    page.locator("input[name=password]").fill("any")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Continue").press("Enter")


def name_shown(page) -> str:
    """Return whom a browser is signed in as."""
    page.goto("/account")
    return page.locator("dl.facts dd").first.inner_text()


def test_a_person_signs_in_with_an_account_elsewhere(open_page, foreign, address):
    page = open_page("/sign-in", size=PHONE, faults_allowed=foreign)
    check_accessible(page)
    check_fits(page)
    page.get_by_role("link", name="디지털원패스에서 로그인").press("Enter")
    sign_in_there(page, "dana")
    page.wait_for_url(lambda url: url.startswith(address) and "/sign-in" not in url)

    assert name_shown(page) == "다나"


def test_an_account_is_connected_and_opened_from_then_on(sign_in_page, open_page, foreign, address):
    page = sign_in_page("담당자", faults_allowed=foreign)
    page.goto("/account")
    page.get_by_role("link", name="외부 로그인").click()
    check_accessible(page)
    page.get_by_role("button", name="연결").click()
    check_accessible(page)
    page.get_by_role("link", name="디지털원패스 화면으로 이동").click()
    sign_in_there(page, "minsu")
    page.wait_for_url("**/account/providers")
    assert page.get_by_text("연결됨").is_visible()

    other = open_page("/sign-in", faults_allowed=foreign)
    other.get_by_role("link", name="디지털원패스에서 로그인").click()
    sign_in_there(other, "minsu")
    other.wait_for_url(lambda url: url.startswith(address) and "/sign-in" not in url)
    assert name_shown(other) == "담당자"
