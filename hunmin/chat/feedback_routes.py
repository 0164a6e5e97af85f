"""The JSON of feedback, under `/chat/api`. Thin: parse, call, answer."""

from fastapi import APIRouter
from starlette.requests import Request

from hunmin import faces
from hunmin.accounts import VisitorAct
from hunmin.chat import feedback, notices, queries
from hunmin.chat.views import FeedbackView, TrainingNotice
from hunmin.chat.wire import Feedback, Id
from hunmin.errors import NoticeOutdated
from hunmin.settings import Settings

router = APIRouter(tags=["chat"], responses=faces.PROBLEM_RESPONSES)


@router.get("/chat/api/feedback/notice")
def training_notice(request: Request, _act: VisitorAct) -> TrainingNotice:
    """Tell what one agrees to where one lets one's words be used for training."""
    language = faces.language_of(request)
    number = notices.TRAINING_NOTICE
    return TrainingNotice(number=number, text=notices.TRAINING_NOTICES[number][language])


@router.put("/chat/api/conversations/{conversation_id}/messages/{message_id}/feedback")
def give_feedback(
    request: Request, act: VisitorAct, conversation_id: Id, message_id: Id, body: Feedback
) -> FeedbackView:
    """Say whether an answer was good, and whether that may be used for training."""
    settings: Settings = request.app.state.settings
    if body.may_train and body.notice is None:
        raise NoticeOutdated
    return feedback.give_feedback(
        act,
        conversation_id=conversation_id,
        message_id=message_id,
        verdict=body.verdict,
        reasons=body.reasons,
        words=body.words,
        notice=body.notice if body.may_train else None,
        asked=settings.chat.training_consent,
    )


@router.delete(
    "/chat/api/conversations/{conversation_id}/messages/{message_id}/feedback", status_code=204
)
def take_back_feedback(act: VisitorAct, conversation_id: Id, message_id: Id) -> None:
    """Delete what one said of an answer; a consent to use it for training ends with it."""
    queries.get_message(act, conversation_id, message_id)
    feedback.take_back_feedback(act, message_id=message_id)
