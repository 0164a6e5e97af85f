"""PDF: the text layer of each page. Pictures of text have none, and are not recognized here."""

import io

from pypdf import PageObject, PdfReader
from pypdf.errors import DependencyError, PyPdfError, WrongPasswordError

from hunmin.errors import FileLocked, FileTooLarge, FileUnreadable, NoTextLayer
from hunmin.reading.limits import Limits
from hunmin.reading.result import Page, Problem, Reading


def read(content: bytes, name: str, limits: Limits) -> Reading:
    """Return the text of every page.

    Raises:
        FileLocked: It needs a password, or a cipher that is not here.
        FileTooLarge: It has more pages than are read.
        NoTextLayer: No page has text.
    """
    del name
    reader = PdfReader(io.BytesIO(content))
    _unlock(reader)
    count = len(reader.pages)
    if count > limits.pages_max:
        raise FileTooLarge(measure="pages", limit=limits.pages_max)
    if count == 0:
        raise FileUnreadable(reason="damaged")
    texts = [_text(page) for page in reader.pages]
    if not any(texts):
        raise FileUnreadable(reason="damaged") if None in texts else NoTextLayer
    pages = tuple(Page(number, text or "") for number, text in enumerate(texts, start=1))
    problems: tuple[Problem, ...] = () if all(texts) else ("pages_without_text",)
    return Reading("pdf", pages, problems)


def _unlock(reader: PdfReader) -> None:
    """Open a file that is only locked against changes, which needs no password."""
    if not reader.is_encrypted:
        return
    try:
        opened = reader.decrypt("")
    except (DependencyError, WrongPasswordError) as error:
        raise FileLocked from error
    if not opened:
        raise FileLocked


def _text(page: PageObject) -> str | None:
    """Return a page's text, or None for a page that is damaged: the others are read."""
    try:
        return page.extract_text().strip()
    except (PyPdfError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError):
        return None
