"""What of files and collections fits a question, and who sees which collection."""

import shutil

import pytest

from hunmin import documents, organizations
from hunmin.act import Actor
from hunmin.documents import actions
from hunmin.documents.actions import Brought
from hunmin.errors import CollectionBroken, CollectionNotFound, FileNotFound, RoleNeeded
from hunmin.reading import Page, Reading
from hunmin.retrieval import cut
from tests.support.collections import make_laws

GUEST = Actor(user_id=None, kind="guest")


def file_of(act_as, actor, text: str) -> str:
    """Return the id of a file of somebody's that was read."""
    brought = Brought(f"{abs(hash(text)):026}"[:26], "안내.txt", len(text), "0" * 64)
    with act_as(actor) as act:
        actions.bring_file(act, brought, files_max=9)
        actions.queue_reading(act, brought.id)
        reading = Reading("text", (Page(1, text),))
        actions.keep_reading(act, brought.id, reading, cut("안내.txt", [(1, text)]))
    return brought.id


def test_the_best_of_each_come_in_turn_and_what_is_cited_first(act_as, dana, statutes):
    file_id = file_of(act_as, dana, "과태료는 동네마다 다릅니다.\n\n## 다른 것\n\n과태료 표")
    with act_as(dana) as act:

        def found(question):
            sources = {"file_ids": [file_id], "collection_ids": [statutes.id]}
            return documents.find(act, question, **sources, count=3)

        mixed, cited = found("과태료가 얼마인가요?"), found("주민등록법 제16조 과태료")

    assert [each.source for each in mixed[:2]] == ["안내.txt", "법령"]
    assert mixed[1].citation == "「주민등록법」 제40조"
    assert mixed[1].address == f"/collections/{statutes.id}/passages/{mixed[1].key}"
    assert (cited[0].citation, cited[0].cited) == ("「주민등록법」 제16조", True)


def test_a_file_that_shares_no_word_with_the_question_gives_its_beginning(act_as, dana):
    file_id = file_of(act_as, dana, "첫 대목\n\n## 둘\n\n둘째 대목")
    with act_as(dana) as act:
        (found,) = documents.find(act, "요약해 줘", file_ids=[file_id], count=1)

    assert (found.text, found.page) == ("첫 대목", 1)
    assert found.address == f"/files/{file_id}/passages/1"


def test_only_ones_own_files_are_looked_in(act_as, dana, mino):
    file_id = file_of(act_as, dana, "비밀")
    with act_as(mino) as act:
        with pytest.raises(FileNotFound):
            documents.find(act, "비밀", file_ids=[file_id], count=1)
        with pytest.raises(FileNotFound):
            documents.check_sources(act, file_ids=[file_id], collection_ids=[])


def test_a_collection_is_seen_by_those_it_is_for(act_as, dana, mino, laws):
    with act_as() as act:
        ours = organizations.create_organization(act, name="우리 기관", owner_id=dana.user_id)
        made = {
            "everyone": documents.publish_collection(act, laws, name="모두", seen_by="everyone"),
            "people": documents.publish_collection(act, laws, name="회원", seen_by="people"),
            "ours": documents.publish_collection(
                act, laws, name="기관", seen_by="organization", organization_id=ours.id
            ),
        }
    seen = {}
    for name, actor in [("dana", dana), ("mino", mino), ("guest", GUEST)]:
        with act_as(actor) as act:
            seen[name] = {one.name for one in documents.list_collections(act)}
            if name != "dana":
                with pytest.raises(CollectionNotFound):
                    documents.find(act, "과태료", collection_ids=[made["ours"].id], count=1)

    assert seen == {"dana": {"모두", "회원", "기관"}, "mino": {"모두", "회원"}, "guest": {"모두"}}
    with act_as() as act:
        assert documents.public_collections(act) == {made["everyone"].id}


def test_only_administrators_publish_and_withdraw(act_as, dana, laws, statutes):
    with act_as(dana) as act:
        with pytest.raises(RoleNeeded):
            documents.publish_collection(act, laws, name="내 것")
        with pytest.raises(RoleNeeded):
            documents.withdraw_collection(act, statutes.id)
    with act_as() as act:
        documents.withdraw_collection(act, statutes.id)
        assert documents.list_collections(act) == []


def test_a_collection_made_again_is_searched_when_it_is_published_again(act_as, tmp_path):
    folder = make_laws(tmp_path / "laws")
    with act_as() as act:
        first = documents.publish_collection(act, folder, name="법령")
    shutil.rmtree(folder)
    make_laws(folder, "##### 제1조 (목적)\n\n새로 만든 법")

    with act_as() as act:
        with pytest.raises(CollectionBroken, match="published"):
            documents.find(act, "새로", collection_ids=[first.id], count=1)
        again = documents.publish_collection(act, folder, name="법령")
        (found,) = documents.find(act, "새로", collection_ids=[again.id], count=1)
    assert (again.id, found.text) == (first.id, "새로 만든 법")
