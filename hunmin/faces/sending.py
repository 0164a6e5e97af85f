"""Sending no longer than a reader takes: streams that nobody reads hold no connection."""

import asyncio

from starlette.types import Message, Send

from hunmin import logs

log = logs.get(__name__)


def in_time(send: Send, *, seconds: float) -> Send:
    """Return `send`, made to raise `TimeoutError` where a reader takes nothing for so long.

    What was sent is kept in memory until it is read, so a stream ends there; `web.serving` has
    the system give up what the connection still holds.
    """

    async def sent(message: Message) -> None:
        try:
            async with asyncio.timeout(seconds):
                await send(message)
        except TimeoutError:
            log.info("reader too slow", seconds=seconds)
            raise

    return sent
