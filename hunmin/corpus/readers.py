"""From files and data sets to documents: JSON Lines, Parquet, plain text, Hugging Face data sets.

Yields one `Document` or `Drop` after another in the order of the source, with bounded memory. It
decodes and repairs, and refuses what is not a document; whether a document is any good is decided
later.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hunmin.corpus.config import Limits
from hunmin.corpus.decode import decode, unscramble
from hunmin.corpus.files import OpenFile, lines
from hunmin.corpus.sources import Source
from hunmin.errors import SourceMissing, SourceUnreadable


@dataclass(slots=True)
class Document:
    """One document as it was read."""

    id: str
    text: str
    """Its text; of a chat, its messages as JSON."""
    license: str
    repair: str = "none"


@dataclass(slots=True)
class Drop:
    """One row that is no document, and why."""

    id: str
    reason: str
    detail: str


@dataclass(slots=True)
class Reading:
    """One file, or one data set, of a source being read."""

    source: Source
    limits: Limits
    path: Path | None = None
    base: Path | None = None
    """The folder a text file's id counts from."""
    _open: OpenFile | None = field(default=None, init=False)

    def position(self) -> int:
        """Return how many bytes of the file on disk have been read."""
        return self._open.raw_position() if self._open is not None else 0

    def __iter__(self) -> Iterator[Document | Drop]:
        if self.path is None:
            yield from self._dataset()
            return
        name = self.path.name.lower().removesuffix(".zst").removesuffix(".gz")
        if name.endswith(".parquet"):
            yield from self._parquet(self.path)
            return
        self._open = OpenFile(self.path, source=self.source.name, limits=self.limits)
        if name.endswith((".jsonl", ".ndjson", ".json")):
            yield from self._json_lines(self._open)
        else:
            yield from self._plain_text(self._open)

    def _json_lines(self, file: OpenFile) -> Iterator[Document | Drop]:
        needle = self._needle()
        good = bad = 0
        for number, line in enumerate(lines(file), start=1):
            place = f"{file.path.name}:{number}"
            if isinstance(line, int):
                yield Drop(place, "line_too_long", f"{line} bytes in one line")
                continue
            if not line or line.isspace() or (needle and needle not in line):
                good += bool(needle)
                continue
            text, repair = decode(line)
            try:
                row = json.loads(text)
            except (ValueError, RecursionError):
                row = None
            if isinstance(row, dict):
                good += 1
                yield from self._row(row, place, repair)
                continue
            bad += 1
            yield Drop(place, "invalid_json", "the line is not a JSON object")
        if bad > 1 and bad > self.limits.bad_lines_share_max * (good + bad):
            raise file.unreadable(
                f"{bad} of {good + bad} lines are not JSON objects",
                f"{good + bad}줄 가운데 {bad}줄이 JSON 객체가 아닙니다",
            )

    def _needle(self) -> bytes | None:
        """Return bytes that every line asked for by `where` holds, to skip the others unparsed."""
        for value in self.source.where.values():
            if value.isascii() and value.isalnum():
                return value.encode()
        plain = [
            v for v in self.source.where.values() if v.isascii() and v.replace("-", "").isalnum()
        ]
        return plain[0].encode() if plain else None

    def _parquet(self, path: Path) -> Iterator[Document | Drop]:
        import pyarrow as pa  # noqa: PLC0415 (slow to import)
        import pyarrow.parquet as pq  # noqa: PLC0415

        try:
            with pq.ParquetFile(path) as file:
                number = 0
                for batch in file.iter_batches(batch_size=256):
                    for row in batch.to_pylist():
                        number += 1
                        yield from self._row(row, f"{path.name}:{number}", "none")
        except (pa.ArrowException, OSError) as error:
            raise SourceUnreadable(
                source=self.source.name,
                path=path.name,
                reason_en=f"not a sound Parquet file ({error})",
                reason_ko=f"올바른 Parquet 파일이 아닙니다({error})",
            ) from error

    def _plain_text(self, file: OpenFile) -> Iterator[Document | Drop]:
        name = file.path.relative_to(self.base).as_posix() if self.base else file.path.name
        pieces: list[bytes] = []
        size = 0
        for piece in file.pieces():
            size += len(piece)
            if size > self.limits.line_bytes_max:
                yield Drop(name, "too_long", f"over {self.limits.line_bytes_max} bytes")
                return
            pieces.append(piece)
        text, repair = decode(b"".join(pieces))
        row = {self.source.text_column: text, self.source.id_column: name}
        yield from self._row(row, name, repair)

    def _dataset(self) -> Iterator[Document | Drop]:
        import datasets  # noqa: PLC0415 (slow to import)

        name = self.source.dataset or ""
        try:
            rows = datasets.load_dataset(
                name, self.source.config, split=self.source.split, streaming=True
            )
            for number, row in enumerate(rows):
                yield from self._row(row, f"{self.source.split}/{number}", "none")
        except (OSError, ValueError) as error:
            place = f"{name} ({type(error).__name__}: {error})"
            raise SourceMissing(source=self.source.name, place=place) from error

    def _row(self, row: Mapping[str, Any], place: str, repair: str) -> Iterator[Document | Drop]:
        source = self.source
        if any(str(row.get(column)) != value for column, value in source.where.items()):
            return
        row_id = row.get(source.id_column)
        own_id = str(row_id) if isinstance(row_id, str | int) and str(row_id).strip() else ""
        license_id = row.get(source.license_column) if source.license_column else source.license
        column = source.messages_column if source.kind == "chat" else source.text_column
        value = row.get(column)
        doc_id = own_id or place
        if value is None:
            yield Drop(doc_id, "missing_text", f'column "{column}" is missing or empty')
        elif source.kind == "chat":
            yield from self._chat(doc_id, value, license_id)
        elif not isinstance(value, str):
            yield Drop(doc_id, "not_text", f'column "{column}" is {type(value).__name__}')
        elif len(value) > self.limits.text_chars_max:
            yield Drop(doc_id, "too_long", f"{len(value)} characters")
        else:
            if repair == "none" and (mended := unscramble(value)) is not None:
                value, repair = mended, "mojibake"
            yield self._document(own_id or _content_id(value), value, license_id, repair)

    def _chat(self, doc_id: str, value: object, license_id: object) -> Iterator[Document | Drop]:
        try:
            messages = [
                {"role": str(turn["role"]), "content": turn["content"]}
                for turn in value  # pyrefly: ignore (checked by the except clause)
            ]
        except (TypeError, KeyError, IndexError):
            yield Drop(doc_id, "bad_chat", "messages are not a list of role and content")
            return
        if not all(isinstance(turn["content"], str) for turn in messages):
            yield Drop(doc_id, "bad_chat", "a message's content is not text")
            return
        text = json.dumps(messages, ensure_ascii=False)
        if len(text) > self.limits.text_chars_max:
            yield Drop(doc_id, "too_long", f"{len(text)} characters")
            return
        yield self._document(doc_id, text, license_id, "none")

    def _document(self, doc_id: str, text: str, license_id: object, repair: str) -> Document | Drop:
        doc_id = doc_id.encode("utf-8", "replace").decode()
        if not isinstance(license_id, str) or not license_id.strip():
            return Drop(
                doc_id, "license_missing", f'column "{self.source.license_column}" is empty'
            )
        text = text.encode("utf-8", "ignore").decode()  # lone surrogates of JSON escapes
        return Document(doc_id, text, license_id.strip(), repair)


def _content_id(text: str) -> str:
    """Return an id for a document that has none, from its content."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
