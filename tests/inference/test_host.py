"""The process around a model: ways that fail, crashes, hangs, and what is remembered."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hunmin.errors import EngineCrashed, EngineFailed, EngineFull, EngineRefused, HunminError
from hunmin.inference import EmbeddedEngine, Limits, Way, openvino
from hunmin.inference.folder import ModelFolder
from hunmin.plugins import Generation, Sampling
from tests.inference.conformance import chat, collect, until_healthy
from tests.inference.conftest import running
from tests.inference.fake_backend import FATAL_TOKEN

PROGRAM = "tests.inference.fake_backend:open_backend"
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    """The child process finds the fake backend."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
def marker(tmp_path):
    """Give a file that each load of a fake backend is written to."""
    return tmp_path / "loads"


@pytest.fixture
def way(marker):
    """Give a maker of ways that load the fake backend."""

    def make(name, **options):
        return Way(name, PROGRAM, {"name": name, "marker": str(marker), **options})

    return make


@pytest.fixture
def run(parrot, cache):
    """Give a way to run an engine with the ways given."""

    def run_ways(*ways, **limits):
        return running(
            EmbeddedEngine({"parrot": parrot}, ways, cache=cache, limits=Limits(**limits))
        )

    return run_ways


def fatal(engine) -> Generation:
    """A text that begins with the token at which a fake backend fails."""
    text = engine.host("parrot").model.token_bytes[FATAL_TOKEN].decode()
    return Generation("fatal", "parrot", Sampling(max_tokens=5, temperature=0.0), prompt=text)


@pytest.mark.parametrize("how", ["SIGFPE", "SIGILL", "SIGSEGV", "error"])
def test_a_way_that_dies_while_loading_is_passed_over_and_not_tried_again(run, way, marker, how):
    ways = [way("fast", load=how), way("sure")]

    with run(*ways) as engine:
        assert engine.host("parrot").facts["way"] == "sure"
    with run(*ways) as engine:
        assert engine.host("parrot").facts["way"] == "sure"

    assert marker.read_text().split() == ["fast", "sure", "sure"]


def test_a_way_that_dies_in_the_self_test_is_passed_over(run, way):
    with run(way("fast", self_test="SIGILL"), way("sure")) as engine:
        assert engine.host("parrot").facts["way"] == "sure"


def test_a_program_that_cannot_be_imported_is_passed_over(run, way):
    with run(Way("absent", "no.such.module:open_backend"), way("sure")) as engine:
        assert engine.host("parrot").facts["way"] == "sure"


def test_a_way_that_hangs_while_loading_is_passed_over(run, way):
    with run(way("fast", load="hang"), way("sure"), start_seconds_max=8.0) as engine:
        assert engine.host("parrot").facts["way"] == "sure"


def test_a_way_that_wants_more_memory_than_it_may_have_is_passed_over(run, way):
    ways = [way("fast", load="grow"), way("sure")]

    with run(*ways, kv_cache_bytes_max=1, spare_bytes_max=1 << 29) as engine:
        assert engine.host("parrot").facts["way"] == "sure"


def test_a_way_that_cannot_remember_one_whole_answer_is_passed_over(run, way):
    with run(way("fast", cache="255"), way("sure", cache="256")) as engine:
        assert engine.host("parrot").facts["way"] == "sure"


def test_a_way_killed_from_outside_while_loading_is_not_blamed_for_ever(run, way, marker):
    ways = [way("fast", load="SIGKILL"), way("sure")]

    with run(*ways):
        pass
    with run(*ways):
        pass

    assert marker.read_text().split() == ["fast", "fast", "fast", "sure"] * 2


def test_what_is_remembered_is_forgotten_when_the_weights_change(run, way, marker, parrot):
    ways = [way("fast", load="SIGFPE"), way("sure")]
    with run(*ways):
        pass

    os.utime(parrot / "model.gguf")
    with run(*ways):
        pass

    assert marker.read_text().split() == ["fast", "sure"] * 2


def test_a_model_may_have_any_name(parrot, cache, way):
    name = "../모델/a b"
    ways = [way("fast", load="SIGFPE"), way("sure")]

    with running(EmbeddedEngine({name: parrot}, ways, cache=cache)) as engine:
        assert asyncio.run(collect(engine, chat(model=name)))

    assert {path.suffix for path in cache.iterdir()} == {".json", ".log"}


def test_a_torn_memory_is_ignored(run, way, cache):
    cache.mkdir()
    (cache / "parrot.way.json").write_text('{"way": "su')

    with run(way("sure")) as engine:
        assert engine.healthy()


def test_a_cache_folder_that_cannot_be_written_does_no_harm(run, way, cache):
    cache.write_text("a file where the folder should be")

    with run(way("fast", load="SIGFPE"), way("sure")) as engine:
        assert engine.healthy()


def test_when_no_way_works_every_reason_is_told(parrot, cache, way):
    engine = EmbeddedEngine(
        {"parrot": parrot}, [way("one", load="SIGILL"), way("two", load="error")], cache=cache
    )

    with pytest.raises(EngineFailed) as failure:
        asyncio.run(engine.start())

    assert failure.value.reasons == [
        "one: the process was ended by SIGILL",
        "two: RuntimeError: it did not work",
    ]
    assert not engine.healthy()
    with pytest.raises(EngineFailed):
        asyncio.run(collect(engine, chat()))
    asyncio.run(engine.close())


@pytest.mark.parametrize("how", ["SIGFPE", "SIGKILL", "error"])
async def test_a_crash_fails_all_running_answers_and_the_process_comes_back(
    parrot, cache, way, how
):
    engine = EmbeddedEngine({"parrot": parrot}, [way("fast", step=how)], cache=cache)
    await engine.start()
    streams = [engine.stream(chat(max_tokens=200)) for _ in range(3)]
    for stream in streams:
        await anext(stream)
    first_process = engine.host("parrot").process_id

    with pytest.raises(EngineCrashed):
        await collect(engine, fatal(engine))
    for stream in streams:
        with pytest.raises(EngineCrashed):
            async for _ in stream:
                pass

    assert not engine.healthy()
    assert (await collect(engine, chat(max_tokens=3)))[-1].completion_tokens == 3  # it waited
    assert engine.healthy()
    assert engine.host("parrot").process_id != first_process
    await engine.close()


async def test_a_way_that_keeps_crashing_is_left(parrot, cache, way, marker):
    ways = [way("fast", step="SIGFPE"), way("sure")]
    engine = EmbeddedEngine({"parrot": parrot}, ways, cache=cache)
    await engine.start()

    for _ in range(3):
        with pytest.raises(EngineCrashed):
            await collect(engine, fatal(engine))
        assert (await collect(engine, chat(max_tokens=3)))[-1].completion_tokens == 3

    assert marker.read_text().split() == ["fast", "fast", "fast", "sure"]
    assert engine.host("parrot").facts["way"] == "sure"
    await engine.close()


async def test_a_way_that_keeps_hanging_is_left(parrot, cache, way):
    ways = [way("fast", step="hang"), way("sure")]
    engine = EmbeddedEngine(
        {"parrot": parrot}, ways, cache=cache, limits=Limits(stall_seconds_max=1.0)
    )
    await engine.start()

    for _ in range(3):
        with pytest.raises(EngineCrashed) as failure:
            await collect(engine, fatal(engine))
        assert failure.value.reason == "the process hung"
        await until_healthy(engine)

    assert engine.host("parrot").facts["way"] == "sure"
    await engine.close()


async def test_a_process_that_hangs_is_ended_and_started_again(parrot, cache, way):
    limits = Limits(stall_seconds_max=2.0)
    engine = EmbeddedEngine(
        {"parrot": parrot}, [way("fast", step="hang")], cache=cache, limits=limits
    )
    await engine.start()

    with pytest.raises(EngineCrashed):
        await collect(engine, fatal(engine))

    await until_healthy(engine)
    await engine.close()


async def test_an_idle_process_is_not_taken_for_a_hanging_one(parrot, cache, way):
    limits = Limits(stall_seconds_max=0.5)
    engine = EmbeddedEngine({"parrot": parrot}, [way("fast")], cache=cache, limits=limits)
    await engine.start()
    process = engine.host("parrot").process_id

    await asyncio.sleep(2)

    assert engine.host("parrot").process_id == process
    await engine.close()


async def test_a_request_the_backend_refuses_does_not_harm_the_others(parrot, cache, way):
    engine = EmbeddedEngine({"parrot": parrot}, [way("fast")], cache=cache)
    await engine.start()
    other = asyncio.create_task(collect(engine, chat(max_tokens=100)))

    with pytest.raises(EngineRefused) as refusal:
        await collect(engine, chat(top_k=13))

    assert refusal.value.reason == "ValueError: thirteen"
    assert (await other)[-1].completion_tokens == 100
    await engine.close()


async def test_more_tokens_than_may_wait_are_refused_before_they_start_unless_alone(
    parrot, cache, way
):
    limits = Limits(tokens_max=100)
    engine = EmbeddedEngine({"parrot": parrot}, [way("fast")], cache=cache, limits=limits)
    await engine.start()
    long = engine.stream(chat(max_tokens=200))
    await anext(long)

    with pytest.raises(EngineFull) as refusal:
        await collect(engine, chat(max_tokens=1))
    assert refusal.value.retry_after_seconds > 0
    await long.aclose()

    answers = [asyncio.create_task(collect(engine, chat(max_tokens=20))) for _ in range(2)]
    assert [(await answer)[-1].completion_tokens for answer in answers] == [20, 20]
    await engine.close()


def test_an_engine_serves_from_any_event_loop(run, way):
    with run(way("fast")) as engine:
        for _ in range(2):
            assert asyncio.run(collect(engine, chat(max_tokens=3)))[-1].completion_tokens == 3


def test_the_process_ends_when_the_engine_closes(run, way):
    with run(way("fast")) as engine:
        process = engine.host("parrot").process_id
        assert process is not None

    assert _gone(process)


@pytest.mark.parametrize("step", ["", "hang"])
def test_the_process_ends_with_its_parent_even_in_the_middle_of_a_step(parrot, cache, step):
    text = ModelFolder("parrot", parrot).token_bytes[FATAL_TOKEN].decode()
    program = f"""
import asyncio
from pathlib import Path
from hunmin.inference import EmbeddedEngine, Way
from hunmin.plugins import Generation, Sampling
way = Way("fast", {PROGRAM!r}, {{"step": {step!r}}})
engine = EmbeddedEngine({{"parrot": Path({str(parrot)!r})}}, [way], cache=Path({str(cache)!r}))
generation = Generation("r", "parrot", Sampling(max_tokens=5), prompt={text!r})
async def main():
    await engine.start()
    print(engine.host("parrot").process_id, flush=True)
    async for _ in engine.stream(generation):
        pass
    await asyncio.sleep(600)
asyncio.run(main())
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT)
    assert parent.stdout is not None
    lines = (line.decode().strip() for line in parent.stdout)
    process = int(next(line for line in lines if line.isdigit()))
    time.sleep(0.5)

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    assert _gone(process)


def test_the_serving_process_loads_neither_torch_nor_openvino(parrot, cache):
    program = f"""
import asyncio, sys
from pathlib import Path
from hunmin.inference import openvino
from hunmin.plugins import Generation, Sampling
engine = openvino.open_engine({{"parrot": Path({str(parrot)!r})}}, cache=Path({str(cache)!r}))
async def main():
    await engine.start()
    generation = Generation("r", "parrot", Sampling(max_tokens=6, temperature=0), prompt="a")
    print("".join([delta.text async for delta in engine.stream(generation)]))
    await engine.close()
asyncio.run(main())
print(sorted({{"torch", "transformers", "openvino", "openvino_genai", "numpy"}} & set(sys.modules)))
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert result.stdout.splitlines()[-2:] == ["훈민", "[]"]


def test_openvino_opens_no_connection_and_leaves_nothing_at_home(
    parrot, cache, monkeypatch, tmp_path
):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))

    with running(openvino.open_engine({"parrot": parrot}, cache=cache)) as engine:
        asyncio.run(collect(engine, chat()))
        process = engine.host("parrot").process_id
        opened = [str(link.readlink()) for link in Path(f"/proc/{process}/fd").iterdir()]
        mapped = Path(f"/proc/{process}/maps").read_text()

    assert not [name for name in opened if name.startswith("socket:")]
    assert "torch" not in mapped
    assert "openvino" in mapped
    assert list(home.iterdir()) == []


def test_the_log_has_no_word_of_what_was_asked(run, way, cache):
    with run(way("fast", step="error")) as engine:
        with pytest.raises(HunminError):
            asyncio.run(collect(engine, fatal(engine)))
        asyncio.run(collect(engine, chat("주민등록번호")))

    logs = "".join(path.read_text() for path in cache.iterdir())
    assert "주민등록번호" not in logs
    assert str(engine.host("parrot").model.encode(chat("주민등록번호"))[3:6])[1:-1] not in logs


def _gone(process: int, seconds: float = 60.0) -> bool:
    """Return whether a process ends soon; one that is dead but not waited for has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False
