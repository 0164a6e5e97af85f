"""What a lab step made, from what, under which licenses. JSON files, linked by SHA-256.

Every output folder of the lab holds `manifest.json` and, under `lineage/`, a copy of the manifest
of everything it was made from, and the table of documents of every run behind it, each named by
its SHA-256. So a folder that travels alone, a model in a download for instance, still carries its
whole chain back to sources and licenses.

This module knows files and hashes. It knows neither databases nor what the steps do.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from hunmin import __version__
from hunmin.errors import ManifestBroken, ManifestMissing, WrongInput

Kind = Literal[
    "corpus", "tokenizer", "checkpoint", "model", "evaluation", "ladder", "canaries", "exposure",
    "rollouts", "rewards", "collection",
]  # fmt: skip

MANIFEST_NAME = "manifest.json"
LINEAGE_NAME = "lineage"


class FileRecord(BaseModel):
    """One file of an output folder."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Read a file and return its record."""
        return cls(sha256=file_sha256(path), size_bytes=path.stat().st_size)


class InputRecord(BaseModel):
    """One thing a step was made from, by the hash of its manifest."""

    model_config = ConfigDict(frozen=True)

    role: str
    """What it was used as: `corpus`, `tokenizer`, `base`, `canaries`, `policy`, `rewards`, and so
    on."""
    kind: Kind
    name: str
    sha256: str
    """SHA-256 of the input's `manifest.json`; the name of its copy under `lineage/`."""


class SourceRecord(BaseModel):
    """One source of text in a corpus: where it came from and who allowed its use."""

    model_config = ConfigDict(frozen=True)

    name: str
    license: str
    """An SPDX id, or one of the ids in `hunmin.corpus.licenses`."""
    origin: str = ""
    """Where it was taken from, for a person to look up."""
    attribution: str = ""
    documents: int = 0
    """Documents of this source that are in the output."""
    text_bytes: int = 0
    """UTF-8 bytes of their text."""
    licenses: dict[str, int] = {}
    """Documents by license, where documents of one source differ."""
    sha256: str = ""
    """SHA-256 over the source's files as they were read."""


class StretchRecord(BaseModel):
    """Steps in a row that learned from steps of the data's order in a row."""

    model_config = ConfigDict(frozen=True)

    step: int
    """The first of the steps, counted from 0."""
    data_step: int
    """The step of the order whose samples it took."""
    steps: int

    def goes_on_with(self, step: int, data_step: int) -> bool:
        """Whether a step that took these data would lengthen the stretch."""
        return (self.step + self.steps, self.data_step + self.steps) == (step, data_step)


class LedgerRecord(BaseModel):
    """What tells which documents a checkpoint has seen; `hunmin.ledger` works it out."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    """SHA-256 of the run's table of documents; `lineage/SHA256.parquet`."""
    seed: int
    samples: int
    """Samples in an epoch."""
    samples_per_step: int
    steps: int
    """Steps done."""
    stretches: list[StretchRecord] | None = None
    """What the steps learned from; None, as in older checkpoints: each from the data's own step."""

    def learned(self) -> list[StretchRecord]:
        """Return what the steps learned from."""
        if self.stretches is None:
            return [StretchRecord(step=0, data_step=0, steps=self.steps)]
        return self.stretches


class Manifest(BaseModel):
    """The record of one finished lab step."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    name: str
    made_at: str
    """UTC, ISO 8601, whole seconds."""
    made_by: str = f"hunmin {__version__}"
    recipe: dict[str, Any] = {}
    """Everything that steered the step, as plain JSON."""
    inputs: list[InputRecord] = []
    sources: list[SourceRecord] = []
    """Only a corpus has these, canaries and a collection: lineage ends here."""
    facts: dict[str, Any] = {}
    """What came out, as plain JSON: counts, scores, reasons."""
    ledger: LedgerRecord | None = None
    """Only a checkpoint has one; its data came from documents."""
    files: dict[str, FileRecord] = {}
    """Path inside the folder, with `/`, to hash and size. Not `manifest.json`, not `lineage/`."""

    @classmethod
    def read(cls, folder: Path, *, kind: Kind | None = None) -> Self:
        """Read the manifest of a finished folder.

        Raises:
            ManifestMissing: The folder has none.
            ManifestBroken: It is not a manifest.
            WrongInput: It is of another kind than `kind`.
        """
        path = folder / MANIFEST_NAME
        if not path.is_file():
            raise ManifestMissing(folder=folder)
        manifest = cls._parse(path)
        if kind is not None and manifest.kind != kind:
            raise WrongInput(folder=folder, found=manifest.kind, needed=kind)
        return manifest

    @classmethod
    def _parse(cls, path: Path) -> Self:
        try:
            return cls.model_validate_json(path.read_bytes())
        except (ValidationError, UnicodeDecodeError) as error:
            reason = f"{type(error).__name__}"
            raise ManifestBroken(path=path, reason=reason) from error

    def to_bytes(self) -> bytes:
        """Return the bytes of `manifest.json`: sorted keys, indented, UTF-8, one last newline."""
        plain = self.model_dump(mode="json")
        return (
            json.dumps(plain, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False) + "\n"
        ).encode()


def manifest_sha256(folder: Path) -> str:
    """Return the identity of a finished folder: SHA-256 of its `manifest.json`."""
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise ManifestMissing(folder=folder)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def verify_files(folder: Path, *, share: tuple[int, int] = (0, 1)) -> Manifest:
    """Check every file the manifest names against its hash, and return the manifest.

    Args:
        folder: A finished folder.
        share: Check only the files of one among several who share the work: its number, and how
            many they are.

    Raises:
        ManifestMissing: The folder has none.
        ManifestBroken: A file is missing or differs; it is named.
    """
    manifest = Manifest.read(folder)
    number, count = share
    for name, record in sorted(manifest.files.items())[number::count]:
        path = folder / name
        if not path.is_file():
            raise ManifestBroken(path=path, reason="the file is missing")
        if path.stat().st_size != record.size_bytes or file_sha256(path) != record.sha256:
            raise ManifestBroken(path=path, reason="its SHA-256 differs from the manifest")
    return manifest


def ancestor(folder: Path, sha256: str) -> Manifest:
    """Return the manifest of one ancestor of `folder`, from its `lineage/`, hash checked.

    Raises:
        ManifestMissing: The copy is not there.
        ManifestBroken: Its bytes do not have that hash.
    """
    path = folder / LINEAGE_NAME / f"{sha256}.json"
    if not path.is_file():
        raise ManifestMissing(folder=path)
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise ManifestBroken(path=path, reason="its SHA-256 differs from its name")
    return Manifest._parse(path)  # noqa: SLF001 (same module)


def ancestors(folder: Path) -> Iterator[tuple[InputRecord, Manifest]]:
    """Yield every ancestor of a finished folder once, nearest first."""
    seen: set[str] = set()
    queue = list(Manifest.read(folder).inputs)
    while queue:
        record = queue.pop(0)
        if record.sha256 in seen:
            continue
        seen.add(record.sha256)
        manifest = ancestor(folder, record.sha256)
        yield record, manifest
        queue.extend(manifest.inputs)
