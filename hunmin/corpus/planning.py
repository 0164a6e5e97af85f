"""What a build is to do, decided and checked before any document is read."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hunmin.corpus.rights import Rights, read_rights
from hunmin.corpus.sources import (
    DATA_SUFFIXES,
    Source,
    SourcesFile,
    find_files,
    fixed_part,
    read_sources,
)
from hunmin.manifest import file_sha256


@dataclass(frozen=True)
class PlannedFile:
    """One file, or one data set, of a source."""

    source: Source
    path: Path | None
    base: Path | None
    """The folder that ids of text files, and data sets on this disk, count from."""
    size_bytes: int


@dataclass
class Plan:
    """Everything a build starts from."""

    file: SourcesFile
    files: list[PlannedFile]
    eval_files: list[Path]
    rights: Rights
    hashes: dict[str, str]
    """SHA-256 of every source's files, of the evaluation sets and of the rights."""


def make_plan(
    path: Path, rights_path: Path | None, *, suffixes: tuple[str, ...] = DATA_SUFFIXES
) -> Plan:
    """Read the sources file, check licenses, find files and hash them.

    Args:
        path: The sources file.
        rights_path: JSON Lines of licenses allowed and ids withdrawn.
        suffixes: How the names of files end that are looked for in folders.

    Raises:
        SourcesFileBroken, LicenseMissing, LicenseRefused, SourceMissing: Something is not right.
    """
    file = read_sources(path)
    rights = read_rights(rights_path)
    base = path.absolute().parent
    hashing = _Hashing()
    files: list[PlannedFile] = []
    hashes: dict[str, str] = {}
    for source in file.source:
        if source.path is None:
            files.append(PlannedFile(source, None, base, 0))
            here = base / str(source.dataset)
            if here.is_dir():
                hashes[source.name] = hashing.of(_all_files(here))
            continue
        found = find_files(base, source.name, source.path, suffixes=suffixes)
        root = fixed_part(base, source.path)
        parent = root if root.is_dir() else None
        files += [PlannedFile(source, each, parent, each.stat().st_size) for each in found]
        hashes[source.name] = hashing.of(found)
    eval_files = [
        each
        for pattern in file.decontaminate.paths
        for each in find_files(base, "decontaminate", pattern)
    ]
    if eval_files:
        hashes["[decontaminate]"] = hashing.of(eval_files)
    if rights_path is not None:
        hashes["[rights]"] = file_sha256(rights_path)
    return Plan(file, files, eval_files, rights, hashes)


def _all_files(folder: Path) -> list[Path]:
    """Return what a data set's loader may read: every file that is not hidden."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    )


@dataclass
class _Hashing:
    """Hashes of files, each read once though several sources name it."""

    known: dict[Path, str] = field(default_factory=dict)

    def of(self, files: Iterable[Path]) -> str:
        """Return the SHA-256 of one file, or of the list of several files' hashes and names."""
        listed = list(files)
        for each in listed:
            if each not in self.known:
                self.known[each] = file_sha256(each)
        if len(listed) == 1:
            return self.known[listed[0]]
        lines = b"".join(
            self.known[each].encode() + b"  " + os.fsencode(each.name) + b"\n" for each in listed
        )
        return hashlib.sha256(lines).hexdigest()
