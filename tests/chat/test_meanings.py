"""A collection with vectors: made by a model that is served here, asked by the chat through it."""

import pytest
from click.testing import CliRunner

from hunmin import documents
from hunmin.__main__ import load_command
from hunmin.act import SYSTEM, open_act
from hunmin.gateway.tables import AdmissionRow
from hunmin.indexing import index
from tests.chat.conftest import ask
from tests.support.collections import LAW
from tests.support.desk import make_key
from tests.support.meanings import MODEL, MeaningEngine, StandIn
from tests.support.serving import serve

QUESTION = "벌금이 얼마야?"


@pytest.fixture
def engine():
    return MeaningEngine(answer="5만원 [1]")


@pytest.fixture
def sources(tmp_path):
    """Give a sources file of one law."""
    (tmp_path / "laws.md").write_text(f"# 주민등록법\n\n{LAW}", "utf-8")
    path = tmp_path / "sources.toml"
    path.write_text('[[source]]\nname = "laws"\npath = "laws.md"\nlicense = "CC0-1.0"\n')
    return path


@pytest.fixture
def laws(app, sources, tmp_path):
    """Give a published collection with vectors."""
    index(sources, tmp_path / "laws", embedder=StandIn("http://a", MODEL))
    with open_act(app.state.database, SYSTEM) as act:
        return documents.publish_collection(act, tmp_path / "laws", name="법령", seen_by="everyone")


def test_a_model_that_is_served_here_makes_the_vectors_and_is_asked_in_the_terminal(
    app, sources, tmp_path
):
    folder = str(tmp_path / "laws")
    with serve(app) as address:
        server = ["--url", address, "--key", make_key(app)]
        for words in (
            ["index", str(sources), "--out", folder, "--vectors", MODEL],
            ["search", folder, QUESTION],
        ):
            told = CliRunner().invoke(load_command("documents"), [*words, *server])
            assert told.exception is None, told.output

    cited = [line for line in told.stdout.split("\n") if line.startswith("「")]
    assert cited[0].startswith("「주민등록법」 제40조")


def citations(told):
    return [source["citation"] for source in told.one("sources")["sources"]]


def test_a_question_in_other_words_finds_its_article_by_meaning(client, app, laws):
    assert citations(ask(client, QUESTION, collection_ids=[laws.id]))[0] == "「주민등록법」 제40조"

    with open_act(app.state.database, SYSTEM) as act:
        endpoints = [row.endpoint for row in act.session.query(AdmissionRow).all()]
    assert sorted(endpoints) == ["chat", "embedding"]


def test_where_the_model_gives_no_vectors_words_alone_are_compared(client, engine, laws):
    engine.gives_vectors = False

    assert citations(ask(client, QUESTION, collection_ids=[laws.id])) == []
    assert citations(ask(client, "과태료는?", collection_ids=[laws.id])) == [
        "「주민등록법」 제40조"
    ]
