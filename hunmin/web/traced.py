"""The span of a whole request, where the operator asked for traces; others pay nothing for it."""

from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hunmin.errors import InternalError
from hunmin.web.middleware import QUIET_ROUTES

if TYPE_CHECKING:
    from hunmin.tracing import Attributes, Tracer

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""Methods by their names; any other is `_OTHER`, for it may be anybody's word."""


class Traced:
    """Makes a span of every request but those that only look after the service.

    A request belongs to the trace its `traceparent` names only where it came with a key.
    """

    def __init__(self, app: ASGIApp, *, tracer: "Tracer") -> None:
        self.app = app
        self.tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and tell how it went."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        status = 0

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        traceparent = Headers(scope=scope).get("traceparent")
        with self.tracer.trip(traceparent, believed=lambda: _has_key(state)) as trip:
            try:
                await self.app(scope, receive, note)
            except Exception:
                state["error_code"] = InternalError.code  # what is answered outside of here
                raise
            finally:
                route = getattr(scope.get("route"), "path", "")
                if route not in QUIET_ROUTES:
                    trip.end(_told(scope["method"], route, status, state))


def _has_key(state: dict[str, Any]) -> bool:
    return getattr(state.get("actor"), "key_id", None) is not None


def _told(method: str, route: str, status: int, state: dict[str, Any]) -> "Attributes":
    """Return what is told of a request: the pattern of its address, never the address."""
    told: Attributes = {
        "http.request.method": method if method in _METHODS else "_OTHER",
        "hunmin.request_id": state.get("request_id", ""),
    }
    if route:
        told["http.route"] = route
    if status:
        told["http.response.status_code"] = status
    if (code := state.get("error_code")) is not None:
        told["error.type"] = code
    return told
