"""Cookies of an answer, set where they are decided and written where the answer leaves.

A dependency knows the cookie, but the response may be made elsewhere: by a stream, a redirect or
an error. So cookies wait in the request's state, and `web` writes them into whatever is answered.
"""

from http.cookies import SimpleCookie

from starlette.requests import HTTPConnection

_WAITING = "cookies_waiting"


def speaks_https(request: HTTPConnection) -> bool:
    """Return whether browsers reach this service by https, as far as is known here.

    A proxy may speak plain http behind it: then `web.public_url` says what browsers see.
    """
    is_public = getattr(request.app.state, "speaks_https", False)
    return is_public or request.scope["scheme"] in {"https", "wss"}


def cookie_name(request: HTTPConnection, name: str) -> str:
    """Return under which name a cookie is kept that nobody but this very host may set."""
    is_public = getattr(request.app.state, "speaks_https", False)
    return f"__Host-{name}" if is_public else name


def set_cookie(
    request: HTTPConnection, name: str, value: str, *, seconds: int, scripts: bool = False
) -> None:
    """Have a cookie set by the answer to this request.

    Args:
        request: What is answered.
        name: Its name.
        value: Its value; empty removes it.
        seconds: How long the browser keeps it.
        scripts: Whether scripts of our pages may read it.
    """
    cookie: SimpleCookie = SimpleCookie({name: value})
    morsel = cookie[name]
    morsel["path"] = "/"
    morsel["max-age"] = seconds if value else 0
    morsel["samesite"] = "Lax"
    morsel["httponly"] = not scripts
    morsel["secure"] = speaks_https(request)
    waiting: dict[str, str] = getattr(request.state, _WAITING, {})
    request.state.cookies_waiting = {**waiting, name: morsel.OutputString()}


def waiting_cookies(state: dict[str, object]) -> list[str]:
    """Return the `Set-Cookie` values that wait in a request's state."""
    waiting = state.get(_WAITING, {})
    assert isinstance(waiting, dict)
    return [str(value) for value in waiting.values()]
