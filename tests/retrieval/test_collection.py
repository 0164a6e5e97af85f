"""A collection on the disk: searched by many at once, never changed, and refused where broken."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from hunmin.errors import CollectionBroken, ManifestMissing, WrongInput
from hunmin.manifest import MANIFEST_NAME
from hunmin.retrieval import Collection, cut
from hunmin.retrieval.collection import DATABASE_NAME, Document

LAW = Document("laws", "law/1", "주민등록법", "KR-Copyright-Act-Art7")
TEXT = (
    "##### 제16조 (이동)\n\n전입신고를 하여야 한다.\n\n##### 제40조 (과태료)\n\n과태료를 부과한다."
)


@pytest.fixture
def folder(collection_of):
    return collection_of([(LAW, cut("주민등록법", [(0, TEXT)]))])


def test_what_is_found_says_where_it_comes_from(folder):
    (found,) = Collection(folder).search("전입신고", count=1)

    assert found.passage.citation == "「주민등록법」 제16조"
    assert found.passage.text == "전입신고를 하여야 한다."
    assert found.document == LAW
    assert found.score > 0


def test_a_passage_has_those_beside_it_in_its_own_document_alone(collection_of):
    laws = [(Document("l", name, name, "CC0-1.0"), cut(name, [(0, TEXT)])) for name in ("나", "가")]
    collection = Collection(collection_of(laws))
    (first, key), (second, _) = collection.titles(count=5)
    before, after = collection.beside(key)

    assert (first, second, before) == ("가", "나", None)
    assert collection.passage(after).passage.citation == "「가」 제40조"
    assert collection.beside(after) == (key, None)
    assert collection.beside("none") == (None, None)
    assert len(collection.titles(count=1)) == 1


def test_the_example_is_the_first_article_of_the_law_with_the_shortest_name(collection_of, folder):
    article = "##### 제1조 (목적)\n\n가"
    laws = [
        (Document("l", name, name, "CC0-1.0"), cut(name, [(0, article)]))
        for name in ("긴 이름", "민법", "형법")
    ]
    assert Collection(collection_of(laws)).example == "「민법」 제1조"
    assert Collection(folder).example == ""


def test_an_article_that_is_cited_comes_first(collection_of):
    """However often others speak of it; and a decree is not the law it belongs to."""
    law = "##### 제2조 (뜻)\n\n가\n\n##### 제16조 (나)\n\n다"
    noise = "\n\n".join(
        f"##### 제{n}조 (인용)\n\n주민등록법 제16조, 주민등록법 제2조" for n in range(3, 9)
    )
    collection = collection_of(
        [
            (Document("laws", title, title, "CC0-1.0"), cut(title, [(0, text)]))
            for title, text in [
                ("주민등록법 해설", noise), ("주민등록법", law),
                ("주민등록법 시행령", law), ("민등", law),
            ]
        ]
    )  # fmt: skip

    def cited(question):
        found = Collection(collection).search(question, count=10)
        return [each.passage.citation for each in found if each.cited]

    assert cited("주민 등록법 제16조가 뭐야?") == ["「주민등록법」 제16조"]
    assert cited("「주민등록법 시행령」에 대해 물을게. 제2조에는 뭐가 있지?") == [
        "「주민등록법 시행령」 제2조"
    ]
    assert cited("주민등록법 제16조의2") == []
    assert cited("제16조가 뭐야?") == []
    assert cited("주민등록법이 뭐야?") == []


def test_a_long_article_that_is_cited_comes_whole(collection_of):
    text = "제3조(일) ① " + "가 " * 400 + "\n② " + "나 " * 900
    law = Document("laws", "1", "시험법", "CC0-1.0")
    collection = Collection(collection_of([(law, cut("시험법", [(0, text)]))]))

    found = collection.search("시험법 제3조", count=5)

    assert [each.passage.anchor for each in found] == ["제3조제1항", "제3조제2항", "제3조제2항-2"]
    assert all(each.cited for each in found)
    assert len(collection.search("시험법 제3조", count=2)) == 2


def test_a_passage_is_opened_by_its_key_and_keeps_it_when_made_again(folder, collection_of):
    key = Collection(folder).search("과태료", count=1)[0].key
    other = Document("laws", "law/2", "다른 법", "KR-Copyright-Act-Art7")
    again = Collection(
        collection_of([(other, cut("다른 법", [(0, TEXT)])), (LAW, cut("주민등록법", [(0, TEXT)]))])
    )

    opened = again.passage(key)

    assert opened is not None
    assert opened.passage.citation == "「주민등록법」 제40조"
    assert again.passage("no such key") is None


@pytest.mark.parametrize("question", ["", "?!…", '" OR "', "NEAR(가 나)", "가*", "heading : 가"])
def test_signs_of_the_query_language_are_no_more_than_signs(folder, question):
    assert isinstance(Collection(folder).search(question), list)


def test_a_letter_may_be_asked_whole(folder):
    assert Collection(folder).search("전입신고 " * 20_000, count=1)[0].passage.anchor == "제16조"


def test_many_threads_search_at_once(folder):
    collection = Collection(folder)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: collection.search("전입신고"), range(50)))

    assert len({tuple(each.key for each in one) for one in found}) == 1


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(ManifestMissing):
        Collection(tmp_path)
    (tmp_path / MANIFEST_NAME).write_text(
        json.dumps({"kind": "corpus", "name": "c", "made_at": ""})
    )
    with pytest.raises(WrongInput):
        Collection(tmp_path)


def test_an_index_that_is_missing_or_damaged_is_refused(folder):
    database = folder / DATABASE_NAME
    whole = database.read_bytes()

    database.write_bytes(whole[:100] + b"\0" * (len(whole) - 100))
    with pytest.raises(CollectionBroken):
        Collection(folder)
    database.unlink()
    with pytest.raises(CollectionBroken, match="missing"):
        Collection(folder)


def test_an_index_of_other_terms_is_refused(folder):
    path = folder / MANIFEST_NAME
    manifest = json.loads(path.read_bytes())
    manifest["facts"]["terms_version"] = 0
    path.write_text(json.dumps(manifest))

    with pytest.raises(CollectionBroken, match="terms"):
        Collection(folder)


def test_searching_changes_no_byte(folder):
    before = (folder / DATABASE_NAME).read_bytes()
    collection = Collection(folder)
    collection.search("전입신고")

    with collection._reading() as reading, pytest.raises(sqlite3.OperationalError):
        reading.execute("DELETE FROM passages")

    assert (folder / DATABASE_NAME).read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == [DATABASE_NAME, MANIFEST_NAME]
