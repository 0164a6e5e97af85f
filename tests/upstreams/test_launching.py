"""Engines that are launched: as processes, as jobs of Slurm, and kept as many as are needed."""

import asyncio
import os
import socket
import stat
import sys
import threading
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hunmin.errors import LaunchFailed, UpstreamWrong
from hunmin.plugins import Launched, LaunchSpec, find_launcher, launcher_names
from hunmin.settings import LaunchSettings, UpstreamSettings
from hunmin.upstreams import drains, keeper, open_engine, replicas, scale
from hunmin.upstreams.keeper import Keeper, open_keeper
from hunmin.upstreams.launchers import LocalLauncher, SlurmLauncher
from tests.inference.conformance import chat, collect, say
from tests.inference.tiny import PARROT_SAYS
from tests.upstreams.conftest import until

REPOSITORY = Path(__file__).parents[2]

SLEEPS = ("sleep", "60")

SLURM = {
    "sbatch": """for word; do case "$word" in --wrap=*) wrap="${word#--wrap=}";; esac; done
case "$*" in *--partition=none*) echo "sbatch: error: invalid partition" >&2; exit 1;; esac
sh -c "exec $wrap" >/dev/null 2>&1 & echo "$!;cluster" """,
    "squeue": """id=$(echo "$*" | sed "s/.*--jobs=\\([0-9]*\\).*/\\1/")
if [ -e "$0.pending" ]; then echo "PENDING n/a"; exit; fi
if kill -0 "$id" 2>/dev/null; then echo "RUNNING localhost"; else
echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1; fi""",
    "scancel": """kill "$1" """,
}
"""Stand-ins that behave as Slurm's commands do: a job is a process of this machine."""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Put stand-ins of Slurm's commands where they are looked for; give their folder."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, script in SLURM.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def spec(tmp_path, command=SLEEPS, options=()) -> LaunchSpec:
    return LaunchSpec("gpu-1", tuple(command), tuple(options), tmp_path / "log")


def is_up(process: int) -> bool:
    """Return whether a process runs; nobody waits for one that a stand-in of Slurm left."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("launcher", [LocalLauncher(), SlurmLauncher()])
@pytest.mark.usefixtures("slurm")
async def test_what_was_started_runs_until_it_is_stopped_and_is_known_by_its_handle(
    tmp_path, launcher
):
    handle = launcher.start(spec(tmp_path))
    running = type(launcher)().look(handle)  # also to one that has not started it
    launcher.stop(handle)

    assert running.phase == "running"
    assert running.host in {"127.0.0.1", "localhost"}
    await until(lambda: launcher.look(handle) == Launched("ended"))
    assert not is_up(int(handle.partition(":")[0]))


def test_a_process_that_will_not_end_is_killed_and_another_of_its_number_is_left_alone(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("hunmin.upstreams.launchers.STOP_SECONDS_MAX", 0.2)
    launcher = LocalLauncher()
    deaf = launcher.start(spec(tmp_path, ("sh", "-c", "trap '' TERM; while :; do sleep 9; done")))
    other = f"{os.getpid()}:1"

    launcher.stop(deaf)
    launcher.stop(other)

    assert launcher.look(deaf) == launcher.look(other) == Launched("ended")


def test_what_cannot_be_started_is_an_error(tmp_path, slurm):
    with pytest.raises(LaunchFailed):
        LocalLauncher().start(spec(tmp_path, ["no-such-program"]))
    with pytest.raises(LaunchFailed) as refusal:
        SlurmLauncher().start(spec(tmp_path, options=["--partition=none"]))
    assert "invalid partition" in refusal.value.reason
    (slurm / "squeue").unlink()
    with pytest.raises(LaunchFailed):
        SlurmLauncher().look("1")


def test_a_job_waits_for_a_machine(tmp_path, slurm):
    (slurm / "squeue.pending").touch()
    handle = SlurmLauncher().start(spec(tmp_path))

    assert SlurmLauncher().look(handle) == Launched("waiting")
    SlurmLauncher().stop(handle)


def test_launchers_are_found_by_name():
    assert {"local", "slurm"} <= set(launcher_names())
    assert isinstance(find_launcher("slurm"), SlurmLauncher)
    assert find_launcher("none") is None


class Pretend:
    """A launcher that starts nothing."""

    def __init__(self):
        self.phases: dict[str, str] = {}

    def start(self, spec):
        handle = f"{spec.name}/{len(self.phases)}"
        self.phases[handle] = "running"
        return handle

    def look(self, handle):
        return Launched(self.phases[handle], "127.0.0.1")

    def stop(self, handle):
        self.phases[handle] = "ended"

    @property
    def up(self) -> list[str]:
        return [handle for handle, phase in self.phases.items() if phase != "ended"]


def settings_of(**changes) -> UpstreamSettings:
    values = {"command": ["engine", "{port}"], "replicas_min": 2, "replicas_max": 3}
    return UpstreamSettings(launch=LaunchSettings(**values | changes))


def keeper_of(launcher, data, **changes) -> Keeper:
    settings = settings_of(**changes)
    return Keeper("gpu", settings, settings.launch, launcher, data=data)


async def test_as_many_are_kept_as_there_have_to_be_and_one_that_ends_is_followed(tmp_path):
    launcher = Pretend()
    kept = keeper_of(launcher, tmp_path)
    for now in range(4):
        await kept.step(now)
    assert launcher.up == ["gpu-1/0", "gpu-2/1"]

    launcher.phases["gpu-1/0"] = "ended"
    for now in range(4, 20):
        await kept.step(now)
        assert (len(launcher.up) == 2) == (now >= 4 + keeper.AGAIN_SECONDS_MIN)
    assert launcher.up == ["gpu-2/1", "gpu-1/2"]


async def test_one_that_was_ended_goes_on_with_what_it_started(tmp_path):
    launcher = Pretend()
    for start in (0, 10):
        kept = keeper_of(launcher, tmp_path)
        for now in range(start, start + 5):
            await kept.step(now)

    assert launcher.up == ["gpu-1/0", "gpu-2/1"]
    assert {n: one.address for n, one in replicas.read(tmp_path, "gpu").items()} == {
        1: "http://127.0.0.1:8001",
        2: "http://127.0.0.1:8002",
    }


async def test_what_is_being_started_while_it_is_interrupted_is_not_forgotten(tmp_path):
    class Slow(Pretend):
        def start(self, spec):
            entered.set()
            go_on.wait(10)
            return super().start(spec)

    entered, go_on, launcher = threading.Event(), threading.Event(), Slow()
    task = asyncio.create_task(keeper_of(launcher, tmp_path).keep())
    await asyncio.to_thread(entered.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(task, return_exceptions=True)

    assert task.cancelled()
    assert [one.handle for one in replicas.read(tmp_path, "gpu").values()] == launcher.up
    assert launcher.up == ["gpu-1/0"]


async def test_closing_drains_first_and_then_ends_all(tmp_path):
    launcher = Pretend()
    kept = keeper_of(launcher, tmp_path)
    for now in range(3):
        await kept.step(now)

    left = [await kept.step(now, closing=True) for now in range(3, 20)]

    assert left.index(0) == keeper.DRAIN_SECONDS_MIN
    assert launcher.up == []
    assert drains.drain_file(tmp_path, "gpu-1").exists()
    await keeper_of(launcher, tmp_path).step(30)
    assert not drains.drain_file(tmp_path, "gpu-1").exists()


class Busy(Keeper):
    """A keeper whose first engine has an answer to write until a moment."""

    until = 0

    async def step(self, now, *, closing=False):
        self.now = now
        return await super().step(now, closing=closing)

    async def _look(self, number):
        seen = await super()._look(number)
        return replace(seen, requests=int(number == 1 and self.now < self.until))


@pytest.mark.parametrize(("until", "ended"), [(200, 200), (10**6, keeper.DRAIN_SECONDS_MAX + 3)])
async def test_a_drained_engine_is_ended_when_it_has_nothing_left_but_not_waited_for_for_ever(
    tmp_path, until, ended
):
    launcher, settings = Pretend(), settings_of()
    kept = Busy("gpu", settings, settings.launch, launcher, data=tmp_path)
    kept.until = until
    for now in range(3):
        await kept.step(now)

    left = [await kept.step(now, closing=True) for now in range(3, int(ended) + 20, 10)]

    assert left[2] == 1
    assert left.index(0) * 10 + 3 == pytest.approx(ended, abs=10)


def test_settings_that_make_no_sense_are_refused(tmp_path):
    wrong = [
        settings_of(replicas_min=4),
        settings_of().model_copy(update={"url": "http://127.0.0.1:1"}),
    ]
    for settings in wrong:
        with pytest.raises(UpstreamWrong):
            open_engine({"gpu": settings}, data=tmp_path)
    for settings in (settings_of(launcher="none"), UpstreamSettings(url="http://127.0.0.1:1")):
        with pytest.raises(UpstreamWrong), open_keeper("gpu", settings, data=tmp_path):
            pass


def test_two_at_once_do_not_keep_the_same_engines(tmp_path):
    with open_keeper("gpu", settings_of(), data=tmp_path):
        with (
            pytest.raises(LaunchFailed),
            open_keeper("gpu", settings_of(), data=tmp_path),
        ):
            pass
        with open_keeper("gpu2", settings_of(), data=tmp_path):
            pass
    with open_keeper("gpu", settings_of(), data=tmp_path):
        pass


def two_free_ports() -> int:
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


@asynccontextmanager
async def keeping(name, settings, data):
    """Keep engines for a block, and end them after it."""
    with open_keeper(name, settings, data=data) as kept:
        task = asyncio.create_task(kept.keep())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await kept.close()


async def test_engines_come_with_the_work_and_go_without_breaking_an_answer(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(scale, "UP_SECONDS", 0.0)
    monkeypatch.setattr(scale, "DOWN_SECONDS", 0.5)
    monkeypatch.setattr(keeper, "DRAIN_SECONDS_MIN", 0.3)
    monkeypatch.setattr(keeper, "LOOK_SECONDS", 0.1)
    monkeypatch.chdir(REPOSITORY)
    program = [sys.executable, "-m", "tests.support.vllm_process", str(folder.path), "{port}"]
    settings = UpstreamSettings(
        models={"parrot": "parrot"},
        tokenizer=folder.path,
        launch=LaunchSettings(
            command=program, port=two_free_ports(), replicas_max=2, requests_each=1
        ),
    )
    engine = open_engine({"gpu": settings}, data=tmp_path)
    async with keeping("gpu", settings, tmp_path):
        assert [card.state for card in engine.models()] == ["starting"]
        await engine.start()
        assert await say(engine, chat(max_tokens=6)) == PARROT_SAYS

        busy = [asyncio.create_task(collect(engine, chat(max_tokens=100))) for _ in range(3)]
        await until(lambda: len(replicas.read(tmp_path, "gpu")) == 2)
        second = replicas.read(tmp_path, "gpu")[2]
        answers = await asyncio.gather(*busy)
        assert [answer[-1].completion_tokens for answer in answers] == [100] * 3

        await until(lambda: len(replicas.read(tmp_path, "gpu")) == 1)
        assert LocalLauncher().look(second.handle) == Launched("ended")
        assert await say(engine, chat(max_tokens=6)) == PARROT_SAYS
        await engine.close()
    assert replicas.read(tmp_path, "gpu") == {}
