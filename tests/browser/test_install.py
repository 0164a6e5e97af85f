"""The service as an app: without network there is a page, and nobody's words were kept."""

from playwright.sync_api import expect

from tests.browser.talking import ask, open_chat

KEPT = """async () => {
    const urls = [];
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        urls.push(...(await cache.keys()).map(request => new URL(request.url).pathname));
    }
    return urls;
}"""


def test_the_app_opens_without_network_and_says_so_and_keeps_nobodys_words(open_page):
    page = open_chat(
        open_page, service_workers="allow", faults_allowed=("404 (Not Found)", "INTERNET")
    )
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    ask(page, "안녕하세요")
    page.reload()
    page.locator("#chat[data-ready]").wait_for()
    kept = page.evaluate(KEPT)

    assert "/offline" in kept
    assert any(path.endswith("/chat/app.js") for path in kept)
    assert [path for path in kept if not path.startswith("/static/")] == ["/offline"]

    page.context.set_offline(True)
    page.goto("/chat")
    expect(page.get_by_role("heading", name="네트워크 연결 없음")).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("link", name="다시 시도").click()
    page.locator("#chat[data-ready]").wait_for()
