"""Collections made without a sources file."""

import itertools

import pytest

from tests.support.collections import make_collection


@pytest.fixture(scope="session")
def collection_of(tmp_path_factory):
    """Give a function that makes a finished collection of documents and their passages."""
    numbers = itertools.count()

    def make(documents):
        return make_collection(
            tmp_path_factory.mktemp("collections") / str(next(numbers)), documents
        )

    return make
