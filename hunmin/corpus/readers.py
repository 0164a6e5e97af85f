"""From files and data sets to documents: JSON Lines, Parquet, plain text, Hugging Face data sets.

Yields one `Document` or `Drop` after another in the order of the source, with bounded memory. It
decodes and repairs, and refuses what is not a document; whether a document is any good is decided
later.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hunmin.corpus.config import Limits
from hunmin.corpus.decode import decode, unscramble
from hunmin.corpus.files import OpenFile, lines, plain_name
from hunmin.corpus.messages import chat_text, pair_text, prompt_text
from hunmin.corpus.sources import Source
from hunmin.errors import CompressionBomb, SourceMissing, SourceUnreadable

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData

_COLUMNS_NAMED = 20
_PARQUET_ROWS = 64


@dataclass(slots=True)
class Document:
    """One document as it was read."""

    id: str
    text: str
    """Its text; of a chat, a preference pair or a prompt, its messages as JSON."""
    license: str
    consent: str = ""
    """The id of the consent it is used under; empty where its source asks for none."""
    repair: str = "none"


@dataclass(slots=True)
class Drop:
    """One row that is no document, and why."""

    id: str
    reason: str
    detail: str


@dataclass(slots=True)
class Row:
    """One row of a file that has columns."""

    values: Mapping[str, Any]
    place: str
    """File and line, or split and number."""
    repair: str


@dataclass(slots=True)
class Reading:
    """One file, or one data set, of a source being read."""

    source: Source
    limits: Limits
    path: Path | None = None
    base: Path | None = None
    """The folder that ids of text files, and data sets on this disk, count from."""
    _open: OpenFile | None = field(default=None, init=False)

    def position(self) -> int:
        """Return how many bytes of the file on disk have been read."""
        return self._open.raw_position() if self._open is not None else 0

    def __iter__(self) -> Iterator[Document | Drop]:
        if self.path is None:
            yield from self._rows(self._dataset())
            return
        name = self.path.name.lower().removesuffix(".zst").removesuffix(".gz")
        if name.endswith(".parquet"):
            yield from self._rows(self._parquet(self.path))
            return
        self._open = OpenFile(self.path, source=self.source.name, limits=self.limits)
        if name.endswith((".jsonl", ".ndjson", ".json")):
            yield from self._rows(self._json(self._open))
        else:
            yield from self._plain_text(self._open)

    @property
    def _name(self) -> str:
        assert self.path is not None
        return plain_name(Path(self.path.name))

    @property
    def _columns(self) -> tuple[str, ...]:
        """The columns that a document is made of."""
        source = self.source
        if source.kind == "preference":
            return source.prompt_column, source.chosen_column, source.rejected_column
        if source.kind == "prompt":
            return (source.prompt_column, *filter(None, [source.answer_column]))
        return (source.messages_column if source.kind == "chat" else source.text_column,)

    def _missing(self, there: Container[str]) -> str | None:
        """Return the first column that is needed and not there."""
        return next((column for column in self._columns if column not in there), None)

    def _rows(self, rows: Iterator[Row | Drop]) -> Iterator[Document | Drop]:
        """Yield what rows hold; complain when not one of them has the columns asked for."""
        found = 0
        columns: dict[str, None] = {}
        missing: str | None = None
        for row in rows:
            if isinstance(row, Drop):
                yield row
                continue
            if not all(_says(row.values.get(name), v) for name, v in self.source.where.items()):
                continue
            missing = self._missing(row.values)
            found += missing is None
            if not found and len(columns) < _COLUMNS_NAMED:
                columns.update(dict.fromkeys(row.values))
            yield self._document(row)
        if missing is not None and not found:
            place = self._name if self.path is not None else str(self.source.dataset)
            raise columns_missing(self.source.name, place, missing, list(columns))

    def _json(self, file: OpenFile) -> Iterator[Row | Drop]:
        needle = self._needle()
        good = bad = too_long = 0
        for number, line in enumerate(lines(file), start=1):
            place = f"{self._name}:{number}"
            if isinstance(line, int):
                too_long += 1
                yield Drop(place, "line_too_long", f"{line} bytes in one line")
                continue
            if not line or line.isspace():
                continue
            if needle is not None and needle not in line:
                good += 1
                continue
            text, repair = decode(line)
            match _parsed(text):
                case dict() as values:
                    good += 1
                    yield Row(values, place, repair)
                case list() as items if number == 1:  # one JSON array in one line
                    good += 1
                    for index, item in enumerate(items):
                        values = item if isinstance(item, dict) else {}
                        yield Row(values, f"{place}[{index}]", repair)
                case _:
                    bad += 1
                    yield Drop(place, "invalid_json", "the line is not a JSON object")
        if too_long and not good:
            raise file.unreadable(
                "every line is too long; JSON Lines has one object a line",
                "모든 줄이 너무 깁니다. JSON Lines는 한 줄에 객체 하나입니다",
            )
        if bad > 1 and bad > self.limits.bad_lines_share_max * (good + bad):
            raise file.unreadable(
                f"{bad} of {good + bad} lines are not JSON objects",
                f"{good + bad}줄 가운데 {bad}줄이 JSON 객체가 아닙니다",
            )

    def _needle(self) -> bytes | None:
        """Return bytes that every line asked for by `where` holds, to skip the others unparsed."""
        for value in self.source.where.values():
            if _SAME_IN_JSON.fullmatch(value) and value.lower() not in _WORDS_OF_JSON:
                return value.encode()
        return None

    def _parquet(self, path: Path) -> Iterator[Row | Drop]:
        import pyarrow as pa  # noqa: PLC0415 (slow to import)
        import pyarrow.parquet as pq  # noqa: PLC0415

        source = self.source
        rights = (source.license_column, source.consent_column)
        wanted = {*self._columns, source.id_column, *rights, *source.where}
        try:
            with pq.ParquetFile(path) as file:
                there = file.schema_arrow.names
                if (missing := self._missing(there)) is not None:
                    raise columns_missing(source.name, self._name, missing, there)
                number = 0
                names = [name for name in there if name in wanted]
                self._check_growth(file.metadata)
                for batch in file.iter_batches(batch_size=_PARQUET_ROWS, columns=names):
                    for values in batch.to_pylist():
                        number += 1
                        yield Row(values, f"{self._name}:{number}", "none")
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            raise SourceUnreadable(
                source=source.name,
                path=self._name,
                reason_en=f"not a sound Parquet file ({error})",
                reason_ko=f"올바른 Parquet 파일이 아닙니다({error})",
            ) from error

    def _check_growth(self, metadata: "FileMetaData") -> None:
        """Refuse a file whose column chunks grow more than text does, before one is unpacked."""
        for group in range(metadata.num_row_groups):
            for column in range(metadata.num_columns):
                chunk = metadata.row_group(group).column(column)
                grown = chunk.total_uncompressed_size
                ratio = grown // max(chunk.total_compressed_size, 1)
                if (
                    grown > self.limits.expansion_bytes_min
                    and ratio > self.limits.expansion_ratio_max
                ):
                    raise CompressionBomb(
                        source=self.source.name,
                        path=self._name,
                        megabytes=grown // 2**20,
                        ratio=ratio,
                    )

    def _plain_text(self, file: OpenFile) -> Iterator[Document | Drop]:
        name = plain_name(file.path.relative_to(self.base)) if self.base else self._name
        pieces: list[bytes] = []
        size = 0
        for piece in file.pieces():
            size += len(piece)
            if size > self.limits.line_bytes_max:
                yield Drop(name, "too_long", f"over {self.limits.line_bytes_max} bytes")
                return
            pieces.append(piece)
        text, repair = decode(b"".join(pieces))
        values = {self.source.text_column: text, self.source.id_column: name}
        yield self._document(Row(values, name, repair))

    def _dataset(self) -> Iterator[Row | Drop]:
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
        import datasets  # noqa: PLC0415 (slow to import)

        datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False  # a folder here is nobody else's business
        source = self.source
        name = source.dataset or ""
        if self.base is not None and (self.base / name).is_dir():
            name = str(self.base / name)
        try:
            rows = datasets.load_dataset(
                name, source.config, split=source.split, revision=source.revision, streaming=True
            )
            for number, values in enumerate(rows):
                yield Row(values, f"{source.split}/{number}", "none")
        except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
            place = f"{name}, {source.split} ({type(error).__name__}: {error})"
            raise SourceMissing(source=self.source.name, place=place) from error

    def _document(self, row: Row) -> Document | Drop:
        source = self.source
        own_id = row.values.get(source.id_column)
        doc_id = str(own_id).strip() if isinstance(own_id, str | int) else ""
        doc_id = _sound(doc_id)
        named = doc_id or row.place
        found = self._text(row, named)
        if isinstance(found, Drop):
            return found
        rights = self._rights(row, named)
        if isinstance(rights, Drop):
            return rights
        text, repair = found
        if len(text) > self.limits.text_chars_max:
            return Drop(named, "too_long", f"{len(text)} characters")
        text = _sound(text)
        return Document(doc_id or _content_id(text), text, *rights, repair)

    def _text(self, row: Row, named: str) -> tuple[str, str] | Drop:
        """Return the text of a document, and how it was repaired."""
        values = [row.values.get(column) for column in self._columns]
        for column, value in zip(self._columns, values, strict=True):
            if value is None:
                return Drop(named, "missing_text", f'column "{column}" is missing or empty')
        if self.source.kind != "text":
            text_of, reason, detail = _MESSAGES[self.source.kind]
            text = text_of(*values)
            return Drop(named, reason, detail) if text is None else (text, row.repair)
        (value,) = values
        if not isinstance(value, str):
            column = self.source.text_column
            return Drop(named, "not_text", f'column "{column}" is {type(value).__name__}')
        if row.repair == "none" and (mended := unscramble(value)) is not None:
            return mended, "mojibake"
        return value, row.repair

    def _rights(self, row: Row, named: str) -> tuple[str, str] | Drop:
        """Return the license and the consent of a document."""
        source = self.source
        license_id, consent = _word(source.license), ""
        if source.license_column:
            license_id = _word(row.values.get(source.license_column))
            if not license_id:
                return Drop(named, "license_missing", f'column "{source.license_column}" is empty')
        if source.consent_column:
            consent = _word(row.values.get(source.consent_column))
            if not consent:
                return Drop(named, "consent_missing", f'column "{source.consent_column}" is empty')
        assert license_id, "the sources file was checked"
        return license_id, consent


_MESSAGES: Mapping[str, tuple[Callable[..., str | None], str, str]] = {
    "chat": (chat_text, "bad_chat", "messages are not a list of role and content"),
    "preference": (pair_text, "bad_pair", "not a prompt and two answers, as text or messages"),
    "prompt": (prompt_text, "bad_prompt", "not a prompt and an answer, as text or messages"),
}
"""Of sources that are not running text: how columns become JSON, and what is said where not."""


def _word(value: object) -> str:
    """Return a column's value as a word that UTF-8 can write; empty where there is none."""
    word = str(value) if isinstance(value, str | int) else ""
    return word.strip().encode("utf-8", "replace").decode()


def columns_missing(source: str, place: str, column: str, there: list[str]) -> SourceUnreadable:
    """Return the error that says which column is missing and which are there."""
    named = ", ".join(there[:_COLUMNS_NAMED]) or "-"
    return SourceUnreadable(
        source=source,
        path=place,
        reason_en=f'there is no column "{column}"; there are: {named}',
        reason_ko=f'"{column}" 열이 없습니다. 있는 열: {named}',
    )


_SAME_IN_JSON = re.compile(r"[0-9]+|[A-Za-z][^\"\\\\/\x00-\x1f\x7f-\U0010ffff]*")
"""Values that JSON writes in one way only: whole numbers, and ASCII words without escapes."""
_WORDS_OF_JSON = frozenset({"true", "false", "none"})


def _says(found: object, wanted: str) -> bool:
    """Whether a column's value is the one asked for; of true and false case says nothing."""
    if isinstance(found, bool):
        return str(found).lower() == wanted.lower()
    return str(found) == wanted


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _sound(text: str) -> str:
    """Return a text without lone surrogates, which JSON escapes may hold and UTF-8 may not."""
    return text if text.isascii() else text.encode("utf-8", "ignore").decode()


def _content_id(text: str) -> str:
    """Return an id for a document that has none, from its content."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
