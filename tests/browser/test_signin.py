"""The pages of signing in: accessible, light and dark, on a phone, by keyboard, scripts or not."""

import pytest
from pyotp import TOTP

from tests.browser.conftest import DESK, PHONE, check_accessible, check_fits
from tests.support.desk import make_link

GOOD = "여름밤 자전거 도토리묵 우체통"


def set_password(page) -> None:
    page.goto("/account/security")
    page.locator("#password").fill(GOOD)
    page.get_by_role("button", name="비밀번호 정하기").click()
    page.get_by_text("에 정했습니다").wait_for()


@pytest.mark.parametrize(
    ("size", "scheme", "language"), [(PHONE, "dark", "ko"), (DESK, "light", "en")]
)
def test_every_page_of_signing_in_is_accessible_and_fits(sign_in_page, size, scheme, language):
    page = sign_in_page(size=size, scheme=scheme, language=language)
    for path in ("/sign-in", "/account/security", "/sign-in/prove"):
        page.goto(path)
        check_accessible(page)
        check_fits(page)
    page.goto("/account/security")
    page.locator("form[action='/account/second-factor'] button").click()
    check_accessible(page)
    check_fits(page)
    app = TOTP(page.locator("code").first.inner_text().replace(" ", ""))
    page.locator("#code").fill(app.now())
    page.locator("main form button").click()
    page.locator("ol code").first.wait_for()
    check_accessible(page)
    check_fits(page)


def test_a_person_signs_in_by_password_and_code_with_the_keyboard_alone(app, open_page):
    first = open_page(f"/sign-in/{make_link(app)}", scripts=False)
    first.locator("main form button").click()
    set_password(first)
    first.locator("form[action='/account/second-factor'] button").click()
    phone = TOTP(first.locator("code").first.inner_text().replace(" ", ""))
    first.locator("#code").fill(phone.now())
    first.locator("main form button").click()
    recovery = first.locator("ol code").first.inner_text()

    page = open_page("/sign-in", scripts=False)
    page.locator("#name").focus()
    page.keyboard.type("dana")
    page.keyboard.press("Tab")
    page.keyboard.type(GOOD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/second")
    check_fits(page)
    page.locator("#code").focus()
    page.keyboard.type(recovery)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)

    page.goto("/account")
    assert "dana" in page.locator("main").inner_text()
