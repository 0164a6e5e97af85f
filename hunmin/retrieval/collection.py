"""A collection: a folder with the passages of many documents, and an index of their words.

`collection.db` is an SQLite file that is only read here. `writing` makes it, and the step of
`hunmin.indexing` puts the manifest beside it that says what it was made from.
"""

import contextlib
import functools
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hunmin.errors import CollectionBroken
from hunmin.manifest import Manifest
from hunmin.retrieval.citing import articles_in, folded, longest_names
from hunmin.retrieval.passages import Passage
from hunmin.retrieval.ranking import HEADING_WEIGHT
from hunmin.retrieval.terms import TERMS_VERSION, terms
from hunmin.retrieval.vectors import DEPTH, VECTORS_NAME, fused, nearest

DATABASE_NAME = "collection.db"

_FOUND = """
SELECT best.cited, best.score, p.key, p.anchor, p.citation, p.heading, p.page, p.text,
    d.source, d.id, d.title, d.license, d.consent
FROM ({best}) AS best
JOIN passages AS p ON p.number = best.number JOIN documents AS d ON d.number = p.document
ORDER BY best.cited DESC, best.score DESC, best.number
"""
_BEST = """
SELECT rowid AS number, -bm25(words, ?, 1.0) AS score, 0 AS cited
FROM words WHERE words MATCH ? ORDER BY score DESC, number LIMIT ?
"""
_WORDS = """
SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words, ?, 1.0), rowid LIMIT ?
"""
_LISTED = "SELECT value AS number, 1.0 / (1 + key) AS score, 0 AS cited FROM json_each(?)"
_KEYED = "SELECT number, 0.0 AS score, 0 AS cited FROM passages WHERE key = ?"
_NAMED = "SELECT name FROM documents WHERE instr(?, name) > 0"
_CITED = """
SELECT p.number AS number, 0.0 AS score, 1 AS cited
FROM documents AS d JOIN passages AS p ON p.document = d.number
WHERE d.name = ? AND (p.anchor = ? OR p.anchor GLOB ?) ORDER BY p.number LIMIT ?
"""

_BESIDE = """
SELECT p.number - this.number, p.key FROM passages AS this JOIN passages AS p
ON p.document = this.document AND p.number IN (this.number - 1, this.number + 1)
WHERE this.key = ?
"""
_TITLES = """
SELECT d.title, p.key FROM documents AS d JOIN passages AS p
ON p.number = (SELECT min(number) FROM passages WHERE document = d.number)
ORDER BY d.title, d.number LIMIT ?
"""
_EXAMPLE = """
SELECT citation FROM passages WHERE anchor = '제1조' ORDER BY length(citation), number LIMIT 1
"""

_QUESTION_TERMS_MAX = 200
"""A question may be a whole letter. The first words of it are enough, and bound the work."""
_ARTICLES_MAX = 10


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
    """How well it fits a question; of one question alone scores may be compared. 0 where nobody
    asked for words."""
    cited: bool = False
    """Whether the question names it, by law and article."""


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

    @property
    def vector_model(self) -> str | None:
        """Return the name of the model that made vectors of the passages; None: they have none."""
        return self._vectors.get("model")

    @property
    def _vectors(self) -> dict[str, Any]:
        return self.manifest.facts.get("vectors", {})

    def search(
        self, question: str, *, count: int = 5, vector: Sequence[float] | None = None
    ) -> list[Found]:
        """Return the passages that fit a question, the best first.

        Those of an article the question cites, by the name of the law and its number, come before
        all that share words with it.

        Args:
            question: What is asked.
            count: At most so many are returned.
            vector: The question's vector by `vector_model`: then the order is one of words and of
                vectors. One of another length is of another model, and is not compared.

        Raises:
            CollectionBroken: The index is damaged.
        """
        asked = list(dict.fromkeys(terms(question)))[:_QUESTION_TERMS_MAX]
        expression = " OR ".join(f'"{term}"' for term in asked)
        cited = self._cited(question, count)
        keys = {each.key for each in cited}
        if vector is not None and len(vector) == self._vectors.get("dimensions"):
            best = self._by_words_and_vector(expression, vector, count)
        elif asked:
            best = self._found(_BEST, (HEADING_WEIGHT, expression, count))
        else:
            return cited
        return [*cited, *(each for each in best if each.key not in keys)][:count]

    def _by_words_and_vector(
        self, expression: str, vector: Sequence[float], count: int
    ) -> list[Found]:
        """Return the passages that are best by both orders, joined by their ranks."""
        words: list[int] = []
        if expression:
            with self._reading() as reading:
                rows = reading.execute(_WORDS, (expression, HEADING_WEIGHT, DEPTH))
                words = [number for (number,) in rows]
        try:
            near = nearest(self.folder / VECTORS_NAME, vector, count=DEPTH)
        except (OSError, ValueError) as error:
            raise CollectionBroken(folder=self.folder, reason=str(error)) from error
        return self._found(_LISTED, (json.dumps(fused([words, near])[:count]),))

    def _cited(self, question: str, count: int) -> list[Found]:
        """Return the passages of the articles that a question cites, in their order."""
        articles = articles_in(question)[:_ARTICLES_MAX]
        if not articles:
            return []
        with self._reading() as reading:
            named = [name for (name,) in reading.execute(_NAMED, (folded(question),))]
        return [
            found
            for name in longest_names(named)
            for article in articles
            for found in self._found(_CITED, (name, article, f"{article}[제-]*", count))
        ]

    def passage(self, key: str) -> Found | None:
        """Return a passage by its key, or None where there is none.

        Raises:
            CollectionBroken: The index is damaged.
        """
        return next(iter(self._found(_KEYED, (key,))), None)

    def beside(self, key: str) -> tuple[str | None, str | None]:
        """Return the keys of the passages before and after one, in its document.

        Raises:
            CollectionBroken: The index is damaged.
        """
        with self._reading() as reading:
            keys: dict[int, str] = dict(reading.execute(_BESIDE, (key,)).fetchall())
        return keys.get(-1), keys.get(1)

    def titles(self, *, count: int) -> list[tuple[str, str]]:
        """Return what the first documents by name are called, each with its first passage's key.

        Raises:
            CollectionBroken: The index is damaged.
        """
        with self._reading() as reading:
            return reading.execute(_TITLES, (count,)).fetchall()

    @functools.cached_property
    def example(self) -> str:
        """Return how an article is cited that somebody may ask about; empty where there is none.

        It is the first one, which says what its law is for, of the law with the shortest name.

        Raises:
            CollectionBroken: The index is damaged.
        """
        with self._reading() as reading:
            return next((citation for (citation,) in reading.execute(_EXAMPLE)), "")

    def _found(self, best: str, values: tuple[object, ...]) -> list[Found]:
        with self._reading() as reading:
            rows = reading.execute(_FOUND.format(best=best), values).fetchall()
        return [
            Found(key, Passage(*row[:5]), Document(*row[5:]), score, bool(cited))
            for cited, score, key, *row in rows
        ]

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
