"""Daft, set up once: no telemetry, the runner that was asked for, no output of its own."""

import functools
import importlib.util
import os
from types import ModuleType

from hunmin.corpus.config import Runner
from hunmin.errors import RunnerMissing


def open_daft(runner: Runner) -> ModuleType:
    """Return the `daft` module, working on this machine or on a Ray cluster.

    Ray is joined at `RAY_ADDRESS` where that is set, else started on this machine. A process can
    use one runner only, which is a rule of Daft's.

    Raises:
        RunnerMissing: Ray was asked for and is not installed.
    """
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["DAFT_ANALYTICS_ENABLED"] = "0"
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["DAFT_PROGRESS_BAR"] = "0"
    if runner == "ray" and importlib.util.find_spec("ray") is None:
        raise RunnerMissing(runner=runner)
    import daft  # noqa: PLC0415 (slow to import, and only after the environment says no tracking)

    _set_runner(daft, runner)
    return daft


@functools.cache
def _set_runner(daft: ModuleType, runner: Runner) -> None:
    if runner == "ray":
        daft.set_runner_ray(noop_if_initialized=True)
    else:
        daft.set_runner_native()
