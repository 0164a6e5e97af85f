"""DOCX: paragraphs, headings, tables and footnotes, as ECMA-376 part 1 writes them.

Headers, footers, comments, text boxes and text that was deleted with its traces kept are left out.
"""

from collections.abc import Iterator

from lxml import etree

from hunmin.reading.archive import Archive, attribute, local
from hunmin.reading.blocks import Blocks
from hunmin.reading.limits import Limits
from hunmin.reading.result import Page, Reading

_TRANSPARENT = frozenset(
    {"sdt", "sdtContent", "smartTag", "ins", "hyperlink", "customXml", "moveTo"}
)
"""What only wraps paragraphs, rows or runs."""

_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def read(content: bytes, name: str, limits: Limits) -> Reading:
    """Return a document as one page: where its pages end is only known when it is laid out."""
    del name
    archive = Archive(content, limits)
    document = _Document(archive)
    body = archive.xml("word/document.xml")
    document.add(next(child for child in body if local(child) == "body"))
    return Reading("docx", (Page(1, document.blocks.text()),))


class _Document:
    """One document being read."""

    def __init__(self, archive: Archive) -> None:
        self.blocks = Blocks()
        self._heading_levels = _heading_levels(archive)
        self._notes = _notes(archive)

    def add(self, parent: etree._Element) -> None:
        """Add the paragraphs and tables of a part of the document."""
        for element in _children(parent):
            match local(element):
                case "p":
                    level = self._heading_levels.get(_style(element), 0)
                    self.blocks.paragraph(self._text(element), heading_level=level)
                case "tbl":
                    self.blocks.table([self._row(row) for row in _named(element, "tr")])

    def _row(self, row: etree._Element) -> list[str]:
        cells: list[str] = []
        for cell in _named(row, "tc"):
            cells.append(self._cell(cell))
            span = next((attribute(e, "val") for e in _properties(cell, "gridSpan")), None)
            cells += [""] * (int(span) - 1 if span else 0)
        return cells

    def _cell(self, cell: etree._Element) -> str:
        """Return the text of a cell; a table inside it becomes a line for each row."""
        lines: list[str] = []
        for element in _children(cell):
            match local(element):
                case "p":
                    lines.append(self._text(element))
                case "tbl":
                    rows = (self._row(row) for row in _named(element, "tr"))
                    lines += [" ".join(filter(None, row)) for row in rows]
        return "\n".join(filter(None, lines))

    def _text(self, paragraph: etree._Element) -> str:
        pieces: list[str] = []
        for run in _named(paragraph, "r"):
            for element in run:
                match local(element):
                    case "t":
                        pieces.append(element.text or "")
                    case "footnoteReference" | "endnoteReference":
                        key = (local(element)[:-9], attribute(element, "id"))
                        if note := self._notes.get(key):
                            pieces.append(self.blocks.note(note))
                    case other:
                        pieces.append(_BREAKS.get(other, ""))
        return "".join(pieces)


def _children(parent: etree._Element) -> Iterator[etree._Element]:
    """Yield what stands in a part, what only wraps taken off."""
    for element in parent:
        if local(element) in _TRANSPARENT:
            yield from _children(element)
        else:
            yield element


def _named(parent: etree._Element, name: str) -> Iterator[etree._Element]:
    return (element for element in _children(parent) if local(element) == name)


def _properties(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Yield the settings of a paragraph, cell or style that have a name."""
    for child in element:
        if local(child) in {"pPr", "tcPr"}:
            yield from (setting for setting in child if local(setting) == name)


def _style(paragraph: etree._Element) -> str | None:
    return next((attribute(style, "val") for style in _properties(paragraph, "pStyle")), None)


def _heading_levels(archive: Archive) -> dict[str | None, int]:
    """Return the level of every style that is a heading, by the outline it belongs to."""
    if "word/styles.xml" not in archive.names:
        return {}
    levels: dict[str | None, int] = {}
    for style in archive.xml("word/styles.xml"):
        for outline in _properties(style, "outlineLvl"):
            level = int(attribute(outline, "val") or 9)
            if level < 9:  # noqa: PLR2004 (the level of body text)
                levels[attribute(style, "styleId")] = level + 1
    return levels


def _notes(archive: Archive) -> dict[tuple[str, str | None], str]:
    """Return the text of every footnote and endnote, by its kind and id."""
    notes = {}
    for kind in ("footnote", "endnote"):
        part = f"word/{kind}s.xml"
        if part in archive.names:
            for note in _named(archive.xml(part), kind):
                texts = (element.text or "" for element in note.iter() if local(element) == "t")
                notes[kind, attribute(note, "id")] = "".join(texts)
    return notes
