"""Reading what people said of answers. Every query is narrowed to the actor's own."""

from sqlalchemy import Select, func, select

from hunmin.act import Act
from hunmin.chat import titles
from hunmin.chat.tables import ConversationRow, FeedbackRow, MessageRow, TrainingConsentRow
from hunmin.chat.views import FeedbackGiven, FeedbackView
from hunmin.errors import FeedbackNotFound

_BEGINNING = 400
"""Characters of an answer that are read to tell which one it is."""


def get_feedback(act: Act, message_id: str) -> FeedbackView:
    """Return what the actor said of an answer.

    Raises:
        FeedbackNotFound: Nothing, or it is another's.
    """
    row = act.session.scalar(own_feedback(act, message_id))
    if row is None:
        raise FeedbackNotFound
    return feedback_view(row)


def feedback_of(act: Act, conversation_id: str) -> dict[str, FeedbackView]:
    """Return what the actor said of the answers of a conversation, by their ids."""
    asked = _own(act).where(MessageRow.conversation_id == conversation_id)
    return {row.message_id: feedback_view(row) for row in act.session.scalars(asked)}


def list_feedback(act: Act) -> list[FeedbackGiven]:
    """Return what the actor said of answers, the newest first."""
    beginning = func.substr(MessageRow.text, 1, _BEGINNING)
    rows = act.session.execute(
        _own(act)
        .outerjoin(TrainingConsentRow, TrainingConsentRow.id == FeedbackRow.consent_id)
        .add_columns(ConversationRow.id, ConversationRow.title, beginning)
        .add_columns(TrainingConsentRow.notice, TrainingConsentRow.given_at)
        .order_by(FeedbackRow.at.desc(), FeedbackRow.message_id.desc())
    )
    return [
        FeedbackGiven(
            message_id=row.message_id,
            conversation_id=conversation_id,
            title=title,
            excerpt=titles.make_title(text),
            feedback=feedback_view(row),
            notice=notice,
            agreed_at=given_at,
        )
        for row, conversation_id, title, text, notice, given_at in rows
    ]


def own_feedback(act: Act, message_id: str) -> Select[FeedbackRow]:
    """Return the query of the actor's feedback on an answer."""
    return _own(act).where(FeedbackRow.message_id == message_id)


def feedback_view(row: FeedbackRow) -> FeedbackView:
    """Return feedback as its owner sees it."""
    return FeedbackView.model_validate(
        {
            "verdict": row.verdict,
            "reasons": row.reasons,
            "words": row.words,
            "may_train": row.consent_id is not None,
            "at": row.at,
        }
    )


def _own(act: Act) -> Select[FeedbackRow]:
    return (
        select(FeedbackRow)
        .join(MessageRow, MessageRow.id == FeedbackRow.message_id)
        .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
        .where(ConversationRow.owner_id == (act.actor.user_id or ""))
    )
