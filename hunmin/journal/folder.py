"""Run folders: finding them below a folder, and what lies in one beside its log."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from hunmin.errors import ManifestBroken, ManifestMissing
from hunmin.journal.log import LOG_NAME, STALLED_NAME
from hunmin.manifest import MANIFEST_NAME, Manifest, manifest_sha256
from hunmin.steps import lock_of

_DEPTH_MAX = 3
_FOLDERS_MAX = 5_000
"""So many folders are looked into: a settings file may name the wrong disk."""


def is_run(folder: Path) -> bool:
    """Return whether a folder is one of a run: it has a log."""
    return (folder / LOG_NAME).is_file()


def find_runs(folder: Path) -> dict[str, Path]:
    """Return every run below a folder by its name, as in `laptop/pretrain`.

    Links are not followed, and neither runs nor finished outputs are looked into.
    """
    found: dict[str, Path] = {}
    looked = 0
    waiting = [folder]
    while waiting and looked < _FOLDERS_MAX:
        here = waiting.pop(0)
        looked += 1
        for each in _folders(here):
            if is_run(each):
                found[each.relative_to(folder).as_posix()] = each
            elif _depth(each, folder) < _DEPTH_MAX and not (each / MANIFEST_NAME).is_file():
                waiting.append(each)
    return dict(sorted(found.items()))


def _folders(folder: Path) -> Iterator[Path]:
    try:
        each = sorted(folder.iterdir())
    except OSError:
        return
    for path in each:
        if not path.name.startswith(".") and path.is_dir() and not path.is_symlink():
            yield path


def _depth(path: Path, folder: Path) -> int:
    return len(path.relative_to(folder).parts)


def checkpoints(run: Path) -> list[tuple[Path, Manifest, str]]:
    """Return the whole checkpoints of a run, oldest first: folder, manifest and its SHA-256."""
    found = []
    for folder in run.glob("step-*"):
        try:
            stat = (folder / MANIFEST_NAME).stat()
            manifest, sha256 = _manifest(folder, stat.st_mtime_ns, stat.st_size)
            found.append((int(manifest.facts["step"]), folder, manifest, sha256))
        except (OSError, ManifestMissing, ManifestBroken, KeyError, TypeError, ValueError):
            continue  # half written, half removed, or none of ours
    return [(folder, manifest, sha256) for _, folder, manifest, sha256 in sorted(found)]


@lru_cache(maxsize=256)
def _manifest(folder: Path, changed: int, size: int) -> tuple[Manifest, str]:  # noqa: ARG001 (its key)
    return Manifest.read(folder, kind="checkpoint"), manifest_sha256(folder)


def locked_at(run: Path) -> float | None:
    """Return when a process took the run's lock, or None where nobody holds one."""
    return _changed(lock_of(run))


def stalled_at(run: Path) -> float | None:
    """Return when a process that hung wrote its stacks last."""
    times = [_changed(path) for path in (run / STALLED_NAME).rglob("*.txt")]
    return max((moment for moment in times if moment is not None), default=None)


def _changed(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None
