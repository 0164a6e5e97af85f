"""A browser that goes to a provider and comes back, without the pages of one."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from starlette.testclient import TestClient

from tests.signin.scripted_provider import CODE, ScriptedProvider


@contextmanager
def running() -> Iterator[ScriptedProvider]:
    """Run a provider on loopback in a thread, as long as the block."""
    ready, done = threading.Event(), asyncio.Event()
    provider = ScriptedProvider()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with provider:
            ready.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait(30)
    try:
        yield provider
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(30)
        loop.close()


def asked_for(answer) -> dict[str, str]:
    """Return what a browser that was sent to a provider takes along."""
    assert answer.status_code == 303, answer.text
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return {name: value for name, (value,) in query.items()}


def set_out(client: TestClient, there: ScriptedProvider, name: str = "gov", query: str = "") -> str:
    """Have a browser set out to sign in, and the provider know it; return the state."""
    asked = asked_for(client.get(f"/sign-in/with/{name}{query}"))
    there.claims["nonce"] = asked["nonce"]
    return asked["state"]


def come_back(client: TestClient, state: str, *, name: str = "gov", **changes: str | None):
    """Have a browser come back from a provider."""
    query = {"state": state, "code": CODE, **changes}
    kept = {name: value for name, value in query.items() if value is not None}
    return client.get(f"/sign-in/back/{name}", params=kept)


def sign_in_abroad(client: TestClient, there: ScriptedProvider, name: str = "gov"):
    """Sign a browser in with a provider."""
    return come_back(client, set_out(client, there, name), name=name)
