"""The retrieval room: text cut into passages that can be cited, and the passages that answer.

`cut` makes passages of a document, by article where it is a law; `rank` orders a few of them by a
question, in memory; a `Collection` does the same for a folder with many, which `hunmin.indexing`
makes. Words are compared, so no model has to be there (decision 0028); a collection that was made
with vectors compares these too, where the question's is given (0050). Who may see which collection
is the office's business.
"""

from hunmin.retrieval.collection import Collection, Found
from hunmin.retrieval.passages import Passage, cut
from hunmin.retrieval.ranking import rank

__all__ = ["Collection", "Found", "Passage", "cut", "rank"]
