"""The passages of files and collections that fit a question: what an answer may cite."""

from collections.abc import Mapping, Sequence

from hunmin.act import Act
from hunmin.documents import collection_queries, queries, rules
from hunmin.documents.views import PassageFound
from hunmin.errors import FileNotReady
from hunmin.retrieval import Passage, rank


def check_sources(act: Act, *, file_ids: Sequence[str], collection_ids: Sequence[str]) -> None:
    """Raise unless the actor may have a question looked up in these, and they can be read.

    Raises:
        TooManyFiles: There are more than one conversation takes.
        FileNotFound, CollectionNotFound: There is none, or it is another's.
        FileNotReady: A file was not read yet, or was refused.
    """
    rules.check_count(len(file_ids), files_max=rules.FILES_MAX)
    for file_id in file_ids:
        if queries.file_row(act, file_id).state != "read":
            raise FileNotReady
    for collection_id in collection_ids:
        collection_queries.collection_row(act, collection_id)


def find(
    act: Act,
    question: str,
    *,
    file_ids: Sequence[str] = (),
    collection_ids: Sequence[str] = (),
    count: int,
    vectors: Mapping[str, Sequence[float]] = collection_queries.NO_VECTORS,
) -> list[PassageFound]:
    """Return the passages that fit a question, the best first.

    What a question cites by name and article comes first. Then come the best of each file and
    collection, then the second best of each: their scores measure against different words, so
    only ranks are compared. Of a file that shares no word with the question, as with "sum this
    up", its beginning is taken.

    Args:
        act: Who asks; what they may not see is no part of it.
        question: What is asked.
        file_ids: The files to look in.
        collection_ids: The collections to look in.
        count: At most so many are returned.
        vectors: The question's vectors, by the model that made each; a collection whose passages
            have vectors of that model is looked in by meaning, too.

    Raises:
        FileNotFound, CollectionNotFound: There is none, or it is another's.
        CollectionBroken: The folder of a collection is damaged.
    """
    lists = [_in_file(act, file_id, question, count=count) for file_id in file_ids]
    lists += [
        collection_queries.search_collection(
            act, collection_id, question, count=count, vectors=vectors
        )
        for collection_id in collection_ids
    ]
    longest = max(map(len, lists), default=0)
    ranked = [each[at] for at in range(longest) for each in lists if at < len(each)]
    return sorted(ranked, key=lambda found: not found.cited)[:count]


def _in_file(act: Act, file_id: str, question: str, *, count: int) -> list[PassageFound]:
    file = queries.file_row(act, file_id)
    rows = {str(row.place): row for row in queries.passages_of(act, file_id)}
    passages = [
        Passage(place, row.citation, row.heading, row.page, row.text) for place, row in rows.items()
    ]
    ranked = [passage for passage, _ in rank(question, passages, count=count)]
    best = ranked or passages[:count]
    return [queries.passage_view(file, rows[passage.anchor]) for passage in best]
