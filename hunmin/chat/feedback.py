"""Saying whether an answer was good, and whether what was said of it may be used for training.

A consent is one's own for each question: it covers the question, what was said before it, and the
answers to it that one rates. Nothing is exported without one that lives (`feedback_export`); it
lives as long as some feedback names it. Actions like those of `actions`: each leaves its event,
with ids and no words.
"""

from collections.abc import Sequence

from sqlalchemy import select, update

from hunmin import audit
from hunmin.act import Act
from hunmin.chat import feedback_queries, notices, queries, rules
from hunmin.chat.rules import Reason, Verdict
from hunmin.chat.tables import FeedbackRow, MessageRow, TrainingConsentRow
from hunmin.chat.views import FeedbackView
from hunmin.db import new_id
from hunmin.errors import (
    FeedbackNotFound,
    NoticeOutdated,
    SignInNeeded,
    TrainingConsentOff,
    WrongTurn,
)


def give_feedback(
    act: Act,
    *,
    conversation_id: str,
    message_id: str,
    verdict: Verdict,
    reasons: Sequence[Reason] = (),
    words: str = "",
    notice: int | None = None,
    asked: bool = False,
) -> FeedbackView:
    """Say whether an answer was good; what was said of it before is replaced.

    Args:
        act: Who says so.
        conversation_id: In which conversation.
        message_id: Of which answer.
        verdict: Whether it was good.
        reasons: Why, of those that fit the verdict.
        words: What else there is to say.
        notice: The number of the notice that was read and agreed to, so that it may be used for
            training; None where it may not, which takes an earlier consent back.
        asked: Whether the operator asks for such consents.

    Raises:
        ConversationNotFound, MessageNotFound: There is no such answer.
        WrongTurn: It is a question, or an answer without a word.
        FeedbackUnfit: A reason does not fit the verdict, or the words are too long.
        TrainingConsentOff, SignInNeeded, NoticeOutdated: The consent cannot be given: the operator
            does not ask for it, nobody is signed in who could take it back, or the notice is
            another one by now. Nothing is kept.
    """
    # Two that rate answers of one conversation go one after the other.
    queries.conversation_row(act, conversation_id, to_grow=True)
    message = queries.message_row(act, conversation_id, message_id)
    if message.role != "assistant" or not message.text or message.state == "writing":
        raise WrongTurn(needed="an answer", needed_ko="답변")
    remark = rules.check_remark(words)
    fitting: list[str] = [*rules.check_reasons(verdict, reasons)]
    if notice is not None:
        _check_consent(act, notice, asked=asked)
    row = act.session.get(FeedbackRow, message_id)
    if row is None:
        row = FeedbackRow(message_id=message_id, consent_id=None)
        act.session.add(row)
    row.verdict, row.reasons, row.words, row.at = verdict, fitting, remark, act.now
    act.session.flush()
    if notice is None:
        _end_consent(act, row)
    else:
        _agree(act, row, message, notice)
    audit.record(
        act,
        "chat.feedback.give",
        message_id,
        conversation_id=conversation_id,
        verdict=verdict,
        consent_id=row.consent_id,
    )
    return feedback_queries.get_feedback(act, message_id)


def withdraw_consent(act: Act, *, message_id: str) -> None:
    """Take back that feedback may be used for training; the feedback itself stays.

    The consent of the question ends, so no other answer to it is used for training either.

    Raises:
        FeedbackNotFound: There is none, or it is another's.
    """
    _end_consent(act, _own_row(act, message_id))


def take_back_feedback(act: Act, *, message_id: str) -> None:
    """Delete what was said of an answer; a consent to use it for training ends with it.

    Raises:
        FeedbackNotFound: There is none, or it is another's.
    """
    row = _own_row(act, message_id)
    _end_consent(act, row)
    act.session.delete(row)
    audit.record(act, "chat.feedback.delete", message_id)


def note_training_export(act: Act, *, pairs: int, consents: int) -> None:
    """Record that what people agreed to have used for training is about to be exported."""
    audit.record(act, "chat.feedback.export", act.actor.id, pairs=pairs, consents=consents)


def _check_consent(act: Act, notice: int, *, asked: bool) -> None:
    if not asked:
        raise TrainingConsentOff
    if act.actor.kind != "person":
        raise SignInNeeded
    if notice != notices.TRAINING_NOTICE:
        raise NoticeOutdated


def _agree(act: Act, row: FeedbackRow, message: MessageRow, notice: int) -> None:
    """Put feedback under the consent of its question to this notice, made where there is none."""
    if row.consent_id is not None:
        given = act.session.get_one(TrainingConsentRow, row.consent_id)
        if given.notice == notice:
            return
        _end_consent(act, row)
    known = act.session.scalar(
        select(TrainingConsentRow.id)
        .join(FeedbackRow, FeedbackRow.consent_id == TrainingConsentRow.id)
        .join(MessageRow, MessageRow.id == FeedbackRow.message_id)
        .where(MessageRow.parent_id == message.parent_id, TrainingConsentRow.notice == notice)
        .limit(1)
    )
    if known is None:
        consent = TrainingConsentRow(id=new_id(), notice=notice, given_at=act.now)
        act.session.add(consent)
        act.session.flush()
        audit.record(
            act, "chat.consent.give", consent.id, question_id=message.parent_id, notice=notice
        )
        known = consent.id
    row.consent_id = known
    act.session.flush()


def _end_consent(act: Act, row: FeedbackRow) -> None:
    """End the consent of feedback, if it has one, for every answer to the question."""
    ended = row.consent_id
    if ended is None:
        return
    act.session.execute(
        update(FeedbackRow).where(FeedbackRow.consent_id == ended).values(consent_id=None)
    )
    act.session.refresh(row)
    audit.record(act, "chat.consent.withdraw", ended)


def _own_row(act: Act, message_id: str) -> FeedbackRow:
    row = act.session.scalar(feedback_queries.own_feedback(act, message_id).with_for_update())
    if row is None:
        raise FeedbackNotFound
    return row
