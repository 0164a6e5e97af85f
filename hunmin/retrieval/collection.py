"""A collection: a folder with the passages of many documents, and an index of their words.

`collection.db` is an SQLite file that is only read here. `writing` makes it, and the step of
`hunmin.indexing` puts the manifest beside it that says what it was made from.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hunmin.errors import CollectionBroken
from hunmin.manifest import Manifest
from hunmin.retrieval.passages import Passage
from hunmin.retrieval.ranking import HEADING_WEIGHT
from hunmin.retrieval.terms import TERMS_VERSION, terms

DATABASE_NAME = "collection.db"

_FOUND = """
SELECT best.score, p.key, p.anchor, p.citation, p.heading, p.page, p.text,
    d.source, d.id, d.title, d.license, d.consent
FROM ({best}) AS best
JOIN passages AS p ON p.number = best.number JOIN documents AS d ON d.number = p.document
ORDER BY best.score DESC, best.number
"""
_BEST = """
SELECT rowid AS number, -bm25(words, ?, 1.0) AS score
FROM words WHERE words MATCH ? ORDER BY score DESC, number LIMIT ?
"""
_KEYED = "SELECT number, 0.0 AS score FROM passages WHERE key = ?"

_QUESTION_TERMS_MAX = 200
"""A question may be a whole letter. The first words of it are enough, and bound the work."""


@dataclass(frozen=True, slots=True)
class Document:
    """Where a passage of a collection comes from."""

    source: str
    """The source of the sources file, which has the license and whom to name."""
    id: str
    title: str
    license: str
    consent: str = ""
    """The id of the consent it is used under; empty where none is needed."""


@dataclass(frozen=True, slots=True)
class Found:
    """A passage of a collection."""

    key: str
    """Stays the same when the collection is made again; letters and digits."""
    passage: Passage
    document: Document
    score: float = 0.0
    """How well it fits a question; of one question alone scores may be compared."""


class Collection:
    """A finished collection. It may be used by several threads at once."""

    def __init__(self, folder: Path) -> None:
        """Open the folder.

        Raises:
            ManifestMissing, ManifestBroken, WrongInput: It is no finished collection.
            CollectionBroken: Its index is missing, damaged, or made with other terms.
        """
        self.folder = folder
        self.manifest = Manifest.read(folder, kind="collection")
        if self.manifest.facts.get("terms_version") != TERMS_VERSION:
            raise CollectionBroken(folder=folder, reason="made with other terms")
        self.search("가")  # what is damaged is better known now than at the first question

    def search(self, question: str, *, count: int = 5) -> list[Found]:
        """Return the passages that share words with a question, the best first.

        Raises:
            CollectionBroken: The index is damaged.
        """
        asked = list(dict.fromkeys(terms(question)))[:_QUESTION_TERMS_MAX]
        if not asked:
            return []
        expression = " OR ".join(f'"{term}"' for term in asked)
        return self._found(_BEST, (HEADING_WEIGHT, expression, count))

    def passage(self, key: str) -> Found | None:
        """Return a passage by its key, or None where there is none.

        Raises:
            CollectionBroken: The index is damaged.
        """
        return next(iter(self._found(_KEYED, (key,))), None)

    def _found(self, best: str, values: tuple[object, ...]) -> list[Found]:
        with self._reading() as reading:
            rows = reading.execute(_FOUND.format(best=best), values).fetchall()
        return [Found(row[1], Passage(*row[2:7]), Document(*row[7:]), row[0]) for row in rows]

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that can change nothing, of this thread's own."""
        path = self.folder / DATABASE_NAME
        try:
            if not path.is_file():
                raise CollectionBroken(folder=self.folder, reason=f"{DATABASE_NAME} is missing")
            uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise CollectionBroken(folder=self.folder, reason=str(error)) from error
