"""Daft, set up once: no telemetry, the runner that was asked for, no output of its own.

`map_units` is how the stages use more than one core or machine: a plain function, a list of units
of work, and results in whatever order they are done. A unit writes files of its own and nothing
else, so it may be run again after a crash.
"""

import functools
import importlib.util
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any, TypeVar

from hunmin.corpus.config import Runner
from hunmin.errors import HunminError, RunnerMissing

_WATCH_SECONDS = 0.5

Unit = TypeVar("Unit")
Result = TypeVar("Result")


def open_daft(runner: Runner) -> ModuleType:
    """Return the `daft` module, working on this machine or on a Ray cluster.

    Ray is joined at `RAY_ADDRESS` where that is set, else started on this machine. A process can
    use one runner only, which is a rule of Daft's.

    Raises:
        RunnerMissing: Ray was asked for and is not installed, or Daft was set to another runner.
    """
    if runner == "ray" and importlib.util.find_spec("ray") is None:
        raise RunnerMissing(runner=runner)
    daft = import_daft()
    _set_runner(runner)
    return daft


def import_daft() -> ModuleType:
    """Return the `daft` module with its telemetry, and that of Ray, switched off."""
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["DAFT_ANALYTICS_ENABLED"] = "0"
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["DAFT_PROGRESS_BAR"] = "0"
    import daft  # noqa: PLC0415 (slow to import, and only after the environment says no tracking)

    return daft


@functools.cache
def _set_runner(runner: Runner) -> None:
    daft = import_daft()
    if runner == "ray":
        daft.set_runner_ray(noop_if_initialized=True)
    else:
        daft.set_runner_native()


def works_here(runner: Runner, units: Sequence[object], *, small: bool) -> bool:
    """Whether work is done one unit after another in this process: nothing is gained otherwise."""
    return runner == "local" and (small or len(units) < 2 or os.cpu_count() == 1)  # noqa: PLR2004


def map_units(
    function: Callable[[Unit], Result],
    units: Sequence[Unit],
    *,
    runner: Runner,
    small: bool,
) -> Iterator[tuple[Unit, Result]]:
    """Yield every unit with what `function` made of it, in any order.

    Args:
        function: Picklable, unless it works here, and safe to run twice for one unit.
        units: Picklable.
        runner: Where to run.
        small: Whether the work is not worth the start of other processes on this machine.

    Raises:
        HunminError, OSError: As `function` raised it.
    """
    if works_here(runner, units, small=small):
        for unit in units:
            yield unit, function(unit)
        return
    daft = open_daft(runner)
    binary = daft.DataType.binary()

    @daft.func.batch(return_dtype=binary, batch_size=1, use_process=True)
    def apply(pickled: Any) -> list[bytes]:  # noqa: ANN401 (a daft.Series)
        return [_guarded(function, each) for each in pickled.to_pylist()]

    frame = daft.from_pydict(
        {"place": list(range(len(units))), "unit": [*map(pickle.dumps, units)]}
    )
    if runner == "ray":
        frame = frame.repartition(len(units))
    frame = frame.select(daft.col("place"), apply(daft.col("unit")).alias("result"))
    for row in frame.iter_rows():
        result, error = pickle.loads(row["result"])  # noqa: S301 (made by `_guarded`)
        if error is not None:
            raise _rebuilt(*error)
        yield units[row["place"]], result


def _guarded(function: Callable[[Any], Any], pickled: bytes) -> bytes:
    """Run one unit; what people are told of comes back as data, for engines wrap what is raised.

    That is every `HunminError`, and an `OSError` such as a full disk.
    """
    _end_with_parent()
    try:
        return pickle.dumps((function(pickle.loads(pickled)), None))  # noqa: S301 (our own)
    except (HunminError, OSError) as error:
        return pickle.dumps((None, (type(error), error.args, vars(error))))


@functools.cache
def _end_with_parent() -> None:
    """End this process soon after the one that started it, so a killed run leaves none behind."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="watch-parent").start()


def _rebuilt(
    kind: type[Exception], arguments: tuple[object, ...], facts: dict[str, object]
) -> Exception:
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    vars(error).update(facts)
    return error
