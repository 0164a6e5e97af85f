"""Passkeys in a real browser, with the device it pretends to have: added, shown, proved by."""

import pytest

from tests.browser.conftest import DESK, PHONE, check_accessible, check_fits
from tests.signin.people import GOOD, make_old

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
REFUSED = "the server responded with a status of 40"  # what Chromium says of an answer that refuses


@pytest.fixture
def address(address):
    """Give the address of the live server by its name: browsers have no passkeys for numbers."""
    return address.replace("127.0.0.1", "localhost")


class Device:
    """What the browser of a page takes for a device with a finger on it."""

    def __init__(self, page) -> None:
        self._wire = page.context.new_cdp_session(page)
        self._wire.send("WebAuthn.enable")
        made = self._wire.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        self._id = {"authenticatorId": made["authenticatorId"]}

    def mistake(self) -> None:
        """Take whoever is there for another from now on."""
        self._recognize(is_owner=False)

    def recognize(self) -> None:
        """Take whoever is there for its owner."""
        self._recognize(is_owner=True)

    def _recognize(self, *, is_owner: bool) -> None:
        self._wire.send("WebAuthn.setUserVerified", {**self._id, "isUserVerified": is_owner})


def check(page) -> None:
    check_accessible(page)
    check_fits(page)


def form(page, path: str):
    return page.locator(f"form[data-passkey='{path}']")


def add(page, name: str) -> None:
    page.goto("/account/security")
    page.locator("#passkey-name").fill(name)
    page.keyboard.press("Enter")
    page.locator("ul.cards strong", has_text=name).wait_for()


@pytest.mark.parametrize(
    ("size", "scheme", "language"), [(PHONE, "dark", "ko"), (DESK, "light", "en")]
)
def test_a_person_adds_a_passkey_and_signs_in_with_a_finger(
    app, sign_in_page, size, scheme, language
):
    page = sign_in_page(size=size, scheme=scheme, language=language, faults_allowed=(REFUSED,))
    Device(page)
    add(page, "회사 노트북")
    check(page)
    page.locator("details summary").last.click()
    check(page)
    page.goto("/account")
    page.locator("form[action='/sign-out'] button").click()

    page.goto("/sign-in")
    check(page)
    form(page, "/sign-in/passkey").locator("button").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    page.goto("/account")
    assert "dana" in page.locator("main").inner_text()

    make_old(app)
    page.goto("/sign-in/prove?after=/account/security")
    check(page)
    form(page, "/sign-in/prove/passkey").locator("button").click()
    page.wait_for_url("**/account/security")
    page.locator("#password").wait_for()


def test_beside_a_password_a_finger_is_asked_for(sign_in_page):
    page = sign_in_page(size=PHONE, faults_allowed=(REFUSED,))
    device = Device(page)
    add(page, "휴대전화")
    page.locator("#password").fill(GOOD)
    page.keyboard.press("Enter")
    page.locator("form[action='/account/recovery-codes']").wait_for()
    page.goto("/account")
    page.locator("form[action='/sign-out'] button").click()
    page.goto("/sign-in")
    page.locator("#name").fill("dana")
    page.locator("#password").fill(GOOD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/second")
    check(page)

    ask = form(page, "/sign-in/second/passkey")
    device.mistake()
    ask.locator("button").click()
    ask.locator("[role=status]", has_text="다시 해 보십시오").wait_for()
    check(page)
    device.recognize()
    ask.locator("button").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def test_a_device_makes_one_passkey_and_says_so(sign_in_page):
    page = sign_in_page(faults_allowed=(REFUSED,))
    Device(page)
    add(page, "노트북")
    adding = form(page, "/account/passkeys")
    adding.locator("button").click()
    adding.locator("[role=status]", has_text="이미 이 계정의 패스키").wait_for()


def test_without_scripts_there_is_no_passkey_to_press(open_page):
    page = open_page("/sign-in", scripts=False)
    assert not form(page, "/sign-in/passkey").is_visible()
    assert page.locator("#name").is_visible()
