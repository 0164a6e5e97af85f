"""The chat page: a first view that reads without scripts, and the data that brings it to life."""

import json
from typing import Annotated, Any, ClassVar

from fastapi import Query
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import RedirectResponse
from typing_extensions import override

from hunmin import documents, faces
from hunmin.accounts import AnyoneAct, PersonAct, VisitorAct
from hunmin.act import Language
from hunmin.chat import (
    feedback,
    feedback_queries,
    folder_queries,
    listing,
    markdown,
    models,
    queries,
    rules,
    share_queries,
    shares,
    wish_queries,
    words,
)
from hunmin.chat.models import ModelsView
from hunmin.chat.views import (
    AI_SOURCE_TYPE,
    ConversationList,
    ConversationView,
    FeedbackGiven,
    FolderView,
    Instructions,
    MessageView,
    SharedConversation,
    SharedMessage,
    ShareView,
)
from hunmin.chat.wire import Id, Secret
from hunmin.errors import ShareUnusable
from hunmin.settings import Settings

router = faces.PageRouter(tags=["chat"])


class PageLimits(BaseModel):
    """What the boxes of the page take."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    message_characters_max: int
    title_characters_max: int = rules.TITLE_CHARACTERS_MAX
    system_prompt_characters_max: int = rules.SYSTEM_PROMPT_CHARACTERS_MAX


class CollectionName(BaseModel):
    """A collection as the composer names it."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    name: str
    example: str
    """How an article of it is cited, to try it with; empty where it has none."""


class ChatView(faces.View):
    """The chat page: the list of conversations, and one of them or a new one."""

    template: ClassVar[str] = "chat/page.html"

    language: Language
    conversation: ConversationView | None
    """The conversation shown; none where a new one begins."""
    search: str
    """What was searched; empty where everything is listed."""
    listed: ConversationList
    folders: list[FolderView]
    preferences: Instructions
    models: ModelsView
    limits: PageLimits
    collections: list[CollectionName]
    """Those a question may be looked up in."""
    shares: bool
    """Whether the reader may show a conversation to others."""
    temporary: bool
    """Whether one may chat without anything being kept."""
    training: bool
    """Whether the reader is asked if what they say of answers may be used for training."""

    @override
    def values(self) -> dict[str, Any]:
        data = {
            **self.model_dump(mode="json", exclude={"language"}),
            "words": words.translated(self.language, first=True),
        }
        branch = self.conversation.branch() if self.conversation else []
        return {
            **super().values(),
            "branch": [(message, _html(message)) for message in branch],
            "source_type": AI_SOURCE_TYPE,
            "modules": faces.first_modules(*words.FIRST_SCRIPTS),
            "data": _for_script(data),
        }


class SharedView(faces.View):
    """A conversation as it is shown to whoever has its address."""

    template: ClassVar[str] = "chat/shared.html"
    no_store: ClassVar[bool] = True

    conversation: SharedConversation

    @override
    def values(self) -> dict[str, Any]:
        messages = [(message, _html(message)) for message in self.conversation.messages]
        return {**super().values(), "messages": messages, "source_type": AI_SOURCE_TYPE}


class SharesView(faces.View):
    """What one shows to others."""

    template: ClassVar[str] = "chat/shares.html"

    shares: list[ShareView]


class FeedbackPage(faces.View):
    """What one said of answers, and what of it may be used for training."""

    template: ClassVar[str] = "chat/feedback.html"

    given: list[FeedbackGiven]


@router.get("/account/feedback")
def show_feedback(act: PersonAct) -> FeedbackPage:
    """Show what one said of answers, to be taken back."""
    return FeedbackPage(given=feedback_queries.list_feedback(act))


@router.post(
    "/account/feedback/{message_id}/withdraw", status_code=303, response_class=RedirectResponse
)
def withdraw_consent(act: PersonAct, message_id: Id) -> RedirectResponse:
    """Take back that feedback may be used for training."""
    feedback.withdraw_consent(act, message_id=message_id)
    return RedirectResponse("/account/feedback", status_code=303)


@router.post(
    "/account/feedback/{message_id}/delete", status_code=303, response_class=RedirectResponse
)
def take_back_feedback(act: PersonAct, message_id: Id) -> RedirectResponse:
    """Delete what one said of an answer."""
    feedback.take_back_feedback(act, message_id=message_id)
    return RedirectResponse("/account/feedback", status_code=303)


@router.get("/shared/{secret}")
def show_shared(request: Request, act: AnyoneAct, secret: Secret) -> SharedView:
    """Show a conversation that was shared, to whoever has its address."""
    settings: Settings = request.app.state.settings
    if not settings.chat.shares:  # switched off since it was shared
        raise ShareUnusable
    return SharedView(conversation=share_queries.read_shared(act, secret))


@router.get("/account/shares")
def show_shares(act: PersonAct) -> SharesView:
    """Show what one shows to others, to be ended."""
    return SharesView(shares=share_queries.list_shares(act))


@router.post("/account/shares/{share_id}/revoke", status_code=303, response_class=RedirectResponse)
def revoke_share(act: PersonAct, share_id: Id) -> RedirectResponse:
    """End a share of one's own at once."""
    shares.revoke_share(act, share_id=share_id)
    return RedirectResponse("/account/shares", status_code=303)


@router.get("/chat")
def show_new(
    request: Request, act: VisitorAct, search: Annotated[str, Query(max_length=1_000)] = ""
) -> ChatView:
    """Show the place where a conversation begins, and the list of one's own."""
    return _view(request, act, None, search=search)


@router.get("/chat/c/{conversation_id}")
def show_conversation(request: Request, act: VisitorAct, conversation_id: Id) -> ChatView:
    """Show one conversation, and the list of one's own."""
    conversation = queries.get_conversation(
        act, conversation_id, written_here=request.app.state.chat_answers
    )
    return _view(request, act, conversation)


def _view(
    request: Request, act: VisitorAct, conversation: ConversationView | None, search: str = ""
) -> ChatView:
    settings: Settings = request.app.state.settings
    return ChatView(
        language=faces.language_of(request),
        conversation=conversation,
        search=search,
        listed=listing.list_conversations(act, search=search),
        folders=folder_queries.list_folders(act).folders,
        preferences=wish_queries.get_preferences(act),
        models=models.list_models(request.app.state.gateway, act.actor),
        limits=PageLimits(message_characters_max=settings.chat.message_characters_max),
        collections=[
            CollectionName(id=one.id, name=one.name, example=documents.example_of(act, one.id))
            for one in documents.list_collections(act)
        ],
        shares=settings.chat.shares and act.actor.kind == "person",
        temporary=settings.chat.temporary,
        training=settings.chat.training_consent and act.actor.kind == "person",
    )


def _html(message: MessageView | SharedMessage) -> Markup:
    """Return a message as safe HTML: an answer is Markdown, a question is what was typed."""
    if message.role == "assistant":
        html = markdown.to_html(message.text, message.sources)
        return Markup(html)  # noqa: S704 (made safe by `markdown`)
    return Markup("{}").format(message.text)


def _for_script(data: object) -> Markup:
    """Return JSON that may stand inside a `<script>` element, whatever the text in it is."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 (no `<` is left)
