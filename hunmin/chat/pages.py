"""The chat page: a first view that reads without scripts, and the data that brings it to life."""

import json
from typing import Annotated, Any, ClassVar

from fastapi import Query
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from typing_extensions import override

from hunmin import faces
from hunmin.accounts import VisitorAct
from hunmin.act import Language
from hunmin.chat import markdown, models, queries, rules, words
from hunmin.chat.models import ModelsView
from hunmin.chat.views import AI_SOURCE_TYPE, ConversationList, ConversationView, MessageView
from hunmin.chat.wire import Id
from hunmin.settings import Settings

SCRIPTS = ("chat/early.js", "chat/app.js")
"""The scripts of the page, the one that is wanted soonest first."""

router = faces.PageRouter(tags=["chat"])


class PageLimits(BaseModel):
    """What the boxes of the page take."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    message_characters_max: int
    title_characters_max: int = rules.TITLE_CHARACTERS_MAX


class ChatView(faces.View):
    """The chat page: the list of conversations, and one of them or a new one."""

    template: ClassVar[str] = "chat/page.html"

    language: Language
    conversation: ConversationView | None
    """The conversation shown; none where a new one begins."""
    search: str
    """What was searched; empty where everything is listed."""
    listed: ConversationList
    models: ModelsView
    limits: PageLimits

    @override
    def values(self) -> dict[str, Any]:
        data = {
            **self.model_dump(mode="json", exclude={"language"}),
            "words": words.translated(self.language),
        }
        return {
            **super().values(),
            "branch": [(message, _html(message)) for message in self._branch()],
            "source_type": AI_SOURCE_TYPE,
            "modules": faces.first_modules(*SCRIPTS),
            "data": _for_script(data),
        }

    def _branch(self) -> list[MessageView]:
        if self.conversation is None:
            return []
        messages = {message.id: message for message in self.conversation.messages}
        nodes = {
            message.id: rules.Node(message.id, message.parent_id, message.role)
            for message in messages.values()
        }
        leaf_id = self.conversation.leaf_id
        if leaf_id not in nodes:
            leaf_id = rules.newest_leaf(list(nodes.values()))
        return [messages[id_] for id_ in rules.path_to(nodes, leaf_id)]


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
        listed=queries.list_conversations(act, search=search),
        models=models.list_models(request.app.state.gateway),
        limits=PageLimits(message_characters_max=settings.chat.message_characters_max),
    )


def _html(message: MessageView) -> Markup:
    """Return a message as safe HTML: an answer is Markdown, a question is what was typed."""
    if message.role == "assistant":
        return Markup(markdown.to_html(message.text))  # noqa: S704 (made safe by `markdown`)
    return Markup("{}").format(message.text)


def _for_script(data: object) -> Markup:
    """Return JSON that may stand inside a `<script>` element, whatever the text in it is."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 (no `<` is left)
