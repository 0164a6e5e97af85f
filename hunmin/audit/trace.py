"""Where a model came from: a walk over manifests, from a folder back to licenses.

Every step left the hash of what it was made from; this follows the hashes through the copies in
`lineage/` and checks each, tables of documents too. It reads files and knows neither the database
nor the lab.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from hunmin.errors import ManifestBroken, ManifestMissing
from hunmin.manifest import (
    LINEAGE_NAME,
    InputRecord,
    Manifest,
    SourceRecord,
    ancestor,
    file_sha256,
    manifest_sha256,
)

State = Literal["whole", "missing", "broken"]


class Problem(BaseModel):
    """What is wrong with one link of the chain."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    code: str
    en: str
    ko: str


_MANIFEST = ("link", "The copy of its manifest", "기록의 사본")
_DOCUMENTS = ("documents", "The table of the documents it saw", "학습에 쓴 문서 목록")
"""What lineage holds: the first part of a problem's code, and what it is called."""


def _gone(what: tuple[str, str, str], path: str) -> Problem:
    code, en, ko = what
    return Problem(
        code=f"{code}_missing",
        en=f"{en} is gone: {path} is not there. Copy it back from the folder it was made in.",
        ko=f"{ko}이 없습니다({path}). 처음 만든 폴더에서 다시 복사하십시오.",
    )


def _changed(what: tuple[str, str, str], path: str) -> Problem:
    code, en, ko = what
    return Problem(
        code=f"{code}_changed",
        en=f"{en}, {path}, was changed: its SHA-256 is not its name. "
        "Copy it back from the folder it was made in.",
        ko=f"{ko}({path})이 바뀌었습니다. SHA-256이 이름과 다릅니다. "
        "처음 만든 폴더에서 다시 복사하십시오.",
    )


def _file_missing(path: str) -> Problem:
    return Problem(
        code="file_missing",
        en=f"{path} is in the manifest but not in the folder. Restore it, or make it again.",
        ko=f"{path} 파일이 기록에는 있지만 폴더에는 없습니다. 되돌리거나 다시 만드십시오.",
    )


def _file_changed(path: str) -> Problem:
    return Problem(
        code="file_changed",
        en=f"{path} was changed after it was made: its SHA-256 is not the one of the manifest. "
        "Restore it, or make it again.",
        ko=f"{path} 파일이 만들어진 뒤에 바뀌었습니다. SHA-256이 기록과 다릅니다. "
        "되돌리거나 다시 만드십시오.",
    )


class TraceSource(BaseModel):
    """One source of text: where lineage ends."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    name: str
    license: str
    licenses: dict[str, int]
    """Documents by license, where documents of one source differ."""
    origin: str
    attribution: str
    documents: int
    text_bytes: int


class TraceNode(BaseModel):
    """One finished step, and what it was made from."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    role: str
    """What the step above used it as; for the first one, its kind."""
    kind: str
    name: str
    sha256: str
    """Of its manifest: its identity."""
    state: State
    problems: list[Problem] = []
    made_at: str = ""
    made_by: str = ""
    facts: dict[str, str | int | float | bool] = {}
    """The plain numbers and words of the manifest."""
    sources: list[TraceSource] = []
    inputs: list["TraceNode"] = []
    repeated: bool = False
    """It stands in the tree already, with its inputs; here it is only named."""

    def whole(self) -> bool:
        """Return whether every link from here down is whole."""
        return self.state == "whole" and all(node.whole() for node in self.inputs)

    def all_sources(self) -> list[TraceSource]:
        """Return every source below, once, in the order of the tree."""
        found = {source.model_dump_json(): source for source in self.sources}
        for node in self.inputs:
            found.update({source.model_dump_json(): source for source in node.all_sources()})
        return list(found.values())


def trace_model(folder: Path, *, verify: bool = False) -> TraceNode:
    """Return the chain from a finished folder, of any step, back to sources and licenses.

    A link that is missing or was changed is in the tree with its problem; the walk goes on beside
    it.

    Args:
        folder: The output of a step: a model, an evaluation, a checkpoint, a tokenizer, a corpus.
        verify: Also hash every file of the folder itself, and the tables of documents, which takes
            time where they are large.

    Raises:
        ManifestMissing: The folder has no manifest.
        ManifestBroken: What it has is not one.
    """
    manifest = Manifest.read(folder)
    problems = list(_changed_files(folder, manifest)) if verify else []
    walk = _Walk(folder, verify=verify)
    problems += walk.documents_problems(manifest)
    return TraceNode(
        role=manifest.kind,
        sha256=manifest_sha256(folder),
        state="broken" if problems else "whole",
        problems=problems,
        **walk.describe(manifest),
    )


class _Walk:
    """One walk through one folder's lineage."""

    def __init__(self, folder: Path, *, verify: bool) -> None:
        self._folder = folder
        self._verify = verify
        self._seen: set[str] = set()

    def describe(self, manifest: Manifest) -> dict[str, Any]:
        """Return what a node says of a manifest that could be read."""
        return {
            "kind": manifest.kind,
            "name": manifest.name,
            "made_at": manifest.made_at,
            "made_by": manifest.made_by,
            "facts": {
                name: value
                for name, value in manifest.facts.items()
                if isinstance(value, str | int | float | bool)
            },
            "sources": [_source(record) for record in manifest.sources],
            "inputs": [self._input(record) for record in _bases_first(manifest.inputs)],
        }

    def _input(self, record: InputRecord) -> TraceNode:
        named = {"role": record.role, "sha256": record.sha256}
        claimed = {"kind": record.kind, "name": record.name}
        if record.sha256 in self._seen:
            return TraceNode(state="whole", repeated=True, **named, **claimed)
        try:
            manifest = ancestor(self._folder, record.sha256)
        except ManifestMissing:
            problem = _gone(_MANIFEST, _copy_name(record))
            return TraceNode(state="missing", problems=[problem], **named, **claimed)
        except ManifestBroken:
            problem = _changed(_MANIFEST, _copy_name(record))
            return TraceNode(state="broken", problems=[problem], **named, **claimed)
        self._seen.add(record.sha256)
        problems = self.documents_problems(manifest)
        return TraceNode(
            state="broken" if problems else "whole",
            problems=problems,
            **named,
            **self.describe(manifest),
        )

    def documents_problems(self, manifest: Manifest) -> list[Problem]:
        """Return what is wrong with the table of the documents a checkpoint has seen."""
        if manifest.ledger is None:
            return []
        name = f"{LINEAGE_NAME}/{manifest.ledger.sha256}.parquet"
        path = self._folder / name
        if not path.is_file():
            return [_gone(_DOCUMENTS, name)]
        if self._verify and file_sha256(path) != manifest.ledger.sha256:
            return [_changed(_DOCUMENTS, name)]
        return []


def _bases_first(records: list[InputRecord]) -> list[InputRecord]:
    """Return inputs with judged answers last, which lead to the base once more.

    So every round of learning from them is one level of the tree deeper, and not three.
    """
    return sorted(records, key=lambda record: record.role == "rewards")


def _source(record: SourceRecord) -> TraceSource:
    return TraceSource(
        name=record.name,
        license=record.license,
        licenses=record.licenses,
        origin=record.origin,
        attribution=record.attribution,
        documents=record.documents,
        text_bytes=record.text_bytes,
    )


def _copy_name(record: InputRecord) -> str:
    return f"{LINEAGE_NAME}/{record.sha256[:12]}….json"


def _changed_files(folder: Path, manifest: Manifest) -> Iterator[Problem]:
    for name, record in manifest.files.items():
        path = folder / name
        if not path.is_file():
            yield _file_missing(name)
        elif path.stat().st_size != record.size_bytes or file_sha256(path) != record.sha256:
            yield _file_changed(name)
