"""HWPX: paragraphs, headings, tables and notes, as KS X 6101 (OWPML) writes them.

Headers, footers, equations and hidden comments are left out.
"""

import re
from collections.abc import Iterator

from lxml import etree

from hunmin.errors import FileLocked, FileUnreadable
from hunmin.reading.archive import Archive, attribute, local
from hunmin.reading.blocks import Blocks
from hunmin.reading.limits import Limits
from hunmin.reading.result import Page, Reading

_SECTION = re.compile(r"Contents/section(\d+)\.xml")

_SPACES = {"tab": "\t", "lineBreak": "\n", "nbSpace": " ", "fwSpace": " ", "hyphen": "-"}

_NOTES = frozenset({"footNote", "endNote"})

_LEFT_OUT = frozenset({"header", "footer", "equation", "hiddenComment"})


def read(content: bytes, name: str, limits: Limits) -> Reading:
    """Return a document as one page: where its pages end is only known when it is laid out.

    Raises:
        FileLocked: It has a password.
    """
    del name
    archive = Archive(content, limits)
    _check_unlocked(archive)
    sections = sorted(filter(_SECTION.fullmatch, archive.names), key=_number)
    if not sections:
        raise FileUnreadable(reason="damaged")
    document = _Document(_heading_levels(archive))
    for section in sections:
        document.add(archive.xml(section))
    return Reading("hwpx", (Page(1, document.blocks.text()),))


def _number(section: str) -> int:
    return int("".join(filter(str.isdigit, section)))


def _check_unlocked(archive: Archive) -> None:
    """Refuse a document whose parts are enciphered; its list of parts says so."""
    if "META-INF/manifest.xml" in archive.names and any(
        local(element) == "encryption-data"
        for element in archive.xml("META-INF/manifest.xml").iter()
    ):
        raise FileLocked


def _heading_levels(archive: Archive) -> dict[str | None, int]:
    """Return the level of every paragraph shape that is a heading, by its id."""
    levels: dict[str | None, int] = {}
    for shape in archive.xml("Contents/header.xml").iter():
        if local(shape) == "paraPr":
            for heading in shape:
                if local(heading) == "heading" and attribute(heading, "type") == "OUTLINE":
                    levels[attribute(shape, "id")] = int(attribute(heading, "level") or 0) + 1
    return levels


class _Document:
    """One document being read."""

    def __init__(self, heading_levels: dict[str | None, int]) -> None:
        self.blocks = Blocks()
        self._heading_levels = heading_levels

    def add(self, parent: etree._Element) -> None:
        """Add the paragraphs of a section, of a drawn box, or of a table with one cell."""
        for paragraph in _paragraphs(parent):
            level = self._heading_levels.get(attribute(paragraph, "paraPrIDRef"), 0)
            self.blocks.paragraph(self._text(paragraph), heading_level=level)
            for element in _objects(paragraph):
                if local(element) == "tbl" and len(cells := list(_cells(element))) > 1:
                    for caption in element.iterchildren("{*}caption"):
                        self.add(caption)
                    self.blocks.table(self._rows(cells))
                else:
                    self.add(element)

    def _text(self, paragraph: etree._Element) -> str:
        pieces: list[str] = []
        for run in paragraph:
            for element in run if local(run) == "run" else ():
                if local(element) == "t":
                    pieces += _spelled(element)
                elif local(element) == "ctrl":
                    notes = (note for note in element if local(note) in _NOTES)
                    pieces += [self.blocks.note(self._plain(note)) for note in notes]
        return "".join(pieces)

    def _plain(self, parent: etree._Element) -> str:
        """Return the text of a cell or a note; what is drawn or nested in it, a line each."""
        lines: list[str] = []
        for paragraph in _paragraphs(parent):
            lines.append(self._text(paragraph))
            lines += [self._plain(element) for element in _objects(paragraph)]
        return "\n".join(filter(None, lines))

    def _rows(self, cells: list[etree._Element]) -> list[list[str]]:
        """Return the texts of cells at their addresses; of merged cells the first has it."""
        placed: dict[tuple[int, int], str] = {}
        for cell in cells:
            address = next(element for element in cell if local(element) == "cellAddr")
            row, column = (int(attribute(address, f"{name}Addr") or 0) for name in ("row", "col"))
            placed[row, column] = self._plain(cell)
        rows = sorted({row for row, _ in placed})
        columns = sorted({column for _, column in placed})
        return [[placed.get((row, column), "") for column in columns] for row in rows]


def _spelled(text: etree._Element) -> Iterator[str]:
    """Yield the text of a run, with the spaces and breaks that are elements of their own."""
    yield text.text or ""
    for element in text:
        yield _SPACES.get(local(element), "")
        yield element.tail or ""


def _paragraphs(parent: etree._Element) -> Iterator[etree._Element]:
    """Yield the nearest paragraphs below an element."""
    for element in parent:
        if local(element) == "p":
            yield element
        elif local(element) not in _LEFT_OUT:
            yield from _paragraphs(element)


def _objects(paragraph: etree._Element) -> Iterator[etree._Element]:
    """Yield the tables and drawn boxes that hang on a paragraph."""
    for run in paragraph:
        for element in run if local(run) == "run" else ():
            if local(element) not in {"t", "ctrl", "secPr", *_LEFT_OUT}:
                yield element


def _cells(table: etree._Element) -> Iterator[etree._Element]:
    return (cell for row in table if local(row) == "tr" for cell in row if local(cell) == "tc")
