"""Everything that can be done to conversations. Each leaves its event, with ids and no words."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from hunmin import audit, documents
from hunmin.act import Act
from hunmin.chat import folder_queries, looking, queries, rules, titles
from hunmin.chat.tables import ConversationRow, MessageRow
from hunmin.chat.views import NOTHING, Asked, Begun, Facts, SourceView
from hunmin.db import new_id
from hunmin.errors import (
    AnswerUnderway,
    ConversationFull,
    MessageNotFound,
    WrongTurn,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How large messages and conversations may be; from the settings."""

    message_characters_max: int = 20_000
    conversation_messages_max: int = 2_000


def start_conversation(
    act: Act,
    *,
    text: str,
    limits: Limits,
    model: str | None = None,
    folder_id: str | None = None,
    asked: Asked = NOTHING,
) -> Begun:
    """Begin a conversation with its first question, and a place for the answer.

    Args:
        act: Who asks.
        text: The question.
        limits: How long it may be.
        model: Which model answers, here and from now on.
        folder_id: The folder the conversation is begun in.
        asked: Files and collections that passages are looked for in.

    Raises:
        FolderNotFound: There is no such folder.
        FileNotFound, FileNotReady, TooManyFiles, CollectionNotFound: There is no looking there.
        MessageEmpty, MessageTooLong: The question is unfit; nothing is kept.
    """
    words = rules.check_message(text, characters_max=limits.message_characters_max)
    assert act.actor.user_id is not None, "the shell makes strangers guests before they write"
    title = titles.make_title(words)
    row = ConversationRow(
        id=new_id(),
        owner_id=act.actor.user_id,
        title=title,
        title_initials=rules.initials(title),
        created_at=act.now,
        updated_at=act.now,
        leaf_id=None,
        folder_id=folder_queries.folder_row(act, folder_id).id if folder_id else None,
        model=model,
        system_prompt="",
    )
    act.session.add(row)
    act.session.flush()
    audit.record(act, "chat.conversation.create", row.id)
    return _ask(act, row, parent_id=None, words=words, asked=asked)


def ask(
    act: Act,
    *,
    conversation_id: str,
    parent_id: str | None,
    text: str,
    limits: Limits,
    model: str | None = None,
    asked: Asked = NOTHING,
) -> Begun:
    """Add a question below an answer, and a place for its answer.

    A question below an answer that has one already, or a second first question, begins a branch:
    so a question is edited. `model` answers from now on, where it is given, and passages are
    looked for where `asked` says; a conversation that lies in the archive comes back.

    Raises:
        ConversationNotFound, MessageNotFound: There is no such place.
        WrongTurn: `parent_id` is a question.
        AnswerUnderway: An answer is being written in this conversation.
        FileNotFound, FileNotReady, TooManyFiles, CollectionNotFound: There is no looking there.
        ConversationFull, MessageEmpty, MessageTooLong: Nothing is changed.
    """
    row = queries.conversation_row(act, conversation_id, to_grow=True)
    words = rules.check_message(text, characters_max=limits.message_characters_max)
    parent = None
    if parent_id is not None:
        parent = queries.node(queries.message_row(act, conversation_id, parent_id))
    rules.check_follows(parent)
    _check_free(act, row, limits)
    row.model = model or row.model
    return _ask(act, row, parent_id=parent_id, words=words, asked=asked)


def ask_again(
    act: Act, *, conversation_id: str, answer_id: str, limits: Limits, model: str | None = None
) -> Begun:
    """Make a place for another answer to the same question.

    An answer that failed before its first word is replaced; any other stays as a branch, and so
    does one that the conversation went on from. `model` answers from now on, where it is given.

    Raises:
        ConversationNotFound, MessageNotFound: There is no such answer.
        WrongTurn: It is a question.
        AnswerUnderway, ConversationFull: Nothing is changed.
    """
    row = queries.conversation_row(act, conversation_id, to_grow=True)
    answer = queries.message_row(act, conversation_id, answer_id)
    if answer.role != "assistant" or answer.parent_id is None:
        raise WrongTurn(needed="an answer", needed_ko="답변")
    _check_free(act, row, limits)
    question = queries.message_row(act, conversation_id, answer.parent_id)
    if not answer.text and answer.state != "whole" and not _went_on(act, answer):
        act.session.delete(answer)
        act.session.flush()
    row.model = model or row.model
    return _make_place(act, row, question)


def save_answer(
    act: Act,
    *,
    answer_id: str,
    text: str,
    state: rules.State,
    facts: Facts,
    error_code: str | None,
    sources: Sequence[SourceView] = (),
) -> bool:
    """Keep what an answer has so far, and its facts; return whether to go on writing.

    That is not so where it was deleted meanwhile, or another server was asked to stop it.

    While it is being written this is a sign of life, every few seconds, and no event of its own;
    its end is one. Its sources are kept with the first of these.

    The actor is whoever asked. Being the writer of a begun answer is the permission, whoever has
    the conversation by now: a guest may have taken it along to an account. No shell offers this,
    and an answer that has ended is never changed.
    """
    row = act.session.scalar(
        select(MessageRow)
        .where(MessageRow.id == answer_id, MessageRow.state == "writing")
        .with_for_update()
    )
    if row is None:
        return False
    row.text = rules.tidy(text)
    row.initials = rules.initials(row.text)
    row.state = state
    row.saved_at = act.now
    row.error_code = error_code
    for name, value in facts.model_dump().items():
        setattr(row, name, value)
    looking.keep_sources(act, answer_id, sources)
    if state == "writing":
        return row.stop_asked_at is None
    audit.record(
        act,
        "chat.answer.finish",
        answer_id,
        conversation_id=row.conversation_id,
        state=state,
        completion_tokens=facts.completion_tokens,
        wall_ms=facts.wall_ms,
        sources=len(sources),
    )
    return True


def show_branch(act: Act, *, conversation_id: str, message_id: str) -> str:
    """Show the branch that a message is on, and return the last message of it.

    Raises:
        ConversationNotFound, MessageNotFound: There is no such message.
    """
    row = queries.conversation_row(act, conversation_id)
    nodes = queries.nodes(act, conversation_id)
    if message_id not in {node.id for node in nodes}:
        raise MessageNotFound
    leaf_id = rules.newest_leaf(nodes, below=message_id)
    assert leaf_id is not None
    row.leaf_id = leaf_id
    audit.record(act, "chat.branch.show", row.id, leaf_id=leaf_id)
    return leaf_id


def delete_conversation(act: Act, *, conversation_id: str) -> None:
    """Delete a conversation with every message, for good.

    Raises:
        ConversationNotFound: There is none, or it is another's.
    """
    row = queries.conversation_row(act, conversation_id)
    messages = _count_messages(act, row.id)
    act.session.delete(row)
    documents.delete_files_of(act, conversation_id)
    audit.record(act, "chat.conversation.delete", conversation_id, messages=messages)


def _ask(
    act: Act,
    row: ConversationRow,
    *,
    parent_id: str | None,
    words: str,
    asked: Asked,
) -> Begun:
    question = MessageRow(
        id=new_id(),
        conversation_id=row.id,
        parent_id=parent_id,
        role="user",
        text=words,
        initials=rules.initials(words),
        state="whole",
        created_at=act.now,
        saved_at=act.now,
    )
    act.session.add(question)
    act.session.flush()
    looking.attach(act, row, question, asked)
    audit.record(
        act,
        "chat.message.send",
        question.id,
        conversation_id=row.id,
        characters=len(words),
    )
    return _make_place(act, row, question)


def _make_place(act: Act, row: ConversationRow, question: MessageRow) -> Begun:
    answer = MessageRow(
        id=new_id(),
        conversation_id=row.id,
        parent_id=question.id,
        role="assistant",
        text="",
        initials="",
        state="writing",
        created_at=act.now,
        saved_at=act.now,
    )
    act.session.add(answer)
    row.leaf_id = answer.id
    row.updated_at = act.now
    row.archived_at = None
    act.session.flush()
    audit.record(act, "chat.answer.begin", answer.id, conversation_id=row.id)
    return Begun(
        conversation=queries.summary(row),
        question=queries.message_views(act, [question])[0],
        answer=queries.message_view(act, answer, written_here={answer.id}),
    )


def _check_free(act: Act, row: ConversationRow, limits: Limits) -> None:
    writing = act.session.scalars(
        select(MessageRow).where(
            MessageRow.conversation_id == row.id, MessageRow.state == "writing"
        )
    )
    if any(queries.state_of(act, message, written_here=()) == "writing" for message in writing):
        raise AnswerUnderway
    if _count_messages(act, row.id) + 2 > limits.conversation_messages_max:
        raise ConversationFull(messages_max=limits.conversation_messages_max)


def _went_on(act: Act, answer: MessageRow) -> bool:
    below = select(MessageRow.id).where(MessageRow.parent_id == answer.id).limit(1)
    return act.session.scalar(below) is not None


def _count_messages(act: Act, conversation_id: str) -> int:
    count = select(func.count()).where(MessageRow.conversation_id == conversation_id)
    return act.session.scalar(count) or 0
