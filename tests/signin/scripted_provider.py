"""An OpenID provider that does what a test tells it, wrong things too. The real one is elsewhere.

It counts what it is asked, and answers with what its attributes say.
"""

from collections import Counter
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import web

from hunmin.settings import ProviderSettings
from tests.signin import tokens

CODE = "the-code"


class ScriptedProvider:
    """A provider on loopback, for the time of an `async with`."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.forms: list[dict[str, str]] = []
        self.authorizations: list[str] = []
        self.discovery: dict[str, Any] = {}
        """What its discovery document says otherwise; None leaves it out."""
        self.keys: Any = list(tokens.KEYS)
        self.claims: dict[str, Any] = {}
        """What its tokens say otherwise."""
        self.signing: dict[str, Any] = {}
        self.token: Any = {}
        """What its token endpoint says otherwise."""
        self.person: dict[str, Any] = {"sub": "person-7"}
        """What its userinfo endpoint says."""
        self.discovery_status = 200
        self.status = 200
        """What everything but discovery is answered with."""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discover)
        app.router.add_get("/jwks", self._show_keys)
        app.router.add_post("/token", self._exchange)
        app.router.add_get("/me", self._tell)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.issuer = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def settings(self, **changes: Any) -> ProviderSettings:
        """Return what a service that knows it has in its settings."""
        known = {"issuer": self.issuer, "client_id": tokens.CLIENT, "client_secret": "s:e/c ret"}
        return ProviderSettings(**{**known, **changes})

    async def _discover(self, _: web.Request) -> web.Response:
        self.asked["discovery"] += 1
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/me",
            **self.discovery,
        }
        kept = {name: value for name, value in said.items() if value is not None}
        return web.json_response(kept, status=self.discovery_status)

    async def _show_keys(self, _: web.Request) -> web.Response:
        self.asked["keys"] += 1
        return web.json_response({"keys": self.keys}, status=self.status)

    async def _exchange(self, request: web.Request) -> web.Response:
        self.asked["token"] += 1
        self.forms.append({name: str(value) for name, value in (await request.post()).items()})
        self.authorizations.append(request.headers.get("Authorization", ""))
        if self.forms[-1].get("code") != CODE:
            return web.json_response({"error": "invalid_grant"}, status=400)
        if not isinstance(self.token, dict):
            return web.Response(text=self.token, status=self.status)
        said = tokens.claims(datetime.now(UTC), **{"iss": self.issuer, **self.claims})
        given = {"id_token": tokens.sign(said, **self.signing), "access_token": "a", **self.token}
        return web.json_response(given, status=self.status)

    async def _tell(self, request: web.Request) -> web.Response:
        self.asked["me"] += 1
        assert request.headers["Authorization"] == "Bearer a"
        return web.json_response(self.person, status=self.status)
