"""A lab step's output folder: whole or absent, and resumed where it stopped.

A step works in a hidden folder beside its output and renames it into place when everything is on
disk. Killed at any moment, it leaves either no output or a whole one; run again with the same
inputs and recipe it finds its half-done work and goes on; run again when finished, it does nothing.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from hunmin.errors import DiskFull, OutputBusy, OutputExists, OutputUnwritable
from hunmin.manifest import (
    LINEAGE_NAME,
    MANIFEST_NAME,
    FileRecord,
    InputRecord,
    Kind,
    LedgerRecord,
    Manifest,
    SourceRecord,
    manifest_sha256,
)

SCRATCH_NAME = ".scratch"
"""A folder inside the working folder for what helps to resume and is not output."""

_PLAN_NAME = "plan.json"


class Step:
    """One step under way. Made by `open_step`."""

    def __init__(
        self, out: Path, work: Path, *, kind: Kind, name: str, plan: dict[str, Any]
    ) -> None:
        self.out = out
        self.folder = work
        """Write the output here."""
        self.scratch = work / SCRATCH_NAME
        """Keep state for resuming here; it is removed before the output is whole."""
        self._kind: Kind = kind
        self._name = name
        self._plan = plan
        self._input_folders: list[Path] = []
        self.finished: Manifest | None = None
        """The manifest, when the output is there already: there is nothing to do."""

    def finish(
        self,
        *,
        facts: Mapping[str, Any],
        sources: list[SourceRecord] | None = None,
        ledger: LedgerRecord | None = None,
        documents: Path | None = None,
        hashed: Mapping[str, FileRecord] | None = None,
    ) -> Manifest:
        """Hash and sync every file, write the manifest and lineage, rename into place.

        A checkpoint's `ledger` goes with the table of its `documents`, which is put into lineage.
        Files that other processes wrote, synced and hashed already are in `hashed`. What helps to
        resume goes last: hashing a large output takes long, and may be killed too.
        """
        lineage = self.folder / LINEAGE_NAME
        for folder in self._input_folders:
            _copy_lineage(folder, lineage)
        if ledger is not None and documents is not None:
            lineage.mkdir(exist_ok=True)
            _link(documents, lineage / f"{ledger.sha256}.parquet")
        known = hashed or {}
        files = {
            name: known.get(name) or FileRecord.of(path)
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
            and (name := path.relative_to(self.folder).as_posix()).split("/")[0] not in _NOT_OUTPUT
        }
        if unseen := known.keys() - files.keys():
            raise FileNotFoundError(errno.ENOENT, "not seen here", min(unseen))
        manifest = Manifest(
            kind=self._kind,
            name=self._name,
            made_at=datetime.now(UTC).replace(microsecond=0).isoformat(),
            recipe=self._plan["recipe"],
            inputs=[InputRecord(**record) for record in self._plan["inputs"]],
            sources=sources or [],
            facts=dict(facts),
            ledger=ledger,
            files=files,
        )
        (self.folder / MANIFEST_NAME).write_bytes(manifest.to_bytes())
        for path in self.folder.rglob("*"):
            if path.relative_to(self.folder).parts[0] != SCRATCH_NAME:
                sync(path)
        _remove(self.scratch, plan=self.scratch / _PLAN_NAME)
        sync(self.folder)
        self.folder.rename(self.out)
        sync(self.out.parent)
        self.finished = manifest
        return manifest


_NOT_OUTPUT = frozenset({MANIFEST_NAME, LINEAGE_NAME, SCRATCH_NAME})


@contextlib.contextmanager
def open_step(
    out: Path,
    *,
    kind: Kind,
    name: str,
    recipe: Mapping[str, Any],
    inputs: Mapping[str, Path] | None = None,
) -> Iterator[Step]:
    """Open the working folder of a step, resuming what an earlier run left.

    Args:
        out: The output folder to be.
        kind: What the step makes.
        name: A short name for people; by custom the name of the output folder.
        recipe: Everything that steers the step, as plain JSON. With the inputs it decides
            whether earlier work may be continued.
        inputs: Finished folders by role.

    Raises:
        OutputExists: `out` is there and was made from something else.
        OutputBusy: Another process is making `out`.
        OutputUnwritable: `out` cannot be made where it should be.
        DiskFull: The disk filled up; what was done is kept.
    """
    plan = _plan(recipe, inputs or {})
    out = out.absolute()
    work = out.parent / f".{out.name}.partial"
    with full_disk_said(out), only_one(out):
        step = Step(out, work, kind=kind, name=name, plan=plan)
        step._input_folders = list((inputs or {}).values())  # noqa: SLF001 (same module)
        if out.exists():
            step.finished = _finished_as_planned(out, kind, plan)
        else:
            _prepare(work, plan)
        yield step


@contextlib.contextmanager
def full_disk_said(path: Path) -> Iterator[None]:
    """Raise `DiskFull` where anything inside the block says that the disk, or a quota, is full."""
    try:
        yield
    except Exception as error:
        code = error.errno if isinstance(error, OSError) else None
        if code in _FULL or _FULL_IN_WORDS.search(str(error)):
            raise DiskFull(path=path) from error
        raise


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FULL_IN_WORDS = re.compile(
    rf"\(os error ({errno.ENOSPC}|{errno.EDQUOT})\)|^\d+ requested and \d+ written$"
)
"""How safetensors, and NumPy, say it: without a number a program could read."""


def sync(path: Path) -> None:
    """Force a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that after a crash it is the old one or the new one, never a torn one."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
    sync(path.parent)


def _plan(recipe: Mapping[str, Any], inputs: Mapping[str, Path]) -> dict[str, Any]:
    records = []
    for role, folder in inputs.items():
        manifest = Manifest.read(folder)
        records.append(
            InputRecord(
                role=role,
                kind=manifest.kind,
                name=manifest.name,
                sha256=manifest_sha256(folder),
            ).model_dump()
        )
    return json.loads(json.dumps({"recipe": dict(recipe), "inputs": records}, sort_keys=True))


def _fingerprint(plan: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()


def _finished_as_planned(out: Path, kind: Kind, plan: dict[str, Any]) -> Manifest:
    """Return the manifest of a finished output if it was made from this very plan."""
    if not (out / MANIFEST_NAME).is_file():
        raise OutputExists(out=out)
    manifest = Manifest.read(out)
    made_from = {
        "recipe": manifest.recipe,
        "inputs": [record.model_dump() for record in manifest.inputs],
    }
    if manifest.kind != kind or _fingerprint(made_from) != _fingerprint(plan):
        raise OutputExists(out=out)
    return manifest


def _prepare(work: Path, plan: dict[str, Any]) -> None:
    """Keep the half-done work of the same plan; begin afresh for any other."""
    plan_path = work / SCRATCH_NAME / _PLAN_NAME
    try:
        same = json.loads(plan_path.read_bytes()) == plan
    except (OSError, ValueError):
        same = False
    if not same:
        _remove(work, plan=plan_path)
        plan_path.parent.mkdir(parents=True)
        write_whole(plan_path, json.dumps(plan, ensure_ascii=False, indent=1).encode())


def _remove(folder: Path, *, plan: Path) -> None:
    """Remove half-done work, its plan first: what is removed by half is never gone on with."""
    if plan.is_file():
        plan.unlink()
        sync(plan.parent)
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def only_one(out: Path) -> Iterator[None]:
    """Hold a lock beside `out` while the block runs.

    Raises:
        OutputBusy: Another process holds it.
        OutputUnwritable: Nothing can be written there.
    """
    lock_path = lock_of(out)
    with _opened(lock_path, out) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputBusy(out=out) from error
        if not is_at(lock.fileno(), lock_path):  # another process ended just now, and removed it
            raise OutputBusy(out=out)
        os.utime(lock.fileno())  # it tells when it was taken
        yield
        lock_path.unlink(missing_ok=True)


def lock_of(out: Path) -> Path:
    """Return the file that is locked while `out` is made; what was killed may leave it there."""
    return out.parent / f".{out.name}.lock"


def _opened(lock_path: Path, out: Path) -> TextIO:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        return lock_path.open("a")  # others who hold it may have written into it
    except OSError as error:
        if error.errno in _FULL:
            raise
        raise OutputUnwritable(out=out, reason=error.strerror or str(error)) from error


def is_at(handle: int, path: Path) -> bool:
    """Whether an open file is still the one at a path."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _copy_lineage(folder: Path, lineage: Path) -> None:
    lineage.mkdir(exist_ok=True)
    shutil.copyfile(folder / MANIFEST_NAME, lineage / f"{manifest_sha256(folder)}.json")
    if (folder / LINEAGE_NAME).is_dir():
        for copy in (folder / LINEAGE_NAME).glob("*.json"):
            shutil.copyfile(copy, lineage / copy.name)
        for table in (folder / LINEAGE_NAME).glob("*.parquet"):
            _link(table, lineage / table.name)


def _link(path: Path, to: Path) -> None:
    """Give a file that never changes a second name, or a copy where the disk cannot."""
    to.unlink(missing_ok=True)
    try:
        os.link(path, to)
    except OSError:
        shutil.copyfile(path, to)
