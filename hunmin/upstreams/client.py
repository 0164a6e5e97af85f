"""One server over HTTP: questions, streams of events, and what a failure means.

No redirect is followed, no proxy of the environment is used, and nothing a server says of a
request goes further than this file.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from hunmin.errors import HunminError, UpstreamBrokeOff, UpstreamRefused, UpstreamUnreachable
from hunmin.upstreams.events import EventReader, EventTooLong

CONNECT_SECONDS_MAX = 5
QUESTION_SECONDS_MAX = 10
"""How long a server may take for what it need not generate."""
EVENT_SECONDS_MAX = 60
"""How long a stream may be silent once it has begun."""
IDLE_SECONDS_MAX = 4
"""How long a connection is kept for the next request: less than servers keep theirs (vLLM: 5)."""
REPLY_BYTES_MAX = 32 * 1024 * 1024

_OK = 200
_BUSY = 429
_PASSING = frozenset({_BUSY, 502, 503, 504})
"""What may be otherwise elsewhere, or in a moment."""
_SERVER_FAULT = 500


class CallFailed(Exception):
    """A call that failed. `reason` is for the log and quotes nothing of the server's."""

    def __init__(
        self, reason: str, error: type[HunminError], *, again: bool, fault: bool = True
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.error = error
        """What to tell whoever asked, where it is not tried again."""
        self.again = again
        """Whether another upstream may be asked."""
        self.fault = fault
        """Whether it speaks against this one."""


class Client:
    """Speaks to one server, from one event loop."""

    def __init__(self, url: str, *, key: str) -> None:
        """Note where it is; `unix:PATH` is a socket of this machine. Nothing is opened."""
        parts = urlsplit(url)
        self._socket = parts.path if parts.scheme == "unix" else ""
        self._base = "http://upstream" if self._socket else url.rstrip("/").removesuffix("/v1")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Open it, inside an event loop."""
        connector = (
            aiohttp.UnixConnector(self._socket, limit=0, keepalive_timeout=IDLE_SECONDS_MAX)
            if self._socket
            else aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS_MAX)
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS_MAX),
        )

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str) -> bytes:
        """Return what a server has at a path.

        Raises:
            CallFailed: It cannot be reached or does not answer with 200.
        """
        return await self._ask("GET", path, None, QUESTION_SECONDS_MAX)

    async def post(
        self, path: str, body: Mapping[str, Any], *, seconds_max: float = QUESTION_SECONDS_MAX
    ) -> bytes:
        """Return what a server answers to a question that it answers at once.

        Raises:
            CallFailed: It cannot be reached or does not answer with 200.
        """
        return await self._ask("POST", path, body, seconds_max)

    async def events(
        self, path: str, body: Mapping[str, Any], *, first_seconds_max: float
    ) -> AsyncGenerator[bytes]:
        """Give the data of each event a server sends, up to `[DONE]`; closing it ends the request.

        Args:
            path: Where.
            body: What is asked.
            first_seconds_max: How long the first event may take.

        Raises:
            CallFailed: There is no answer, or it broke off.
        """
        response = await self._send("POST", path, body, seconds_max=first_seconds_max)
        async with response:
            reader = EventReader()
            seconds_max = first_seconds_max
            while piece := await self._read(response, seconds_max):
                try:
                    events = reader.feed(piece)
                except EventTooLong:
                    raise _broke_off("an event without an end") from None
                if events:
                    seconds_max = EVENT_SECONDS_MAX
                for data in events:
                    if data != b"[DONE]":
                        yield data

    async def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None, seconds_max: float
    ) -> bytes:
        response = await self._send(method, path, body, seconds_max=seconds_max)
        async with response:
            reply = bytearray()
            while piece := await self._read(response, QUESTION_SECONDS_MAX):
                reply += piece
                if len(reply) > REPLY_BYTES_MAX:
                    raise _broke_off("a reply without an end")
            return bytes(reply)

    async def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, *, seconds_max: float
    ) -> aiohttp.ClientResponse:
        """Send a request and return the response, whose status is 200."""
        assert self._session is not None, "open it first"
        data = None if body is None else json.dumps(body).encode()
        try:
            async with asyncio.timeout(seconds_max):
                response = await self._session.request(
                    method,
                    f"{self._base}{path}",
                    data=data,
                    headers={"Content-Type": "application/json"},
                    allow_redirects=False,
                )
        except TimeoutError:
            raise _unreachable("no answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _unreachable(type(error).__name__) from None
        if response.status == _OK:
            return response
        response.close()
        raise _refused(response.status)

    async def _read(self, response: aiohttp.ClientResponse, seconds_max: float) -> bytes:
        """Return more of a response; nothing at its end."""
        try:
            async with asyncio.timeout(seconds_max):
                return await response.content.readany()
        except TimeoutError:
            raise _broke_off("silence") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _broke_off(type(error).__name__) from None


def _unreachable(reason: str) -> CallFailed:
    return CallFailed(reason, UpstreamUnreachable, again=True)


def _broke_off(reason: str) -> CallFailed:
    return CallFailed(reason, UpstreamBrokeOff, again=True)


def _refused(status: int) -> CallFailed:
    passing = status in _PASSING
    return CallFailed(
        f"HTTP {status}",
        UpstreamUnreachable if passing else UpstreamRefused,
        again=passing,
        fault=status >= _SERVER_FAULT,
    )
