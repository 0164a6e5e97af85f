"""The indexing room: licensed documents in, a collection that can be searched out.

`index` makes a collection folder from a sources file, the same kind of file a corpus is made from:
a document without a license is not in it, and the manifest says where each comes from. Searching
is the business of `hunmin.retrieval`, and who may search of the office.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hunmin.indexing.step import index

__all__ = ["index"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module("hunmin.indexing.step"), name)
