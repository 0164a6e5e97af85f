"""The only outgoing calls of this room: to an OpenID provider.

They go to the addresses the settings name and those the provider names in its discovery document:
https, or loopback where the provider itself is there. No redirect is followed, no proxy of the
environment is used, replies are short and soon, and nothing a provider says goes into a message.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Literal

import aiohttp

from hunmin import logs
from hunmin.errors import ProviderAnswerWrong, ProviderUnreachable

log = logs.get(__name__)

CALL_SECONDS_MAX = 10
REPLY_BYTES_MAX = 512 * 1024

_OK = 200
_SERVER_FAULT = 500
_BUSY = 429


async def ask(
    title: str,
    method: Literal["GET", "POST"],
    address: str,
    *,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the JSON object that a provider answers with.

    Args:
        title: What people know the provider by.
        method: How it is asked.
        address: Where.
        headers: What is shown, beside what is wanted.
        form: What is sent.

    Raises:
        ProviderUnreachable: There is no answer, not in time, or the provider is out of order.
        ProviderAnswerWrong: It refuses, or answers with something else.
    """
    try:
        async with asyncio.timeout(CALL_SECONDS_MAX):
            status, reply = await _call(method, address, headers=headers, form=form)
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise _unreachable(title, type(error).__name__) from error
    if status >= _SERVER_FAULT or status == _BUSY:
        raise _unreachable(title, f"HTTP {status}")
    if status != _OK:
        raise ProviderAnswerWrong(reason=f"http_{status}")
    try:
        said = json.loads(reply)
    except (ValueError, RecursionError):
        raise ProviderAnswerWrong(reason="not_json") from None
    if not isinstance(said, dict):
        raise ProviderAnswerWrong(reason="not_json")
    return said


async def _call(
    method: str,
    address: str,
    *,
    headers: Mapping[str, str] | None,
    form: Mapping[str, str] | None,
) -> tuple[int, bytes]:
    """Return the status and the body of a reply; of one without an end, that it is too long."""
    async with (
        aiohttp.ClientSession(trust_env=False) as session,
        session.request(
            method,
            address,
            headers={"Accept": "application/json", **(headers or {})},
            data=form,
            allow_redirects=False,
        ) as response,
    ):
        reply = bytearray()
        async for piece in response.content.iter_any():
            reply += piece
            if len(reply) > REPLY_BYTES_MAX:
                raise aiohttp.ClientPayloadError
        return response.status, bytes(reply)


def _unreachable(title: str, reason: str) -> ProviderUnreachable:
    log.warning("a provider cannot be reached", provider=title, reason=reason)
    return ProviderUnreachable(title=title)
