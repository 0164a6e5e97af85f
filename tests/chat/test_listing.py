"""The list of conversations: its order, its parts, and what a search finds."""

from datetime import timedelta

import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from hunmin import accounts, chat
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.chat.tables import MessageRow
from hunmin.db import open_database
from hunmin.errors import FolderNotFound
from hunmin.migrations.run import chain_config
from tests.chat.kept import follow, start, titles


def test_what_is_pinned_comes_first_and_the_archive_is_a_list_of_its_own(act_as, dana, noon):
    for minute, title in enumerate("가나다라"):
        with act_as(dana, now=noon + timedelta(minutes=minute)) as act:
            id_ = start(act, title).conversation.id
            chat.pin_conversation(act, conversation_id=id_, pinned=title in "가다")
            chat.archive_conversation(act, conversation_id=id_, archived=title == "나")
    with act_as(dana) as act:
        assert titles(act) == ["다", "가", "라"]
        assert titles(act, archived=True) == ["나"]


def test_a_question_brings_a_conversation_back_from_the_archive(act_as, dana):
    with act_as(dana) as act:
        begun = start(act, "이사")
        chat.archive_conversation(act, conversation_id=begun.conversation.id, archived=True)
        assert titles(act) == []
        follow(act, begun)
        assert titles(act) == ["이사"]


def test_a_folder_lists_its_own_and_none_what_lies_in_no_folder(act_as, dana):
    with act_as(dana) as act:
        folder = chat.create_folder(act, name="민원")
        start(act, "전입신고", folder_id=folder.id)
        start(act, "점심")
        assert titles(act, folder=folder.id) == ["전입신고"]
        assert titles(act, folder="none") == ["점심"]
        assert titles(act) == ["점심", "전입신고"]
        with pytest.raises(FolderNotFound):
            titles(act, folder="0" * 26)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    made=st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=9),
    limit=st.integers(1, 4),
    gone=st.sets(st.integers(0, 8)),
)
def test_whatever_is_deleted_meanwhile_the_parts_of_a_list_skip_nothing(
    sqlite_act_as, noon, made, limit, gone
):
    """Defect of paging by a count: what is deleted from the part shown moves up all the others."""
    with sqlite_act_as() as act:
        chat.delete_history(act)
    for pinned, minute in made:
        with sqlite_act_as(now=noon + timedelta(minutes=minute)) as act:
            id_ = start(act, "대화").conversation.id
            chat.pin_conversation(act, conversation_id=id_, pinned=pinned)
    with sqlite_act_as() as act:
        wanted = [one.id for one in chat.list_conversations(act).conversations]
        seen, after = [], None
        while True:
            part = chat.list_conversations(act, after=after, limit=limit)
            shown = [one.id for one in part.conversations]
            seen += shown
            for id_ in shown:
                if wanted.index(id_) in gone:
                    chat.delete_conversation(act, conversation_id=id_)
            if part.next is None:
                break
            after = chat.Place.read(part.next)

    assert len(wanted) == len(made)
    assert seen == wanted


@pytest.fixture
def sqlite_act_as(sqlite_url):
    """Give acts of one person on one SQLite database, for tests that write very often."""
    database = open_database(sqlite_url)
    with open_act(database, SYSTEM) as act:
        user = accounts.create_user(act, name="dana")
    dana = Actor(user_id=user.id, roles=frozenset({"person"}))

    def act_as(**options):
        return open_act(database, dana, synced=False, **options)

    yield act_as
    database.close()


def test_reading_a_branch_reads_no_other_text(act_as, dana):
    with act_as(dana) as act:
        begun = start(act)
        for words in ("갈래 하나", "갈래 둘", "갈래 셋"):
            last = follow(act, begun, words)
    read = []

    def note(row, _):
        read.append(row.text)

    event.listen(MessageRow, "load", note)
    try:
        with act_as(dana) as act:
            path = chat.path(act, begun.conversation.id, last.answer.id)
            chat.show_branch(
                act, conversation_id=begun.conversation.id, message_id=last.question.id
            )
    finally:
        event.remove(MessageRow, "load", note)

    assert [message.text for message in path][2] == "갈래 셋"
    assert read == [message.text for message in path]


SEARCHES = [
    ("ㅎㅁㅈㅇ", ["훈민정음이 뭐야?"]),
    ("훈ㅁ정", ["훈민정음이 뭐야?"]),
    ("ㅈㅇㅅㄱ", ["전입 신고는 언제 해?"]),
    ("ㅅㅂㅈ", ["전입 신고는 언제 해?"]),
    ("신ㅂㅈ", ["전입 신고는 언제 해?"]),
    ("신ㅁ증", []),
    ("ㅋㅋ", ["웃긴 이야기"]),
    ("ㅎ%", []),
]


@pytest.mark.parametrize(("search", "found"), SEARCHES)
def test_initial_consonants_find_titles_and_messages(act_as, dana, search, found):
    with act_as(dana) as act:
        start(act, "훈민정음이 뭐야?", "백성을 가르치는 바른 소리입니다.")
        start(act, "전입 신고는 언제 해?", "14일 안에. 신분증을 가져오세요.")
        start(act, "웃긴 이야기", "그랬대요 ㅋㅋ")

        assert titles(act, search=search) == found


def test_a_search_by_initials_shows_the_words_it_found(act_as, dana):
    with act_as(dana) as act:
        start(act, "전입 신고는 언제 해?", "14일 안에 오세요. 신분증을 가져오세요.")
        by_text = chat.list_conversations(act, search="ㅅㅂㅈ").conversations[0]
        by_title = chat.list_conversations(act, search="ㅈㅇ").conversations[0]

    assert by_text.excerpt is not None
    assert "신분증" in by_text.excerpt
    assert by_title.excerpt is None


def test_what_only_looks_alike_does_not_shorten_a_part_of_a_search(act_as, dana, noon):
    """The initials of 화목정원 are those of 훈민정음; 훈 tells them apart."""
    for minute in range(9):
        words = "훈민정음" if minute % 3 == 0 else "화목정원"
        with act_as(dana, now=noon + timedelta(minutes=minute)) as act:
            start(act, f"{words} {minute}")
    with act_as(dana) as act:
        first = chat.list_conversations(act, search="훈ㅁ정", limit=2)
        assert first.next is not None
        after = chat.Place.read(first.next)

        assert [one.title for one in first.conversations] == ["훈민정음 6", "훈민정음 3"]
        assert titles(act, search="훈ㅁ정", limit=2, after=after) == ["훈민정음 0"]


def test_a_search_looks_into_the_archive_too(act_as, dana):
    with act_as(dana) as act:
        id_ = start(act, "훈민정음").conversation.id
        chat.archive_conversation(act, conversation_id=id_, archived=True)

        assert titles(act, search="ㅎㅁㅈㅇ") == ["훈민정음"]
        assert titles(act, search="훈민", archived=False) == []


def test_conversations_from_before_initials_were_kept_are_found_by_them(empty_database_url):
    database = open_database(empty_database_url)
    config = chain_config()
    with database.engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for table, values in (
            ("accounts_users (id, name, name_key, created_at)", "'u', 'dana', 'dana', :now"),
            (
                "chat_conversations (id, owner_id, title, created_at, updated_at)",
                "'c', 'u', '훈민정음', :now, :now",
            ),
            (
                "chat_messages (id, conversation_id, role, text, state, created_at, saved_at)",
                "'m', 'c', 'user', '세종대왕', 'whole', :now, :now",
            ),
        ):
            statement = text(f"INSERT INTO {table} VALUES ({values})")  # noqa: S608 (our own)
            connection.execute(statement, {"now": "2026-10-09 12:00:00"})
    database.migrate()
    with open_act(database, Actor(user_id="u"), read_only=True) as act:
        assert titles(act, search="ㅎㅁㅈㅇ") == ["훈민정음"]
        assert titles(act, search="세ㅈ대") == ["훈민정음"]
    database.close()
