"""What kind of file some bytes are, and its reader. Called in the child process only.

The readers are loaded when their kind comes: a text needs neither a PDF library nor XML.
"""

import unicodedata
from collections.abc import Callable
from importlib import import_module

from hunmin.errors import FileKindUnknown, FileTooLarge
from hunmin.reading.limits import Limits
from hunmin.reading.result import Kind, Page, Reading

_PDF_MARK = b"%PDF-"
_PDF_MARK_WITHIN = 1024
"""Some programs write a few lines before it, and readers put up with that."""
_ZIP_MARK = b"PK\x03\x04"
_OLE_MARK = bytes.fromhex("d0cf11e0a1b11ae1")
_HWP3_MARK = b"HWP Document File V"


def parse(content: bytes, name: str, limits: Limits) -> Reading:
    """Return the text of a file; what libraries raise at a damaged one goes through.

    Args:
        content: The whole file.
        name: What it is called.
        limits: What it may hold.

    Raises:
        HunminError: It is refused, as `hunmin.reading.read` tells.
    """
    reading = _reader(content)(content, name, limits)
    pages = tuple(Page(page.number, tidy(page.text)) for page in reading.pages)
    if sum(len(page.text) for page in pages) > limits.characters_max:
        raise FileTooLarge(measure="characters", limit=limits.characters_max)
    return Reading(reading.kind, pages, reading.problems)


def tidy(text: str) -> str:
    """Return text in composed form, without control characters and blanks at the ends of lines."""
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    plain = "".join(char for char in composed if char >= " " or char in "\n\t")
    lines = (line.rstrip() for line in plain.replace("\x7f", "").split("\n"))
    return "\n".join(lines).strip("\n")


def _reader(content: bytes) -> Callable[[bytes, str, Limits], Reading]:
    if _PDF_MARK in content[:_PDF_MARK_WITHIN]:
        kind: Kind = "pdf"
    elif content.startswith(_OLE_MARK):
        kind = "hwp"
    elif content.startswith(_ZIP_MARK):
        archive = import_module("hunmin.reading.archive")
        kind = archive.kind_of(content)
    elif content.startswith(_HWP3_MARK):
        raise FileKindUnknown
    else:
        kind = "text"
    return import_module(f"hunmin.reading.{kind}").read
