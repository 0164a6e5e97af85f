"""What is kept of conversations, on both databases, and what the log says of it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from hunmin import accounts, audit, chat
from hunmin.act import Actor
from hunmin.chat.tables import ConversationRow, MessageRow
from hunmin.chat.views import Facts
from hunmin.errors import (
    AnswerUnderway,
    ConversationFull,
    ConversationNotFound,
    MessageEmpty,
    MessageNotFound,
    MessageTooLong,
    TitleUnfit,
    WrongTurn,
)

LIMITS = chat.Limits(message_characters_max=100, conversation_messages_max=8)
SECRET = "비밀스러운질문"


def start(act, words="전입신고는 언제 하나요?"):
    begun = chat.start_conversation(act, text=words, limits=LIMITS)
    finish(act, begun)
    return begun


def finish(act, begun, words="14일 안에 합니다.", state="whole"):
    assert chat.save_answer(
        act,
        answer_id=begun.answer.id,
        text=words,
        state=state,
        facts=Facts(model="m", wall_ms=1200, completion_tokens=7, finish_reason="stop"),
        error_code=None,
    )


def follow(act, begun, words="준비물은요?"):
    return chat.ask(
        act,
        conversation_id=begun.conversation.id,
        parent_id=begun.answer.id,
        text=words,
        limits=LIMITS,
    )


def rows(act, kind):
    return act.session.scalar(select(func.count()).select_from(kind))


def test_a_conversation_begins_with_its_question_a_title_and_a_place_for_the_answer(act_as, dana):
    with act_as(dana) as act:
        begun = chat.start_conversation(act, text="전입신고는 언제 하나요?", limits=LIMITS)
        shown = chat.get_conversation(act, begun.conversation.id, written_here={begun.answer.id})

    assert shown.title == "전입신고는 언제 하나요?"
    assert [(one.role, one.text, one.state) for one in shown.messages] == [
        ("user", "전입신고는 언제 하나요?", "whole"),
        ("assistant", "", "writing"),
    ]
    assert shown.leaf_id == begun.answer.id


def test_an_answer_is_kept_with_its_facts_and_as_a_models(act_as, dana):
    with act_as(dana) as act:
        begun = start(act)
        answer = chat.get_message(act, begun.conversation.id, begun.answer.id)

    assert answer.text == "14일 안에 합니다."
    assert answer.ai_generated
    assert answer.facts == Facts(model="m", wall_ms=1200, completion_tokens=7, finish_reason="stop")


def test_an_edited_question_and_a_second_answer_are_branches(act_as, dana):
    with act_as(dana) as act:
        begun = start(act)
        second = follow(act, begun)
        finish(act, second, "신분증입니다.")
        edited = follow(act, begun, "비용은요?")
        finish(act, edited, "없습니다.")
        again = chat.ask_again(
            act,
            conversation_id=begun.conversation.id,
            answer_id=edited.answer.id,
            limits=LIMITS,
        )
        finish(act, again, "무료입니다.")
        newest = chat.path(act, begun.conversation.id, again.answer.id)
        older = chat.path(act, begun.conversation.id, second.answer.id)

    assert [one.text for one in newest][2:] == ["비용은요?", "무료입니다."]
    assert [one.text for one in older][2:] == ["준비물은요?", "신분증입니다."]


def test_the_branch_that_was_chosen_is_shown_again(act_as, dana):
    with act_as(dana) as act:
        begun = start(act)
        second = follow(act, begun)
        finish(act, second)
        edited = follow(act, begun, "비용은요?")
        finish(act, edited)
        leaf_id = chat.show_branch(
            act, conversation_id=begun.conversation.id, message_id=second.question.id
        )
        shown = chat.get_conversation(act, begun.conversation.id)

    assert leaf_id == shown.leaf_id == second.answer.id


def test_an_answer_that_failed_before_its_first_word_is_replaced(act_as, dana):
    with act_as(dana) as act:
        begun = chat.start_conversation(act, text="안녕", limits=LIMITS)
        finish(act, begun, "", state="failed")
        again = chat.ask_again(
            act, conversation_id=begun.conversation.id, answer_id=begun.answer.id, limits=LIMITS
        )
        finish(act, again)
        shown = chat.get_conversation(act, begun.conversation.id)

    assert [one.id for one in shown.messages] == [begun.question.id, again.answer.id]


def test_two_answers_are_not_written_at_once_in_one_conversation(act_as, dana, noon):
    with act_as(dana) as act:
        begun = chat.start_conversation(act, text="안녕", limits=LIMITS)
        with pytest.raises(AnswerUnderway):
            follow(act, begun)

    with act_as(dana, now=noon + timedelta(minutes=1)) as act:
        follow(act, begun)  # whoever wrote the first one has died


def test_a_dead_writer_holds_no_conversation_until_a_clock_that_went_back_has_caught_up(
    act_as, dana, noon
):
    with act_as(dana, now=noon + timedelta(hours=1)) as act:
        begun = chat.start_conversation(act, text="안녕", limits=LIMITS)

    with act_as(dana) as act:
        answer = chat.get_message(act, begun.conversation.id, begun.answer.id)
        assert answer.state == "interrupted"
        follow(act, begun)


def test_an_answer_whose_writer_was_killed_is_interrupted_and_keeps_its_words(act_as, dana, noon):
    with act_as(dana) as act:
        begun = chat.start_conversation(act, text="안녕", limits=LIMITS)
        finish(act, begun, "안녕하", state="writing")

    with act_as(dana, now=noon + timedelta(minutes=1)) as act:
        answer = chat.get_message(act, begun.conversation.id, begun.answer.id)

    assert (answer.state, answer.text) == ("interrupted", "안녕하")


@pytest.mark.parametrize(
    ("words", "refusal"), [(" \n", MessageEmpty), ("가" * 101, MessageTooLong)]
)
def test_an_unfit_question_is_refused_and_leaves_nothing(act_as, dana, words, refusal):
    with act_as(dana) as act, pytest.raises(refusal):
        chat.start_conversation(act, text=words, limits=LIMITS)

    with act_as(dana) as act:
        assert rows(act, ConversationRow) == rows(act, MessageRow) == 0
        assert [event.kind for event in audit.list_events(act) if event.kind[:4] == "chat"] == []


def test_a_full_conversation_takes_no_more(act_as, dana):
    with act_as(dana) as act:
        begun = start(act)
        for _ in range(3):
            begun = follow(act, begun)
            finish(act, begun)
        with pytest.raises(ConversationFull) as refusal:
            follow(act, begun)

    assert refusal.value.messages_max == 8


def test_a_question_below_a_question_is_refused(act_as, dana):
    with act_as(dana) as act:
        begun = start(act)
        with pytest.raises(WrongTurn):
            chat.ask(
                act,
                conversation_id=begun.conversation.id,
                parent_id=begun.question.id,
                text="또?",
                limits=LIMITS,
            )
        with pytest.raises(WrongTurn):
            chat.ask_again(
                act,
                conversation_id=begun.conversation.id,
                answer_id=begun.question.id,
                limits=LIMITS,
            )


def test_deleting_removes_every_word_from_the_database(act_as, dana):
    with act_as(dana) as act:
        begun = start(act, SECRET)
        kept = start(act, "남는 대화")
        chat.delete_conversation(act, conversation_id=begun.conversation.id)

    with act_as(dana) as act:
        assert [one.id for one in chat.list_conversations(act).conversations] == [
            kept.conversation.id
        ]
        assert rows(act, MessageRow) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_deleted_words_are_not_in_the_file_of_sqlite(database, act_as, dana):
    with act_as(dana) as act:
        begun = start(act, SECRET)
    with act_as(dana) as act:
        chat.delete_conversation(act, conversation_id=begun.conversation.id)
    database.close()  # the last one out writes everything into the file

    file = Path(database.url.database)
    assert SECRET.encode() not in file.read_bytes()
    assert not file.with_name(f"{file.name}-wal").exists()


def test_the_whole_history_goes_at_once_and_nobody_elses(act_as, dana, mino):
    with act_as(dana) as act:
        start(act)
        start(act)
    with act_as(mino) as act:
        start(act)
    with act_as(dana) as act:
        assert chat.delete_history(act) == 2
    with act_as(dana) as act:
        assert chat.list_conversations(act).conversations == []
    with act_as(mino) as act:
        assert len(chat.list_conversations(act).conversations) == 1


def test_an_answer_to_a_deleted_question_is_not_kept(act_as, dana):
    with act_as(dana) as act:
        begun = chat.start_conversation(act, text="안녕", limits=LIMITS)
        chat.delete_conversation(act, conversation_id=begun.conversation.id)

    with act_as(dana) as act:
        assert not chat.save_answer(
            act,
            answer_id=begun.answer.id,
            text="늦은 답",
            state="whole",
            facts=Facts(model="m"),
            error_code=None,
        )
        assert rows(act, MessageRow) == 0


def test_an_answer_is_kept_where_a_guest_takes_the_conversation_along_meanwhile(act_as, dana):
    with act_as() as act:
        guest = accounts.welcome_guest(act, days=1).actor
    with act_as(guest) as act:
        begun = chat.start_conversation(act, text="안녕", limits=LIMITS)
    with act_as(dana) as act:
        assert chat.adopt_history(act, guest_id=guest.user_id or "") == 1

    with act_as(guest) as act:
        finish(act, begun, "어서 오세요.")
    with act_as(dana) as act:
        assert chat.get_message(act, begun.conversation.id, begun.answer.id).text == "어서 오세요."


def test_an_answer_that_has_ended_is_never_changed(act_as, dana):
    with act_as(dana) as act:
        begun = start(act)
    with act_as(dana) as act, pytest.raises(AssertionError):
        finish(act, begun, "다른 말")
    with act_as(dana) as act:
        answer = chat.get_message(act, begun.conversation.id, begun.answer.id)
        assert answer.text == "14일 안에 합니다."


def test_an_empty_answer_that_the_conversation_went_on_from_is_not_replaced(act_as, dana):
    with act_as(dana) as act:
        failed = chat.start_conversation(act, text="안녕", limits=LIMITS)
        finish(act, failed, "", state="failed")
        later = follow(act, failed)
        finish(act, later)

        chat.ask_again(
            act,
            conversation_id=failed.conversation.id,
            answer_id=failed.answer.id,
            limits=LIMITS,
        )

        messages = chat.get_conversation(act, failed.conversation.id).messages
        ids = {failed.question.id, failed.answer.id, later.question.id, later.answer.id}
        assert ids < {message.id for message in messages}


def test_of_two_questions_at_once_a_conversation_takes_one(act_as, dana):
    with act_as(dana) as act:
        begun = start(act)
    together = threading.Barrier(2)

    def ask(_) -> str:
        together.wait()
        with act_as(dana) as act:
            try:
                follow(act, begun)
            except AnswerUnderway as refusal:
                return refusal.code
            time.sleep(0.2)  # the other one asks before this one is committed
            return "begun"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(ask, range(2))) == ["answer_underway", "begun"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("전입", ["A"]),
        ("14일", ["A", "B"]),
        ("ROTARY", ["B"]),
        ("100%", ["B"]),
        ("%", ["B"]),
        ("_", []),
        ("없는 말", []),
        ("", ["A", "B"]),
    ],
)
def test_search_looks_in_titles_and_messages_and_takes_signs_as_they_are(
    act_as, dana, search, found
):
    with act_as(dana) as act:
        a = start(act, "전입신고는 언제 하나요?")
        b = start(act, "Rotary 임베딩은 100% 무엇인가요?")
        names = {a.conversation.id: "A", b.conversation.id: "B"}
        listed = chat.list_conversations(act, search=search).conversations

    assert sorted(names[one.id] for one in listed) == found


def test_search_shows_the_words_that_were_found_where_the_title_has_none(act_as, dana):
    with act_as(dana) as act:
        start(act, "전입신고는 언제 하나요?")
        by_title = chat.list_conversations(act, search="전입").conversations[0]
        by_text = chat.list_conversations(act, search="14일").conversations[0]

    assert by_title.excerpt is None
    assert by_text.excerpt == "14일 안에 합니다."


def test_the_list_has_the_last_used_first_and_comes_in_parts(act_as, dana, noon):
    for minute in range(5):
        with act_as(dana, now=noon + timedelta(minutes=minute)) as act:
            start(act, f"대화 {minute}")
    with act_as(dana) as act:
        first = chat.list_conversations(act, limit=3)
        assert first.next is not None
        rest = chat.list_conversations(act, after=chat.Place.read(first.next), limit=3)

    assert [one.title for one in first.conversations] == ["대화 4", "대화 3", "대화 2"]
    assert [one.title for one in rest.conversations] == ["대화 1", "대화 0"]
    assert rest.next is None


def test_a_title_can_be_changed_but_not_to_nothing(act_as, dana):
    with act_as(dana) as act:
        begun = start(act)
        renamed = chat.rename_conversation(
            act, conversation_id=begun.conversation.id, title=" 이사 \n"
        )
        with pytest.raises(TitleUnfit):
            chat.rename_conversation(act, conversation_id=begun.conversation.id, title=" ")

    assert renamed.title == "이사"


STRANGER = Actor(user_id=None, kind="guest")


@pytest.mark.parametrize("who", ["another", "stranger"])
def test_nobody_else_can_read_or_change_a_conversation(act_as, dana, mino, who):
    with act_as(dana) as act:
        begun = start(act)
    other = mino if who == "another" else STRANGER
    id_, question, answer = begun.conversation.id, begun.question.id, begun.answer.id
    attempts = [
        lambda act: chat.get_conversation(act, id_),
        lambda act: chat.get_message(act, id_, answer),
        lambda act: chat.path(act, id_, answer),
        lambda act: chat.rename_conversation(act, conversation_id=id_, title="내 것"),
        lambda act: chat.delete_conversation(act, conversation_id=id_),
        lambda act: chat.show_branch(act, conversation_id=id_, message_id=question),
        lambda act: chat.ask(
            act, conversation_id=id_, parent_id=answer, text="안녕", limits=LIMITS
        ),
        lambda act: chat.ask_again(act, conversation_id=id_, answer_id=answer, limits=LIMITS),
    ]
    for attempt in attempts:
        with act_as(other) as act, pytest.raises(ConversationNotFound):
            attempt(act)
    with act_as(other) as act:
        assert chat.list_conversations(act).conversations == []
        assert chat.list_conversations(act, search="전입").conversations == []
        with pytest.raises(ConversationNotFound):
            chat.note_export(act, conversation_id=id_, form="md")
        assert chat.delete_history(act) == 0
        assert not chat.save_answer(
            act, answer_id=answer, text="바꿈", state="whole", facts=Facts(model="m"),
            error_code=None,
        )  # fmt: skip

    with act_as(dana) as act:
        assert chat.get_message(act, id_, answer).text == "14일 안에 합니다."


def test_a_message_of_another_conversation_cannot_be_reached_through_ones_own(act_as, dana, mino):
    with act_as(dana) as act:
        theirs = start(act)
    with act_as(mino) as act:
        own = start(act)
        with pytest.raises(MessageNotFound):
            chat.get_message(act, own.conversation.id, theirs.answer.id)
        with pytest.raises(MessageNotFound):
            chat.ask(
                act,
                conversation_id=own.conversation.id,
                parent_id=theirs.answer.id,
                text="안녕",
                limits=LIMITS,
            )
        with pytest.raises(MessageNotFound):
            chat.show_branch(act, conversation_id=own.conversation.id, message_id=theirs.answer.id)


def test_a_message_is_found_in_its_own_conversation_only(act_as, dana):
    with act_as(dana) as act:
        one, other = start(act), start(act)
        with pytest.raises(MessageNotFound):
            chat.get_message(act, one.conversation.id, other.answer.id)
        with pytest.raises(MessageNotFound):
            chat.show_branch(act, conversation_id=one.conversation.id, message_id=other.answer.id)
        with pytest.raises(MessageNotFound):
            chat.ask_again(
                act, conversation_id=one.conversation.id, answer_id=other.answer.id, limits=LIMITS
            )


def test_the_log_knows_what_was_done_and_none_of_the_words(act_as, dana):
    with act_as(dana) as act:
        begun = start(act, SECRET)
        chat.rename_conversation(act, conversation_id=begun.conversation.id, title=SECRET)
        chat.note_export(act, conversation_id=begun.conversation.id, form="md")
        chat.note_history_export(act)
        chat.delete_conversation(act, conversation_id=begun.conversation.id)
    with act_as() as act:
        events = [event for event in audit.list_events(act) if event.kind.startswith("chat.")]

    assert {event.kind for event in events} == {
        "chat.conversation.create",
        "chat.message.send",
        "chat.answer.begin",
        "chat.answer.finish",
        "chat.conversation.rename",
        "chat.conversation.export",
        "chat.history.export",
        "chat.conversation.delete",
    }
    assert {event.actor_id for event in events} == {dana.user_id}
    assert SECRET not in str([event.model_dump() for event in events])
