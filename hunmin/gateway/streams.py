"""An answer on its way to an HTTP client that may fall silent or go away.

`Listener` reads the answer and watches the connection at the same time; `EventStream` sends it as
server-sent events. When the client is gone the answer is stopped, which frees its place.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from hunmin import faces
from hunmin.errors import HunminError
from hunmin.gateway.answers import Answer
from hunmin.gateway.choices import Choices
from hunmin.gateway.response_writer import ResponseWriter
from hunmin.gateway.writers import ChatWriter, TextWriter, error_reply
from hunmin.plugins import Delta

KEEP_ALIVE_SECONDS = 15.0
"""How often a silent stream sends a comment, so that proxies do not close it."""

Writer = ChatWriter | TextWriter | ResponseWriter


class ClientGone(Exception):
    """The client closed the connection; nobody reads any more."""


class Silence(Exception):
    """Nothing came in the time waited."""


class Listener:
    """Reads an answer, or several as one, for one client. Whoever makes it closes it."""

    def __init__(self, answer: Answer | Choices, request: Request) -> None:
        self._answer = answer
        self._pending: asyncio.Future[list[Delta]] | None = None
        self._gone = asyncio.ensure_future(_disconnect(request.receive))

    async def next(self, *, seconds: float) -> list[Delta]:
        """Return the next pieces, or none at the end.

        Raises:
            ClientGone: The client closed the connection.
            Silence: Nothing came within `seconds`.
            HunminError: The answer failed.
        """
        if self._pending is None:
            self._pending = asyncio.ensure_future(self._answer.batch())
        await self._wait(self._pending, seconds)
        pieces = self._pending.result()
        self._pending = None
        return pieces

    async def first(self, *, seconds: float) -> None:
        """Wait for the first piece at most `seconds`, so that an early failure has its status.

        Raises:
            ClientGone: The client closed the connection.
            HunminError: The answer failed before its first piece.
        """
        self._pending = asyncio.ensure_future(self._answer.batch())
        with suppress(Silence):
            await self._wait(self._pending, seconds)
            self._pending.result()  # kept for `next`

    async def whole(self) -> list[Delta]:
        """Return all pieces at once.

        Raises:
            ClientGone: The client closed the connection.
            HunminError: The answer failed.
        """
        await self._wait(asyncio.ensure_future(self._answer.finished()), None)
        pieces: list[Delta] = []
        while more := await self._answer.batch():  # raises where it failed on the way
            pieces += more
        return pieces

    async def _wait(self, awaited: asyncio.Future[Any], seconds: float | None) -> None:
        done, _ = await asyncio.wait(
            {awaited, self._gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if self._gone in done:
            awaited.cancel()
            raise ClientGone
        if not done:
            raise Silence

    async def close(self) -> None:
        """Stop the answer and watching; return when it is settled."""
        self._gone.cancel()
        if self._pending is not None:
            self._pending.cancel()
        self._answer.stop()
        await self._answer.aclose()


class EventStream(Response):
    """Server-sent events, as the writer has them: `data: {...}` for every chunk, and an end.

    An answer that fails on the way ends with an event that holds the error, and without that end.
    While nothing comes, a comment is sent now and then, so that proxies keep the connection.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        listener: Listener,
        answer: Answer | Choices,
        writer: Writer,
        *,
        with_usage: bool,
        write_seconds_max: float,
        language: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-cache", **headers})
        del self.headers["content-length"]
        self._listener = listener
        self._answer = answer
        self._writer = writer
        self._with_usage = with_usage
        self._write_seconds_max = write_seconds_max
        self._language = language

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything, or as much as the client stays for and takes."""
        send = faces.in_time(send, seconds=self._write_seconds_max)
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        try:
            await send(start)
            await self._send_chunks(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (ClientGone, OSError):  # a reader too slow among them
            pass  # the answer is stopped below
        finally:
            await self._listener.close()

    async def _send_chunks(self, send: Send) -> None:
        with_usage = self._with_usage
        await self._send(send, self._writer.opening(with_usage=with_usage))
        while True:
            try:
                pieces = await self._listener.next(seconds=KEEP_ALIVE_SECONDS)
            except Silence:
                await send(_body(b": keep-alive\n\n"))
                continue
            except HunminError as failure:
                reply = error_reply(failure, self._language)
                await self._send(send, self._writer.failure(reply))
                return
            if not pieces:
                break
            await self._send(
                send,
                [
                    chunk
                    for piece in pieces
                    for chunk in self._writer.piece(piece, with_usage=with_usage)
                ],
            )
        await self._send(send, self._writer.closing(self._answer.last, with_usage=with_usage))

    async def _send(self, send: Send, chunks: list[str]) -> None:
        if chunks:
            await send(_body("".join(map(self._writer.frame, chunks)).encode()))


def _body(data: bytes) -> dict[str, object]:
    return {"type": "http.response.body", "body": data, "more_body": True}


async def _disconnect(receive: Receive) -> None:
    """Return when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
