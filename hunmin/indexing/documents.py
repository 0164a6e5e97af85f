"""One file of a source as documents: data as a corpus reads it, office files page by page."""

from collections.abc import Iterator
from dataclasses import dataclass

from hunmin.corpus.config import Limits
from hunmin.corpus.files import plain_name
from hunmin.corpus.planning import PlannedFile
from hunmin.corpus.readers import Document, Drop, Reading
from hunmin.errors import HunminError
from hunmin.reading import read_file

OFFICE_SUFFIXES = (".pdf", ".hwp", ".hwpx", ".docx", ".csv", ".tsv")
"""How the names of files end that `hunmin.reading` reads."""


@dataclass(frozen=True, slots=True)
class Text:
    """A document with its text."""

    document: Document
    """Its id, rights and, of a data file, its text."""
    title: str = ""
    """Of an office file, its name."""
    pages: tuple[tuple[int, str], ...] = ()
    """Of an office file, number and text of each page."""


class Reader:
    """One file being read."""

    def __init__(self, file: PlannedFile, limits: Limits) -> None:
        self._file = file
        self._reading = Reading(file.source, limits, file.path, file.base)

    @property
    def is_office_file(self) -> bool:
        """Whether it is one that a person wrote with an office program."""
        path = self._file.path
        return path is not None and path.name.lower().endswith(OFFICE_SUFFIXES)

    def position(self) -> int:
        """Return how many bytes of the file have been read."""
        return 0 if self.is_office_file else self._reading.position()

    def __iter__(self) -> Iterator[Text | Drop]:
        """Yield its documents, and why others are none.

        Raises:
            SourceUnreadable, CompressionBomb, SourceMissing: A data file cannot be used.
        """
        if self.is_office_file:
            yield self._office_file()
            return
        for row in self._reading:
            yield row if isinstance(row, Drop) else Text(row)

    def _office_file(self) -> Text | Drop:
        file = self._file
        assert file.path is not None
        name = plain_name(file.path.relative_to(file.base) if file.base else file.path)
        if file.source.license is None:
            return Drop(
                name, "license_missing", "a file has no license_column; give the source one"
            )
        try:
            reading = read_file(file.path)
        except HunminError as error:
            return Drop(name, error.code, error.en)
        except OSError as error:
            return Drop(name, "unreadable", error.strerror or str(error))
        paged = reading.kind == "pdf"
        pages = tuple((page.number if paged else 0, page.text) for page in reading.pages)
        return Text(Document(name, "", file.source.license), file.path.stem, pages)
