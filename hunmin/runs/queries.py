"""Reads of run folders. Each returns only what the actor may see.

A name from an address is only ever looked up among the runs that were found, never joined to a
path.
"""

from collections.abc import Sequence
from pathlib import Path

from hunmin import journal
from hunmin.act import Act
from hunmin.errors import RunMissing, RunNotFound
from hunmin.runs import rules


def list_runs(act: Act, folder: Path) -> list[journal.Summary]:
    """Return every run below a folder, the newest sign of life first."""
    rules.check_may_watch(act.actor)
    found = []
    for name, run in journal.find_runs(folder).items():
        try:
            found.append(journal.summarize(run, name=name, now=act.now.timestamp()))
        except RunMissing:  # removed since it was found
            continue
    moments = {one.name: one.seen_at.timestamp() if one.seen_at else 0.0 for one in found}
    return sorted(found, key=lambda one: (one.state != "running", -moments[one.name], one.name))


def get_run(act: Act, folder: Path, name: str) -> tuple[journal.Summary, journal.Log]:
    """Return a run and its log.

    Raises:
        RunNotFound: There is none of that name.
    """
    rules.check_may_watch(act.actor)
    (run,) = _find(folder, [name])
    return journal.summarize(run, name=name, now=act.now.timestamp()), journal.read_log(run)


def compare_runs(
    act: Act, folder: Path, names: Sequence[str], *, axis: journal.Axis
) -> journal.Comparison:
    """Return runs beside each other.

    Raises:
        RunNotFound: There is none of one of the names.
    """
    rules.check_may_watch(act.actor)
    runs = _find(folder, names)
    return journal.compare(runs, names=names, axis=axis, now=act.now.timestamp())


def _find(folder: Path, names: Sequence[str]) -> list[Path]:
    found = journal.find_runs(folder)
    if any(name not in found for name in names):
        raise RunNotFound
    return [found[name] for name in names]
