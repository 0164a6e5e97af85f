"""Trying again what fails while something else is away, the database above all."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import chain


async def keep_trying(
    do: Callable[[], Awaitable[object]],
    *,
    pauses_seconds: Iterable[float],
    failed: Callable[[Exception], None],
) -> Exception | None:
    """Do something until it succeeds, and return None; the last failure where it never does.

    Args:
        do: What to do. It may have been done although it failed, so doing it twice must be safe.
        pauses_seconds: How long to wait after each failure but the last.
        failed: Told each failure.
    """
    failure: Exception | None = None
    for pause_seconds in chain(pauses_seconds, [None]):
        try:
            await do()
        except Exception as error:  # noqa: BLE001 (whatever it is, the next try may succeed)
            failed(error)
            failure = error
            if pause_seconds is not None:
                await asyncio.sleep(pause_seconds)
        else:
            return None
    return failure
