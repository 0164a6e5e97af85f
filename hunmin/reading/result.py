"""What comes of reading a file."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["pdf", "hwp", "hwpx", "docx", "csv", "text"]

Problem = Literal["pages_without_text", "broken_section"]
"""What of a file could not be read, though the rest was: pages that are pictures, a part of an HWP
file that is damaged."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it would be printed; of a kind that has none until it is printed, all of it."""

    number: int
    """Counted from 1."""
    text: str
    """Paragraphs with an empty line between them; headings and tables are Markdown."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The text of a file."""

    kind: Kind
    """By its content, whatever it is called."""
    pages: tuple[Page, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def text(self) -> str:
        """All pages."""
        return "\n\n".join(page.text for page in self.pages if page.text)
