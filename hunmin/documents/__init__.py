"""Documents: files people bring, collections that are published here, and what of them is cited.

Nouns: a *file* is brought by one account, read once by a job, and then kept as *passages* alone;
a *collection* is a finished folder of `hunmin documents index` that an administrator published to
everyone, to people who are signed in, or to an organization. `find` chooses the passages that fit
a question, and `quoted` puts them before it, so that whatever stands in them stays a quotation.
"""

from hunmin.documents.actions import (
    adopt_files,
    delete_all_files,
    delete_file,
    delete_files_of,
    publish_collection,
    use_files,
    withdraw_collection,
)
from hunmin.documents.collection_queries import (
    example_of,
    find_collection,
    list_collections,
    public_collections,
    vector_models,
)
from hunmin.documents.finding import check_sources, find
from hunmin.documents.queries import files_there, get_file, names_of_files
from hunmin.documents.quoting import quoted
from hunmin.documents.rules import COLLECTIONS_MAX, FILES_MAX, SeenBy
from hunmin.documents.vectors import vectors_of
from hunmin.documents.views import CollectionView, FileView, PassageFound

__all__ = [
    "COLLECTIONS_MAX",
    "FILES_MAX",
    "CollectionView",
    "FileView",
    "PassageFound",
    "SeenBy",
    "adopt_files",
    "check_sources",
    "delete_all_files",
    "delete_file",
    "delete_files_of",
    "example_of",
    "files_there",
    "find",
    "find_collection",
    "get_file",
    "list_collections",
    "names_of_files",
    "public_collections",
    "publish_collection",
    "quoted",
    "use_files",
    "vector_models",
    "vectors_of",
    "withdraw_collection",
]
