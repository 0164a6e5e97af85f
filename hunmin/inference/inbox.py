"""What comes of a request to a model's process, read from an event loop."""

import asyncio
import contextlib

from hunmin.errors import EngineNotReady, EngineRefused, HunminError
from hunmin.inference.frames import Message
from hunmin.inference.host import ModelHost

READY_SECONDS_MAX = 20.0
"""How long a request waits for a process that is being started again."""


class Inbox:
    """Rows of requests, in the order in which they came. Made on the loop that reads them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Message | HunminError] = asyncio.Queue()

    def put(self, message: Message | HunminError) -> None:
        """Take a row, or an error, from the host's thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is reading
            self._loop.call_soon_threadsafe(self._queue.put_nowait, message)

    async def get(self) -> Message:
        """Wait for a row.

        Raises:
            HunminError: The process ended, or refused the request.
        """
        message = await self._queue.get()
        if isinstance(message, HunminError):
            raise message
        if message["refused"]:
            raise EngineRefused(reason=message["refused"])
        return message


async def until_ready(host: ModelHost) -> None:
    """Wait for a process that is being started again, but not for long.

    Raises:
        HunminError: It takes too long, or no way of running the model works.
    """
    ready = host.ready()
    if not ready.done():
        try:
            # Not `wait_for`: Python 3.11's loses a cancellation that comes at the last moment.
            async with asyncio.timeout(READY_SECONDS_MAX):
                await asyncio.shield(asyncio.wrap_future(ready))
        except TimeoutError:
            raise EngineNotReady from None
    if (error := ready.exception()) is not None:
        raise error
