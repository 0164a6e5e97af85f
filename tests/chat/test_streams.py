"""Answers as streams of events, and readers who do not take them."""

import asyncio
from types import SimpleNamespace

from hunmin.chat.streams import EventStream
from hunmin.settings import GatewaySettings


async def test_a_stream_ends_where_its_reader_takes_no_more():
    async def lines():
        while True:
            yield "event: delta\ndata: {}\n\n"

    async def never(*_):
        await asyncio.Event().wait()

    gateway = SimpleNamespace(settings=GatewaySettings(write_seconds_max=1))
    scope = {"type": "http", "app": SimpleNamespace(state=SimpleNamespace(gateway=gateway))}

    async with asyncio.timeout(20):
        await EventStream(lines())(scope, never, never)
