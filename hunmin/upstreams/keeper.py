"""Keeps the engines of one upstream: starts, counts, drains and ends them.

What it started is in a file, so one that was ended goes on where it was, and the engines answer
meanwhile. An engine is ended only after no server sends it requests and it has none left.
"""

import asyncio
import fcntl
import itertools
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hunmin import logs, plugins
from hunmin.errors import LaunchFailed, UpstreamWrong
from hunmin.plugins import Launched, Launcher, LaunchSpec
from hunmin.settings import LaunchSettings, UpstreamSettings
from hunmin.upstreams import drains, replicas
from hunmin.upstreams.client import CallFailed, Client
from hunmin.upstreams.dialects import DIALECTS
from hunmin.upstreams.replicas import Replica, name_of
from hunmin.upstreams.scale import ScaleRule
from hunmin.upstreams.upstream import check_address, sum_metrics

log = logs.get(__name__)

LOOK_SECONDS = 2.0
"""How often the engines are looked at."""
DRAIN_SECONDS_MIN = 10.0
"""How long a drained engine is kept at least: until every server has seen that it is drained."""
DRAIN_SECONDS_MAX = 1_800.0
"""How long the longest answer may take; then an engine is ended all the same."""
AGAIN_SECONDS_MIN = 5.0
AGAIN_SECONDS_MAX = 300.0
"""How long is waited after an engine ended by itself, or was not taken: from, doubled, to."""


@dataclass(slots=True)
class _Seen:
    """An engine as it was last seen."""

    launched: Launched
    requests: int = 0
    """What it has to do, running and waiting."""


@contextmanager
def open_keeper(name: str, settings: UpstreamSettings, *, data: Path) -> Iterator["Keeper"]:
    """Give the keeper of an upstream of the settings; there is no other one meanwhile.

    Raises:
        UpstreamWrong: It is not said how its engines are launched, or by an unknown launcher.
        LaunchFailed: Another process keeps them.
    """
    if (launch := settings.launch) is None:
        raise UpstreamWrong(
            name=name, en="it is not launched from here", ko="여기서 실행하는 엔진이 아닙니다"
        )
    if (launcher := plugins.find_launcher(launch.launcher)) is None:
        known = ", ".join(plugins.launcher_names())
        raise UpstreamWrong(
            name=name,
            en=f"no such launcher is installed; there are {known}",
            ko=f"그런 launcher가 설치되어 있지 않습니다. 있는 것: {known}",
        )
    folder = data / "upstreams"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LaunchFailed(name=name, reason="another process keeps its engines") from None
        yield Keeper(name, settings, launch, launcher, data=data)


class Keeper:
    """Keeps as many engines as one upstream needs."""

    def __init__(
        self,
        name: str,
        settings: UpstreamSettings,
        launch: LaunchSettings,
        launcher: Launcher,
        *,
        data: Path,
    ) -> None:
        """Read what was started before."""
        self._name = name
        self._settings = settings
        self._launch = launch
        self._launcher = launcher
        self._data = data
        self._rule = ScaleRule(
            replicas_min=launch.replicas_min,
            replicas_max=launch.replicas_max,
            requests_each=launch.requests_each,
        )
        self._replicas = replicas.read(data, name)
        self._drained_at: dict[int, float] = {}
        self._rests_until = 0.0
        self._pause = AGAIN_SECONDS_MIN

    async def keep(self) -> None:
        """Keep the engines, until canceled. A step under way comes to its end first.

        Else an engine might be started of which nobody knows.
        """
        while True:
            step = asyncio.create_task(self._try())
            try:
                await asyncio.shield(step)
            except asyncio.CancelledError:
                await step
                raise
            await asyncio.sleep(LOOK_SECONDS)

    async def close(self) -> None:
        """Drain and end all of them."""
        while await self._try(closing=True):  # noqa: ASYNC110 (no event tells of their end)
            await asyncio.sleep(LOOK_SECONDS)

    async def _try(self, *, closing: bool = False) -> int:
        try:
            return await self.step(time.monotonic(), closing=closing)
        except LaunchFailed as failure:
            log.warning("launcher does not answer", upstream=self._name, reason=failure.reason)
            return len(self._replicas)

    async def step(self, now: float, *, closing: bool = False) -> int:
        """Look at every engine, and start or end what is to be; return how many there are.

        Args:
            now: Seconds of a clock that does not go back.
            closing: Whether all are to be ended.

        Raises:
            LaunchFailed: The launcher does not answer.
        """
        for number in self._replicas:
            if drains.drain_file(self._data, name_of(self._name, number)).exists():
                self._drained_at.setdefault(number, now)
        seen = {number: await self._look(number) for number in list(self._replicas)}
        await self._end(seen, now)
        active = {n: one.requests for n, one in seen.items() if n in self._active}
        if closing:
            for number in active:
                self._drain(number, now)
        else:
            await self._scale(active, now)
        await asyncio.to_thread(replicas.write, self._data, self._name, self._replicas)
        return len(self._replicas)

    @property
    def _active(self) -> set[int]:
        """Those that get requests."""
        return self._replicas.keys() - self._drained_at.keys()

    async def _end(self, seen: Mapping[int, _Seen], now: float) -> None:
        """Let go of those that have ended, and end those that are drained."""
        for number, one in seen.items():
            drained_at = self._drained_at.get(number)
            if one.launched.phase == "ended":
                if drained_at is None:
                    self._rest(now, number)
                self._forget(number)
            elif drained_at is not None:
                since = now - drained_at
                idle = since >= DRAIN_SECONDS_MIN and not one.requests
                if idle or since >= DRAIN_SECONDS_MAX:
                    await asyncio.to_thread(self._launcher.stop, self._replicas[number].handle)
                    self._forget(number)

    async def _scale(self, active: Mapping[int, int], now: float) -> None:
        """Start one more, or drain one, by what those that get requests have to do."""
        requests = sum(active.values())
        change = self._rule.decide(now, replicas=len(active), requests=requests)
        if change > 0 and now >= self._rests_until:
            await self._start(now)
        elif change < 0:
            self._drain(max(active), now)

    async def _look(self, number: int) -> _Seen:
        """Ask the launcher and the engine itself how it is."""
        replica = self._replicas[number]
        launched = await asyncio.to_thread(self._launcher.look, replica.handle)
        if launched.phase != "running":
            return _Seen(launched)
        address = f"http://{launched.host}:{self._launch.port + number - 1}"
        if address != replica.address:
            check_address(self._name, self._settings.model_copy(update={"url": address}))
            self._replicas[number] = replace(replica, address=address)
        dialect = DIALECTS[self._settings.kind]
        client = Client(address, key=self._settings.key.get_secret_value())
        client.open()
        try:
            reply = await client.get("/metrics")
        except CallFailed:
            return _Seen(launched)  # it is still loading its model
        finally:
            await client.close()
        self._pause = AGAIN_SECONDS_MIN
        return _Seen(launched, int(sum_metrics(reply, {dialect.running, dialect.waiting})))

    async def _start(self, now: float) -> None:
        number = next(n for n in itertools.count(1) if n not in self._replicas)
        name = name_of(self._name, number)
        port = self._launch.port + number - 1
        folder = self._data / "upstreams"
        folder.mkdir(parents=True, exist_ok=True)
        spec = LaunchSpec(
            name=name,
            command=tuple(word.replace("{port}", str(port)) for word in self._launch.command),
            options=tuple(self._launch.options),
            log=folder / f"{name}.log",
        )
        drains.resume(self._data, name)
        try:
            handle = await asyncio.to_thread(self._launcher.start, spec)
        except LaunchFailed as failure:
            log.warning("engine not launched", upstream=name, reason=failure.reason)
            self._rest(now, number)
            return
        self._replicas[number] = Replica(handle)
        log.info("engine launched", upstream=name, handle=handle)

    def _drain(self, number: int, now: float) -> None:
        drains.drain(self._data, name_of(self._name, number))
        self._drained_at[number] = now
        log.info("engine drains", upstream=name_of(self._name, number))

    def _forget(self, number: int) -> None:
        del self._replicas[number]
        self._drained_at.pop(number, None)
        log.info("engine ended", upstream=name_of(self._name, number))

    def _rest(self, now: float, number: int) -> None:
        """Start none for a while, since one ended that nobody had ended, or was not taken."""
        log.warning("engine is missing", upstream=name_of(self._name, number), again_in=self._pause)
        self._rests_until = now + self._pause
        self._pause = min(2 * self._pause, AGAIN_SECONDS_MAX)
