"""What tests of the chat page do again and again: open it, ask, wait for the end of an answer."""

from typing import Any

PATIENCE_MS = 60_000
"""Machines that test are busy."""

NOT_THERE = ("404 (Not Found)",)
"""What the browser says of a model without a record; the page says it in words."""


def open_chat(open_page: Any, path: str = "/chat", **options: Any) -> Any:
    """Open the chat page and wait until its scripts have taken over."""
    page = open_page(path, faults_allowed=options.pop("faults_allowed", NOT_THERE), **options)
    page.set_default_timeout(PATIENCE_MS)
    if options.get("scripts", True):
        page.locator("#chat[data-ready]").wait_for()
    return page


def box(page: Any) -> Any:
    """Return the box one writes in."""
    return page.locator("#message")


def send(page: Any, text: str) -> None:
    """Ask, and wait until the answer is being written."""
    answers = page.locator("li.model").count()
    box(page).fill(text)
    page.get_by_role("button", name="보내기", exact=True).click()
    page.locator("li.model").nth(answers).wait_for()


def until_written(page: Any) -> None:
    """Wait for the end of the answer."""
    page.get_by_role("button", name="보내기", exact=True).wait_for()
    page.locator("li.model").last.locator(".facts").wait_for()


def ask(page: Any, text: str) -> None:
    """Ask, and wait for the whole answer."""
    send(page, text)
    until_written(page)


def menu(page: Any, title: str) -> Any:
    """Open the dialog of what can be done with a conversation of the list."""
    page.locator(".conversations .row", has_text=title).hover()
    page.get_by_role("button", name=f"‘{title}’ 메뉴").click()
    return page.get_by_role("dialog", name=title)


QUESTIONS = "li.you .said"
"""What the questions on the branch shown are found by."""


def questions(page: Any) -> list[str]:
    """Return the questions on the branch shown."""
    return page.locator(QUESTIONS).all_inner_texts()


def spoken(page: Any) -> list[str]:
    """Return everything the live region has said since `listen`."""
    return page.evaluate("window.spoken")


def listen(page: Any) -> None:
    """Write down what the live region says from now on."""
    page.evaluate(
        """() => {
            window.spoken = [];
            const region = document.querySelector("#chat > [role=status]");
            new MutationObserver(() => window.spoken.push(region.textContent))
                .observe(region, {childList: true, characterData: true, subtree: true});
        }"""
    )
