"""The guards every request passes, whatever it asks for. Plain ASGI: streams flow through.

`Desk` is the outermost: it gives the request its id and writes headers, waiting cookies and the
access line. `Guards` refuses names that are not ours and changes asked for by other sites.
"""

import ipaddress
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hunmin import faces, logs, telemetry
from hunmin.db import new_id
from hunmin.errors import BodyTooLarge, CrossSiteRefused, HostUnknown, HunminError

log = logs.get(__name__)

SECURITY_HEADERS: dict[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""No script, style, font or picture from outside, none inside a page, and nobody frames us."""

FILE_HEADERS: dict[str, str] = {
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""What a stylesheet, script, font or picture needs of it. A page loads dozens: each byte counts."""

_FILES = "/static/"

_HOST = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[\w.-]+))(?::[0-9]{1,5})?")

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""The names of this machine to itself."""

_HTTPS_HEADERS = {"Strict-Transport-Security": "max-age=31536000"}
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PREFERENCE_SECONDS = 365 * 86_400
QUIET_ROUTES = frozenset({"/healthz", "/static/{version}/{name:path}"})
"""What is asked all the time and is no news."""


def write_headers(scope: Scope, headers: MutableHeaders) -> None:
    """Add to an answer what every answer has, and the cookies that wait."""
    state = scope.get("state", {})
    is_page = headers.get("Content-Type", "").startswith("text/html")
    is_file = scope["path"].startswith(_FILES) and not is_page  # one that says it is not there
    own = FILE_HEADERS if is_file else SECURITY_HEADERS
    extra = _HTTPS_HEADERS if faces.speaks_https(Request(scope)) else {}
    for name, value in {**own, **extra}.items():
        headers.setdefault(name, value)
    # What may be kept says so itself; anything else may be somebody's words.
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("X-Request-ID", state.get("request_id", ""))
    if scope["app"].state.draining:
        headers["Connection"] = "close"  # the next request goes to whoever took over
    for cookie in faces.waiting_cookies(state):
        headers.append("Set-Cookie", cookie)


class Desk:
    """Request id, language choice, headers, cookies and one access line without content."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and finish its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        _keep_language(Request(scope))
        began = time.monotonic()
        status = 0

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                write_headers(scope, MutableHeaders(scope=message))
            await send(message)

        with logs.bound(request_id=request_id):
            try:
                await self.app(scope, receive, finish)
            finally:
                _say(scope, status, time.monotonic() - began)


def _keep_language(request: Request) -> None:
    """Remember a language asked for in the address."""
    asked = request.query_params.get("lang")
    if asked is not None and faces.language_of(request) == asked:
        faces.set_cookie(request, faces.LANGUAGE_COOKIE, asked, seconds=_PREFERENCE_SECONDS)


def _say(scope: Scope, status: int, seconds: float) -> None:
    """Log and count the route, never the address: that may hold a secret or somebody's words."""
    route = getattr(scope.get("route"), "path", "")
    code = scope["state"].get("error_code")
    telemetry.request_ended(route=route, status=status, code=code)
    level = "debug" if route in QUIET_ROUTES else "info"
    actor = getattr(scope["state"].get("actor"), "id", None)
    getattr(log, level)(
        "request",
        method=scope["method"],
        route=route,
        status=status or None,
        **({"code": code} if code else {}),
        wall_ms=round(seconds * 1000),
        actor=actor,
    )


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """The longest request body that is read, by the first part of the path."""

    bytes_max: int
    under: Mapping[str, int]

    def of(self, path: str) -> int:
        """Return the limit for a path."""
        for prefix, bytes_max in self.under.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                return bytes_max
        return self.bytes_max


class Guards:
    """Refuses hosts that are not ours, changes asked for by another site, and endless bodies."""

    def __init__(
        self, app: ASGIApp, *, hosts: Iterable[str], any_address: bool, limits: BodyLimits
    ) -> None:
        self.app = app
        self.hosts = frozenset(host.lower() for host in hosts)
        self.any_address = any_address
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer with the reason why not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        bytes_max = self.limits.of(scope["path"])
        refusal = self._refusal(request, bytes_max)
        if refusal is None:
            await self.app(scope, _counted(receive, bytes_max), send)
        else:
            response = faces.show_problem(request, faces.problem_of(request, refusal))
            await response(scope, receive, send)

    def _refusal(self, request: Request, bytes_max: int) -> HunminError | None:
        headers = request.headers
        host = headers.get("host", "")
        if not host_is_ours(host, hosts=self.hosts, any_address=self.any_address):
            return HostUnknown()
        if comes_from_another_site(request.method, headers, hosts=self.hosts):
            return CrossSiteRefused()
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > bytes_max:
            return BodyTooLarge()
        return None


def _counted(receive: Receive, bytes_max: int) -> Receive:
    """Return `receive`, made to raise where more comes than was announced or is read."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > bytes_max:
            # FastAPI passes on only its own kind of error from reading a body.
            raise HTTPException(BodyTooLarge.status)
        return message

    return counted


def host_is_ours(host: str, *, hosts: frozenset[str], any_address: bool) -> bool:
    """Return whether we go by a `Host` header.

    A page of another site can make its name point here, but not make a browser send an address
    in place of its name; so where we serve other machines, addresses are as good as ours.
    """
    name = _host_name(host)
    return name in hosts or (any_address and _is_address(name))


def comes_from_another_site(method: str, headers: Headers, *, hosts: frozenset[str]) -> bool:
    """Return whether a page of another site asks for a change with our visitor's cookie.

    Browsers say so in `Sec-Fetch-Site`, older ones in `Origin`; what is not a browser says
    neither. A key in the header is no browser's doing, and cookies are not read beside it.
    """
    if method in _SAFE_METHODS or headers.get("authorization", "").lower().startswith("bearer "):
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is None:
        return False
    there = urlsplit(origin).netloc.lower()
    return not there or (there != headers.get("host", "").lower() and there not in hosts)


def _host_name(host: str) -> str:
    """Return the name in a `Host` header, without the port; empty where it is not one."""
    found = _HOST.fullmatch(host)
    return (found["six"] or found["name"]).lower() if found else ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
