"""Collections made without a sources file."""

import itertools

import pytest

from hunmin.retrieval.collection import DATABASE_NAME
from hunmin.retrieval.terms import TERMS_VERSION
from hunmin.retrieval.writing import CollectionWriter
from hunmin.steps import open_step


@pytest.fixture(scope="session")
def collection_of(tmp_path_factory):
    """Give a function that makes a finished collection of documents and their passages."""
    numbers = itertools.count()

    def make(documents):
        out = tmp_path_factory.mktemp("collections") / str(next(numbers))
        with open_step(out, kind="collection", name=out.name, recipe={}) as step:
            with CollectionWriter(step.folder / DATABASE_NAME) as writer:
                for document, passages in documents:
                    writer.add(document, passages)
                writer.commit(0, len(documents))
                writer.finish()
            step.finish(facts={"terms_version": TERMS_VERSION})
        return out

    return make
