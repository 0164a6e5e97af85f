"""Listening: what a connection may do."""

import asyncio
import gc
import socket

import pytest

from hunmin.web import serving


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="needs a system that gives up")
async def test_a_connection_that_takes_nothing_is_given_up_by_the_system():
    lost = asyncio.Event()

    class Writer(asyncio.Protocol):
        def connection_made(self, transport):
            transport.write(b"x" * 20_000_000)
            transport.close()  # which alone waits until all is taken

        def connection_lost(self, exc):  # noqa: ARG002 (as the protocol has it)
            lost.set()

    listening = serving.listen("127.0.0.1", 0, write_seconds_max=1)
    server = await asyncio.get_running_loop().create_server(Writer, sock=listening)
    with socket.create_connection(listening.getsockname()):
        async with asyncio.timeout(30):
            await lost.wait()
    server.close()


def test_what_is_there_when_serving_begins_is_left_alone_by_the_garbage_collector():
    before = len(gc.get_objects())
    try:
        serving.keep_what_is_loaded()
        assert gc.get_freeze_count() > before / 2
        assert len(gc.get_objects()) < before / 10
    finally:
        gc.unfreeze()
