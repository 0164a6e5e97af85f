"""Watching an upstream: is it well, what does it serve, how busy is it, is it to be drained."""

import asyncio
import time
from pathlib import Path

from hunmin import logs, telemetry
from hunmin.upstreams import replicas
from hunmin.upstreams.client import CallFailed
from hunmin.upstreams.drains import drain_file
from hunmin.upstreams.upstream import Upstream

log = logs.get(__name__)

LOOK_SECONDS = 2.0
"""How often an upstream is asked how it is."""
LIST_EVERY = 15
"""After so many looks the list of its models is read again: an adapter may have come."""


async def watch(upstream: Upstream, *, data: Path, seen: asyncio.Event) -> None:
    """Look after an upstream until canceled.

    Args:
        upstream: Which.
        data: The data folder, where a file says that it is drained.
        seen: Set when it was seen well.
    """
    looks = 0
    while True:
        if await look(upstream, data=data, list_models=looks % LIST_EVERY == 0):
            looks += 1
            seen.set()
        telemetry.upstream_is(upstream.name, upstream.state)
        await asyncio.sleep(LOOK_SECONDS)


async def look(upstream: Upstream, *, data: Path, list_models: bool) -> bool:
    """Look once; return whether the upstream is well and serves something."""
    upstream.drained = await asyncio.to_thread(drain_file(data, upstream.name).exists)
    if upstream.settings.launch is not None:
        await upstream.move_to(
            await asyncio.to_thread(replicas.address_of, data, upstream.of, upstream.name)
        )
        if not upstream.url:
            _note(upstream, well=False, reason="not launched")
            return False
    try:
        await upstream.client.get(upstream.dialect.health)
        if list_models or not upstream.reached:
            upstream.take_list(await upstream.client.get("/v1/models"))
            if upstream.missing_adapters():
                await _load_adapters(upstream)
    except (CallFailed, ValueError) as error:
        _note(upstream, well=False, reason=getattr(error, "reason", "no list of models"))
        return False
    _note(upstream, well=True)
    if upstream.dialect.running:
        try:
            upstream.take_metrics(await upstream.client.get("/metrics"))
        except CallFailed:
            upstream.pressure = 0.0  # some servers tell nothing of themselves unless asked to
    return True


async def _load_adapters(upstream: Upstream) -> None:
    """Tell a vLLM to load what it lacks; what it does not load is told to it again later."""
    for name, path in upstream.missing_adapters().items():
        try:
            await upstream.client.post(
                "/v1/load_lora_adapter", {"lora_name": name, "lora_path": path}
            )
        except CallFailed as failure:
            log.warning(
                "adapter not loaded", upstream=upstream.name, adapter=name, reason=failure.reason
            )
    upstream.take_list(await upstream.client.get("/v1/models"))


def _note(upstream: Upstream, *, well: bool, reason: str = "") -> None:
    """Let the breaker know, and the log where something changed."""
    upstream.breaker.look(time.monotonic(), well=well)
    if well == upstream.well:
        return
    upstream.well = well
    upstream.reached = upstream.reached or well
    if well:
        log.info("upstream is well", upstream=upstream.name, models=sorted(upstream.listed))
    else:
        log.warning("upstream is not well", upstream=upstream.name, reason=reason)
