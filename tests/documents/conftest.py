"""People, an application whose jobs are done by hand, and a published collection."""

import pytest

from hunmin import accounts, documents
from hunmin.act import Actor
from hunmin.settings import Settings
from tests.support.collections import make_laws
from tests.support.desk import app, client, engine, migrated_file  # noqa: F401 (fixtures)


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Give settings under which a test does the jobs itself."""
    return Settings.load(data=tmp_path / "var", web__port=0, worker__embedded=False)


def make_person(act_as, name: str) -> Actor:
    with act_as() as act:
        user = accounts.create_user(act, name=name)
    return Actor(user_id=user.id, roles=frozenset({"person"}))


@pytest.fixture
def dana(act_as) -> Actor:
    """Give a person."""
    return make_person(act_as, "dana")


@pytest.fixture
def mino(act_as) -> Actor:
    """Give another person."""
    return make_person(act_as, "mino")


@pytest.fixture(scope="session")
def laws(tmp_path_factory):
    """Give the folder of a collection with one law."""
    return make_laws(tmp_path_factory.mktemp("collections") / "laws")


@pytest.fixture
def statutes(act_as, laws) -> documents.CollectionView:
    """Give that collection, published to everyone."""
    with act_as() as act:
        return documents.publish_collection(act, laws, name="법령", seen_by="everyone")
