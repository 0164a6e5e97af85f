"""Reading what people agreed may be used for training. For the house itself, when it exports it.

A pair is a good and a bad answer to one question, both rated by its asker under one consent that
lives. What has no such consent is never read here.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import and_, func, select, tuple_
from sqlalchemy.orm import aliased

from hunmin.act import Act
from hunmin.chat import queries
from hunmin.chat.rules import Role
from hunmin.chat.tables import FeedbackRow, MessageRow, TrainingConsentRow

_CHOSEN, _REJECTED = aliased(MessageRow), aliased(MessageRow)
_GOOD, _BAD = aliased(FeedbackRow), aliased(FeedbackRow)
_PLACE = tuple_(_CHOSEN.id, _REJECTED.id)

_PAIRS = (
    select(_CHOSEN, _REJECTED, TrainingConsentRow)
    .select_from(_GOOD)
    .join(_CHOSEN, _CHOSEN.id == _GOOD.message_id)
    .join(_REJECTED, _REJECTED.parent_id == _CHOSEN.parent_id)
    .join(_BAD, and_(_BAD.message_id == _REJECTED.id, _BAD.consent_id == _GOOD.consent_id))
    .join(TrainingConsentRow, TrainingConsentRow.id == _GOOD.consent_id)
    .where(
        _GOOD.verdict == "good",
        _BAD.verdict == "bad",
        _CHOSEN.state == "whole",
        _REJECTED.state == "whole",
        _CHOSEN.text != _REJECTED.text,
    )
)


class RatedPair(NamedTuple):
    """A good and a bad answer to one question, with the consent they may be used under."""

    chosen_id: str
    rejected_id: str
    turns: list[tuple[Role, str]]
    """The messages from the first down to the question."""
    chosen: str
    chosen_model: str | None
    rejected: str
    rejected_model: str | None
    consent_id: str
    notice: int


def count_pairs(act: Act) -> int:
    """Return how many pairs there are."""
    _check_house(act)
    count = _PAIRS.with_only_columns(func.count(), maintain_column_froms=True)
    return act.session.scalar(count) or 0


def read_pairs(act: Act, *, after: tuple[str, str] | None, limit: int) -> list[RatedPair]:
    """Return some pairs, those that come after one of them (its answers' ids), in their order."""
    _check_house(act)
    asked = _PAIRS.order_by(_CHOSEN.id, _REJECTED.id).limit(limit)
    if after is not None:
        asked = asked.where(tuple_(*after) < _PLACE)
    return [
        RatedPair(
            chosen_id=chosen.id,
            rejected_id=rejected.id,
            turns=_turns(act, chosen),
            chosen=chosen.text,
            chosen_model=chosen.model,
            rejected=rejected.text,
            rejected_model=rejected.model,
            consent_id=consent.id,
            notice=consent.notice,
        )
        for chosen, rejected, consent in act.session.execute(asked)
    ]


def ended_consents(act: Act) -> Sequence[str]:
    """Return the id of every consent that was taken back, or whose words were deleted."""
    _check_house(act)
    named = select(FeedbackRow.message_id).where(FeedbackRow.consent_id == TrainingConsentRow.id)
    ended = select(TrainingConsentRow.id).where(~named.exists()).order_by(TrainingConsentRow.id)
    return act.session.scalars(ended).all()


def _turns(act: Act, answer: MessageRow) -> list[tuple[Role, str]]:
    assert answer.parent_id is not None, "an answer has a question"
    branch = queries.branch(answer.conversation_id, answer.parent_id)
    return [(message.role, message.text) for message in act.session.scalars(branch)]


def _check_house(act: Act) -> None:
    assert act.actor.kind == "system", "what others said is read by the house alone"
