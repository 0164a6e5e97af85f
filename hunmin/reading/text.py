"""Plain text, in the encodings Korean text is found in."""

import codecs

from hunmin.errors import FileKindUnknown
from hunmin.reading import separated
from hunmin.reading.limits import Limits
from hunmin.reading.result import Page, Reading

_CONTROLS = frozenset(map(chr, range(32))) - set("\t\n\v\f\r\x1a\x1b")
"""Of these no text has any; the two at the end old programs write."""

_TABLE_SUFFIXES = (".csv", ".tsv")


def read(content: bytes, name: str, limits: Limits) -> Reading:
    """Return a text as it stands, or a table where the file's name says so.

    Raises:
        FileKindUnknown: These bytes are no text.
    """
    text = decode(content)
    if name.lower().endswith(_TABLE_SUFFIXES):
        return separated.read_table(text, limits)
    return Reading("text", (Page(1, text),))


def decode(content: bytes) -> str:
    """Return the text of some bytes: UTF-8, UTF-16 with its mark, or CP949, none of them mended.

    Raises:
        FileKindUnknown: They are none of these.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]  # without its mark, nearly all bytes of even length would be some
    else:
        encodings = ["utf-8-sig", "cp949"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not _CONTROLS.isdisjoint(text):
            break
        return text
    raise FileKindUnknown
