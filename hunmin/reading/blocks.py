"""Paragraphs, headings, tables and notes as Markdown. Pure.

What DOCX, HWPX and HWP have in common once their own forms are taken apart.
"""

from collections.abc import Iterable, Sequence

_HEADING_LEVEL_MAX = 6


class Blocks:
    """The text of a document, put together in the order it is read."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._notes: list[str] = []

    def paragraph(self, text: str, *, heading_level: int = 0) -> None:
        """Add a paragraph; an empty one adds nothing.

        Args:
            text: Its text, line breaks in it kept.
            heading_level: From 1; 0 where it is no heading.
        """
        text = text.strip()
        if not text:
            return
        if heading_level:
            marks = "#" * min(heading_level, _HEADING_LEVEL_MAX)
            text = f"{marks} {' '.join(text.split())}"
        self._blocks.append(text)

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Add a table; one of a single cell, which is a frame drawn around text, is a paragraph."""
        cells = [cell for row in rows for cell in row]
        if len(cells) == 1:
            self.paragraph(cells[0])
        elif any(cell.strip() for cell in cells):
            self._blocks.append(markdown_table(rows))

    def note(self, text: str) -> str:
        """Keep a footnote for the end, and return the mark that stands for it."""
        self._notes.append(" ".join(text.split()))
        return f"[^{len(self._notes)}]"

    def text(self) -> str:
        """Return everything, notes at the end."""
        notes = [f"[^{number}]: {note}" for number, note in enumerate(self._notes, start=1)]
        return "\n\n".join([*self._blocks, *notes])


def markdown_table(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as a Markdown table, the first as its head; short rows are filled up."""
    plain = [[_cell(cell) for cell in row] for row in rows]
    columns = max(map(len, plain), default=0)
    lines = ["| " + " | ".join([*row, *[""] * (columns - len(row))]) + " |" for row in plain]
    return "\n".join([*lines[:1], "|" + " --- |" * columns, *lines[1:]])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
