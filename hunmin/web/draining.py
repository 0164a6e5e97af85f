"""Draining: what is under way ends by itself, and nothing new is begun here.

Once nobody new can connect, each connection that stands brings at most one request more: it is
served like any other, and its answer says `Connection: close`, so that the next one goes to the
server that took over. Left out: who asks for it, and when it began (`serving`).
"""

import asyncio

from fastapi import FastAPI
from uvicorn.server import ServerState

from hunmin import logs
from hunmin.gateway import Gateway

log = logs.get(__name__)

KEEP_ALIVE_SECONDS = 5
"""How long a connection may be idle between two requests, draining or not."""

LOOK_SECONDS = 0.1


async def drained(app: FastAPI, traffic: ServerState, *, seconds_max: float) -> bool:
    """Return when nothing is under way any more, or False when that takes too long.

    Args:
        app: The application; what it writes for a reader who left counts too.
        traffic: Of the web server.
        seconds_max: How long at the most.
    """
    loop = asyncio.get_running_loop()
    began = busy_at = loop.time()
    while loop.time() - began < seconds_max:
        if _is_busy(app, traffic):
            busy_at = loop.time()
        elif not traffic.connections or loop.time() - busy_at > KEEP_ALIVE_SECONDS:
            return True
        await asyncio.sleep(LOOK_SECONDS)
    log.warning("draining took too long", requests=len(traffic.tasks))
    return False


def _is_busy(app: FastAPI, traffic: ServerState) -> bool:
    gateway: Gateway = app.state.gateway
    return bool(traffic.tasks) or gateway.busy() or app.state.chat_answers.busy()
