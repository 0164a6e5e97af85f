"""What a model has seen, in words for the terminal: documents, steps, what was withdrawn.

Asks `hunmin.ledger`, which works it out from the files of the model's own folder.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from hunmin.errors import HunminError
from hunmin.ledger import open_ledgers

Language = Literal["ko", "en"]

_STEPS_SHOWN = 12


def find_documents(folder: Path, asked: Iterable[str], *, verify: bool) -> list[dict[str, Any]]:
    """Return each document that is asked for, in each stage of training whose data it is in."""
    wanted = frozenset(asked)
    return [
        {"checkpoint": ledger.checkpoint, **asdict(sighting)}
        for ledger in open_ledgers(folder, verify=verify)
        for sighting in ledger.find(wanted)
    ]


def documents_of_step(folder: Path, step: int, *, verify: bool) -> Iterator[dict[str, Any]]:
    """Yield the documents of one step, of each stage that has done it."""
    for ledger in open_ledgers(folder, verify=verify):
        if step <= ledger.steps:
            for row in ledger.of_step(step).to_pylist():
                yield {"checkpoint": ledger.checkpoint, **row}


def documents_seen(folder: Path, *, verify: bool) -> Iterator[dict[str, Any]]:
    """Yield every document each stage has seen, with how many of its samples were learned."""
    for ledger in open_ledgers(folder, verify=verify):
        for batch in ledger.seen().to_batches(max_chunksize=4096):
            for row in batch.to_pylist():
                yield {"checkpoint": ledger.checkpoint, **row}


def check_withdrawn(
    models: dict[str, Path], withdrawn: frozenset[str], *, verify: bool
) -> list[dict[str, Any]]:
    """Return for each model what it saw of what was withdrawn; `seen` is None where none can tell.

    Args:
        models: Folders by the name to say.
        withdrawn: Ids of documents or consents.
        verify: Whether the tables are hashed first.
    """
    said: list[dict[str, Any]] = []
    for name, folder in models.items():
        try:
            found = find_documents(folder, withdrawn, verify=verify)
        except HunminError as error:
            said.append({"model": name, "seen": None, "en": error.en, "ko": error.ko})
        else:
            said.append({"model": name, "seen": [one for one in found if one["steps"]]})
    return said


def read_withdrawn(path: Path) -> frozenset[str]:
    """Return the ids of a list of what was withdrawn.

    A line is an id, or JSON as in a rights file: `{"withdrawn": ID}`; what such a file says of
    licenses is passed over.

    Raises:
        ValueError: A line is neither, so an id might be overlooked; or the file is not UTF-8.
    """
    ids: set[str] = set()
    for number, line in enumerate(path.read_text("utf-8-sig").split("\n"), start=1):
        if not line.lstrip().startswith("{"):
            ids.add(line.strip())
            continue
        match json.loads(line):
            case {"withdrawn": str(one)}:
                ids.add(one.strip())
            case {"license": _}:
                continue
            case _:
                raise ValueError(f'line {number} is neither an id nor {{"withdrawn": ID}}')
    return frozenset(ids - {""})


def say_document(found: list[dict[str, Any]], asked: str, language: Language) -> str:
    """Return what the ledgers know of one document, a line for each stage of training."""
    if not found:
        if language == "ko":
            return f"{asked}: 어느 학습 자료에도 없습니다."
        return f"{asked}: in the data of no stage of training."
    lines: list[str] = []
    for one in found:
        consent = (
            f", {_pick(language, 'consent', '동의')} {one['consent']}" if one["consent"] else ""
        )
        lines.append(f"{one['id']}  {one['license']}{consent}")
        lines.append(f"  {one['checkpoint']}: {_say_steps(one['steps'], language)}")
    return "\n".join(lines)


def say_withdrawn(said: list[dict[str, Any]], count: int, language: Language) -> str:
    """Return a line for each model, and one for each document it saw."""
    lines: list[str] = []
    for one in said:
        name, seen = one["model"], one["seen"]
        if seen is None:
            lines.append(f"{name}: {one[language]}")
            continue
        documents = len({document["id"] for document in seen})
        lines.append(
            _pick(
                language,
                f"{name}: saw {documents} documents of the {count} ids withdrawn.",
                f"{name}: 철회된 {count}건 가운데 문서 {documents}건을 보았습니다.",
            )
            if seen
            else _pick(
                language,
                f"{name}: saw none of the {count} ids withdrawn.",
                f"{name}: 철회된 {count}건을 보지 않았습니다.",
            )
        )
        lines += [
            f"  {document['id']}  {document['checkpoint']}: "
            f"{_say_steps(document['steps'], language)}"
            for document in seen
        ]
    return "\n".join(lines)


def say_row(row: dict[str, Any]) -> str:
    """Return a document of a list as a line of words parted by tabs."""
    return "\t".join(str(value or "-") for value in row.values())


def _say_steps(steps: Sequence[int], language: Language) -> str:
    if not steps:
        return _pick(language, "never seen", "보지 않음")
    shown = ", ".join(f"{step:,}" for step in steps[:_STEPS_SHOWN])
    if (more := len(steps) - _STEPS_SHOWN) > 0:
        shown += _pick(language, f" and {more:,} more", f" 외 {more:,}회")
    return _pick(language, f"seen at steps {shown}", f"스텝 {shown}에서 봄")


def _pick(language: Language, en: str, ko: str) -> str:
    return ko if language == "ko" else en
