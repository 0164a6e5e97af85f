"""Packed files, DOCX and HWPX: their parts as XML, unpacked within limits."""

import io
import zipfile
from typing import Literal

from lxml import etree

from hunmin.errors import FileKindUnknown, FileTooLarge
from hunmin.reading.limits import Limits

_PIECE_BYTES = 1 << 16
_RATIO_FROM_BYTES = 1_000_000


def kind_of(content: bytes) -> Literal["docx", "hwpx"]:
    """Tell by its parts which kind a packed file is.

    Raises:
        FileKindUnknown: Neither: a spreadsheet, slides, a plain archive.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = set(archive.namelist())
    if "word/document.xml" in names:
        return "docx"
    if "Contents/header.xml" in names:
        return "hwpx"
    raise FileKindUnknown


class Archive:
    """A packed file whose parts are read one by one."""

    def __init__(self, content: bytes, limits: Limits) -> None:
        self._zip = zipfile.ZipFile(io.BytesIO(content))
        self._limits = limits
        self._unpacked_bytes = 0

    @property
    def names(self) -> list[str]:
        """The parts, in the order of their names."""
        return sorted(self._zip.namelist())

    def part(self, name: str) -> bytes:
        """Return a part, unpacked.

        What it says of its own size is not believed: it is counted while it grows.

        Raises:
            FileTooLarge: It grows more than text does, or all parts together are too large.
            KeyError: There is none of this name.
        """
        info = self._zip.getinfo(name)
        unpacked = bytearray()
        with self._zip.open(info) as stream:
            while piece := stream.read(_PIECE_BYTES):
                unpacked += piece
                self._unpacked_bytes += len(piece)
                self._check(len(unpacked), packed_bytes=info.compress_size)
        return bytes(unpacked)

    def xml(self, name: str) -> etree._Element:
        """Return a part as an XML tree: no entity, document type or address in it is followed.

        Raises:
            FileTooLarge: As `part`.
            KeyError: Likewise.
            etree.XMLSyntaxError: It is no XML.
        """
        parser = etree.XMLParser(
            resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False,
            remove_comments=True, remove_pis=True,
        )  # fmt: skip
        return etree.fromstring(self.part(name), parser)

    def _check(self, part_bytes: int, *, packed_bytes: int) -> None:
        limits = self._limits
        swollen = part_bytes > max(limits.unpack_ratio_max * packed_bytes, _RATIO_FROM_BYTES)
        if swollen or self._unpacked_bytes > limits.unpacked_bytes_max:
            raise FileTooLarge(measure="unpacked_bytes", limit=limits.unpacked_bytes_max)


def local(element: etree._Element) -> str:
    """Return an element's name without its namespace, which differs between versions."""
    return etree.QName(element).localname


def attribute(element: etree._Element, name: str) -> str | None:
    """Return an attribute by its name without namespace."""
    return next(
        (str(value) for key, value in element.attrib.items() if etree.QName(key).localname == name),
        None,
    )
