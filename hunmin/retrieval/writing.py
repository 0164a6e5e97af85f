"""Writing the index of a collection: documents in, passages and their terms on the disk.

What was written is whole after every `commit`, with the count of documents done, so that a step
that was killed goes on where it was.
"""

import hashlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from hunmin.retrieval.citing import folded
from hunmin.retrieval.collection import Document
from hunmin.retrieval.passages import Passage
from hunmin.retrieval.ranking import heading_terms
from hunmin.retrieval.terms import terms

_TABLES = """
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY, source TEXT NOT NULL, id TEXT NOT NULL, title TEXT NOT NULL,
    name TEXT NOT NULL, license TEXT NOT NULL, consent TEXT NOT NULL, UNIQUE (source, id)
);
CREATE TABLE IF NOT EXISTS passages (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, document INTEGER NOT NULL,
    anchor TEXT NOT NULL, citation TEXT NOT NULL, heading TEXT NOT NULL, page INTEGER NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS passages_by_document ON passages (document);
CREATE INDEX IF NOT EXISTS documents_by_name ON documents (name);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (heading, text, content='', tokenize='ascii');
CREATE TABLE IF NOT EXISTS dropped (
    source TEXT NOT NULL, id TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS progress (
    file INTEGER PRIMARY KEY, rows INTEGER NOT NULL, whole INTEGER NOT NULL
);
"""
"""The index holds terms, with spaces between them; the passages stand beside it as they are."""

_KEY_BYTES = 10


class CollectionWriter:
    """The index of a collection while it is made; `with` closes it, whatever happens."""

    def __init__(self, path: Path) -> None:
        """Open the file, or go on with it."""
        self._connection = sqlite3.connect(path)
        self._connection.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def done(self, file: int) -> tuple[int, bool]:
        """Return how many rows of a file are written already, and whether these are all."""
        found = self._connection.execute(
            "SELECT rows, whole FROM progress WHERE file = ?", (file,)
        ).fetchone()
        return (found[0], bool(found[1])) if found else (0, False)

    def drop(self, source: str, document_id: str, reason: str, detail: str) -> None:
        """Keep why a document is not in the collection."""
        self._connection.execute(
            "INSERT INTO dropped (source, id, reason, detail) VALUES (?, ?, ?, ?)",
            (source, document_id, reason, detail),
        )

    def add(self, document: Document, passages: Iterable[Passage]) -> None:
        """Add a document; of two of one source with one id the second is dropped."""
        added = self._connection.execute(
            "INSERT OR IGNORE INTO documents (source, id, title, name, license, consent) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                document.source, document.id, document.title, folded(document.title),
                document.license, document.consent,
            ),
        )  # fmt: skip
        if not added.rowcount:
            self.drop(document.source, document.id, "same_id", "another document has this id")
            return
        for passage in passages:
            place = self._connection.execute(
                "INSERT INTO passages (key, document, anchor, citation, heading, page, text) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    key_of(document, passage.anchor), added.lastrowid, passage.anchor,
                    passage.citation, passage.heading, passage.page, passage.text,
                ),
            )  # fmt: skip
            self._connection.execute(
                "INSERT INTO words (rowid, heading, text) VALUES (?, ?, ?)",
                (place.lastrowid, " ".join(heading_terms(passage)), " ".join(terms(passage.text))),
            )

    def commit(self, file: int, rows: int, *, whole: bool = False) -> None:
        """Keep what was added, how many rows of a file it comes from, and whether these are all."""
        self._connection.execute(
            "REPLACE INTO progress (file, rows, whole) VALUES (?, ?, ?)", (file, rows, whole)
        )
        self._connection.commit()

    def counts(self) -> list[tuple[str, str, int, int]]:
        """Return source, license, documents and bytes of text, for each pair of the first two."""
        return self._connection.execute(
            "SELECT source, license, count(DISTINCT d.number), sum(length(CAST(text AS BLOB))) "
            "FROM documents AS d JOIN passages AS p ON p.document = d.number "
            "GROUP BY source, license ORDER BY source, license"
        ).fetchall()

    def drops(self) -> dict[str, int]:
        """Return how many documents were dropped, by reason."""
        return dict(
            self._connection.execute(
                "SELECT reason, count(*) FROM dropped GROUP BY reason ORDER BY reason"
            ).fetchall()
        )

    def passage_count(self) -> int:
        """Return how many passages there are."""
        return self._connection.execute("SELECT count(*) FROM passages").fetchone()[0]

    def texts(self, start: int, count: int) -> list[str]:
        """Return passages with how they are cited and the headings above them, as one text each.

        Args:
            start: How many passages to pass over, in the order of their numbers.
            count: At most so many are returned.
        """
        rows = self._connection.execute(
            "SELECT citation, heading, text FROM passages WHERE number > ? ORDER BY number LIMIT ?",
            (start, count),
        )
        return ["\n".join(filter(None, row)) for row in rows]

    def finish(self) -> None:
        """Put the index in the order it is fastest to read, and drop what helped to go on."""
        self._connection.execute("INSERT INTO words (words) VALUES ('optimize')")
        self._connection.execute("DELETE FROM progress")
        self._connection.commit()
        self._connection.execute("VACUUM")


def key_of(document: Document, anchor: str) -> str:
    """Return the key of a passage: twenty letters and digits from source, document and anchor."""
    named = f"{document.source}\x00{document.id}\x00{anchor}".encode()
    return hashlib.blake2b(named, digest_size=_KEY_BYTES).hexdigest()
