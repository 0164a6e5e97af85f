"""Conversations as tests of keeping order make them: begun, answered, gone on with."""

from hunmin import chat
from hunmin.chat.views import Facts

LIMITS = chat.Limits(message_characters_max=20_000, conversation_messages_max=2_000)


def start(act, words="전입신고는 언제 하나요?", answer="14일 안에 합니다.", **options):
    """Begin a conversation with a question that is answered; return what was begun."""
    begun = chat.start_conversation(act, text=words, limits=LIMITS, **options)
    finish(act, begun, answer)
    return begun


def finish(act, begun, words="14일 안에 합니다."):
    """Keep an answer as whole."""
    assert chat.save_answer(
        act,
        answer_id=begun.answer.id,
        text=words,
        state="whole",
        facts=Facts(model="m", finish_reason="stop"),
        error_code=None,
    )


def follow(act, begun, words="준비물은요?", answer="신분증입니다."):
    """Ask the next question, which is answered too."""
    asked = chat.ask(
        act,
        conversation_id=begun.conversation.id,
        parent_id=begun.answer.id,
        text=words,
        limits=LIMITS,
    )
    finish(act, asked, answer)
    return asked


def titles(act, **asked):
    """Return the titles of a list."""
    return [one.title for one in chat.list_conversations(act, **asked).conversations]
