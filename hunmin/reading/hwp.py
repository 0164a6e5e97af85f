"""HWP 5: paragraphs, headings, tables and notes out of the binary form.

A compound file whose streams are sequences of records; records lie in each other by their level.
Headers, footers, equations and hidden comments are left out.

Source:
    Hancom, "Hangul document file formats 5.0", revision 1.3, 2018. What it leaves open, the place
    of a cell's address, is as other readers have found it.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import olefile

from hunmin.errors import FileKindUnknown, FileLocked, FileTooLarge, FileUnreadable
from hunmin.reading.blocks import Blocks
from hunmin.reading.hwp_text import Mark, characters
from hunmin.reading.limits import Limits
from hunmin.reading.result import Page, Problem, Reading

_SIGNATURE = b"HWP Document File"
_FLAGS_AT = 36
_PACKED, _PASSWORD, _DISTRIBUTION = 1 << 0, 1 << 1, 1 << 2

_PARA_SHAPE = 25
_PARA_HEADER, _PARA_TEXT, _CTRL_HEADER, _LIST_HEADER, _TABLE = 66, 67, 71, 72, 77

_LEFT_OUT = frozenset({"head", "foot", "eqed", "tcmt"})
_NOTES = frozenset({"fn  ", "en  "})

_LONG = 0xFFF
"""A size that says that the true one comes in the next four bytes."""

_OUTLINE = 1
"""Of a paragraph's shape: it is a heading and not one of a list."""


@dataclass(slots=True)
class Record:
    """One record, with those that lie in it."""

    tag: int
    payload: bytes
    inner: list["Record"] = field(default_factory=list)


def read(content: bytes, name: str, limits: Limits) -> Reading:
    """Return a document as one page: where its pages end is only known when it is laid out.

    Raises:
        FileKindUnknown: It is a compound file, but not of HWP: an old Word document, for one.
        FileLocked: It has a password, or was saved for distribution.
        FileTooLarge: It grows beyond the limits when unpacked.
    """
    del name
    with olefile.OleFileIO(io.BytesIO(content)) as ole:
        if not ole.exists("FileHeader"):
            raise FileKindUnknown
        header = ole.openstream("FileHeader").read()
        if not header.startswith(_SIGNATURE):
            raise FileKindUnknown
        (flags,) = struct.unpack_from("<I", header, _FLAGS_AT)
        if flags & (_PASSWORD | _DISTRIBUTION):
            raise FileLocked
        streams = _Streams(ole, limits, packed=bool(flags & _PACKED))
        shapes = [
            record.payload
            for record in _flat(streams.records("DocInfo"))
            if record.tag == _PARA_SHAPE
        ]
        document = _Document([_heading_level(shape) for shape in shapes])
        problems = _add_sections(document, streams)
    return Reading("hwp", (Page(1, document.blocks.text()),), problems)


def _add_sections(document: "_Document", streams: "_Streams") -> tuple[Problem, ...]:
    """Add every section; where one is damaged the others are read."""
    broken = 0
    for section in streams.sections():
        try:
            document.add(streams.records(section))
        except (zlib.error, struct.error, ValueError):
            broken += 1
    if broken == len(streams.sections()):
        raise FileUnreadable(reason="damaged")
    return ("broken_section",) if broken else ()


class _Streams:
    """The streams of a compound file as records."""

    def __init__(self, ole: "olefile.OleFileIO[str]", limits: Limits, *, packed: bool) -> None:
        self._ole = ole
        self._limits = limits
        self._packed = packed
        self._left_bytes = limits.unpacked_bytes_max

    def sections(self) -> list[str]:
        """Return the names of the sections in their order."""
        names = ["/".join(path) for path in self._ole.listdir()]
        found = (name for name in names if name.removeprefix("BodyText/Section").isdigit())
        return sorted(found, key=lambda name: int(name.removeprefix("BodyText/Section")))

    def records(self, name: str) -> list[Record]:
        """Return the outermost records of a stream, with those that lie in them."""
        content = self._ole.openstream(name).read()
        if self._packed:
            unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
            content = unpacker.decompress(content, self._left_bytes)
            if unpacker.unconsumed_tail:
                raise FileTooLarge(measure="unpacked_bytes", limit=self._limits.unpacked_bytes_max)
        self._left_bytes -= min(len(content), self._left_bytes - 1)  # 0 would mean: without end
        return _tree(content, nesting_max=self._limits.nesting_max)


def _tree(content: bytes, *, nesting_max: int) -> list[Record]:
    """Put records into one another by their levels.

    Raises:
        ValueError: One ends behind the stream, or they lie too deep.
    """
    roots: list[Record] = []
    open_lists = [roots]
    at = 0
    while at < len(content):
        (head,) = struct.unpack_from("<I", content, at)
        tag, level, size = head & 0x3FF, head >> 10 & 0x3FF, head >> 20
        at += 4
        if size == _LONG:
            (size,) = struct.unpack_from("<I", content, at)
            at += 4
        if at + size > len(content) or level > 4 * nesting_max:
            raise ValueError(f"record {tag} at {at}")
        record = Record(tag, content[at : at + size])
        at += size
        del open_lists[level + 1 :]  # a level that was left out is the deepest there is
        open_lists[-1].append(record)
        open_lists.append(record.inner)
    return roots


def _flat(records: list[Record]) -> Iterator[Record]:
    for record in records:
        yield record
        yield from _flat(record.inner)


def _heading_level(shape: bytes) -> int:
    (attributes,) = struct.unpack_from("<I", shape)
    return (attributes >> 25 & 7) + 1 if attributes >> 23 & 3 == _OUTLINE else 0


class _Document:
    """One document being read."""

    def __init__(self, heading_levels: list[int]) -> None:
        self.blocks = Blocks()
        self._heading_levels = heading_levels

    def add(self, records: list[Record]) -> None:
        """Add the paragraphs among some records, with the tables and boxes that hang on them."""
        for record in records:
            if record.tag != _PARA_HEADER:
                self.add(record.inner)
                continue
            self.blocks.paragraph(self._text(record), heading_level=self._level(record))
            for control in _controls(record):
                if _kind(control) == "tbl " and len(cells := list(_cells(control))) > 1:
                    self.add(_caption(control))
                    self.blocks.table(self._rows(cells))
                else:
                    self.add(control.inner)

    def _level(self, paragraph: Record) -> int:
        (shape,) = struct.unpack_from("<H", paragraph.payload, 8)
        return self._heading_levels[shape] if shape < len(self._heading_levels) else 0

    def _text(self, paragraph: Record) -> str:
        """Return the text of a paragraph, with a mark where a note hangs."""
        notes = (control for control in _all_controls(paragraph) if _kind(control) in _NOTES)
        payloads = (record.payload for record in paragraph.inner if record.tag == _PARA_TEXT)
        pieces: list[str] = []
        for piece in characters(next(payloads, b"")):
            if piece is Mark.NOTE:
                note = next(notes, None)
                pieces.append(self.blocks.note(self._plain(note.inner)) if note else "")
            else:
                pieces.append(piece)
        return "".join(pieces)

    def _plain(self, records: list[Record]) -> str:
        """Return the text of a cell or a note; what is nested in it, a line each."""
        lines: list[str] = []
        for record in records:
            if record.tag == _PARA_HEADER:
                lines.append(self._text(record))
                lines += [self._plain(control.inner) for control in _controls(record)]
            else:
                lines.append(self._plain(record.inner))
        return "\n".join(filter(None, lines))

    def _rows(self, cells: list[tuple[int, int, list[Record]]]) -> list[list[str]]:
        """Return the texts of cells at their addresses; of merged cells the first has it."""
        placed = {(row, column): self._plain(inner) for row, column, inner in cells}
        rows = sorted({row for row, _ in placed})
        columns = sorted({column for _, column in placed})
        return [[placed.get((row, column), "") for column in columns] for row in rows]


def _all_controls(paragraph: Record) -> Iterator[Record]:
    return (record for record in paragraph.inner if record.tag == _CTRL_HEADER)


def _controls(paragraph: Record) -> Iterator[Record]:
    """Yield the tables and drawn boxes that hang on a paragraph; notes stand in its text."""
    for control in _all_controls(paragraph):
        if _kind(control) not in _LEFT_OUT | _NOTES:
            yield control


def _kind(control: Record) -> str:
    """Return the four letters that say what a control is; they are stored backwards."""
    return control.payload[3::-1].decode("latin-1")


def _caption(table: Record) -> list[Record]:
    """Return what stands before the table's own record: its caption."""
    return table.inner[: _table_at(table)]


def _cells(table: Record) -> Iterator[tuple[int, int, list[Record]]]:
    """Yield row, column and paragraphs of each cell: a list header, and what follows it."""
    cell: tuple[int, int, list[Record]] | None = None
    for record in table.inner[_table_at(table) :]:
        if record.tag == _LIST_HEADER:
            if cell is not None:
                yield cell
            column, row = struct.unpack_from("<HH", record.payload, 8)
            cell = (row, column, [*record.inner])
        elif cell is not None:
            cell[2].append(record)
    if cell is not None:
        yield cell


def _table_at(table: Record) -> int:
    return next((at for at, record in enumerate(table.inner) if record.tag == _TABLE), 0)
