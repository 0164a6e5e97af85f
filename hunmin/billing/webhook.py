"""The only outgoing call of this room: that a budget is used up, to an address of the operator's.

It says which budget and how many percent, and nothing else. No redirect is followed and no proxy
of the environment is used.
"""

import asyncio

import aiohttp

from hunmin.errors import AlertUnsent

CALL_SECONDS_MAX = 10
_OK = range(200, 300)


def post_alert(address: str, *, budget_id: str, percent: int) -> None:
    """Tell an address that a budget is used up to a percentage.

    Raises:
        AlertUnsent: It does not answer in time, or does not take it.
    """
    try:
        status = asyncio.run(_post(address, {"budget_id": budget_id, "percent": percent}))
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        raise AlertUnsent(reason=type(error).__name__) from error
    if status not in _OK:
        raise AlertUnsent(reason=f"HTTP {status}")


async def _post(address: str, told: dict[str, str | int]) -> int:
    async with (
        asyncio.timeout(CALL_SECONDS_MAX),
        aiohttp.ClientSession(trust_env=False) as session,
        session.post(address, json=told, allow_redirects=False) as response,
    ):
        return response.status
