"""Conversations and the chat page.

Nouns: a *conversation* is a tree of *messages*, questions and answers in turn; a *branch* is one
way through it, told by its last message, the *leaf*. An answer carries its *facts*: which model,
how long, how many tokens. A conversation belongs to one account, and nobody else can read it.
"""

from hunmin.chat.actions import (
    Limits,
    adopt_history,
    ask,
    ask_again,
    delete_conversation,
    delete_history,
    export_history,
    rename_conversation,
    save_answer,
    show_branch,
    start_conversation,
)
from hunmin.chat.queries import get_conversation, get_message, list_conversations, path

__all__ = [
    "Limits",
    "adopt_history",
    "ask",
    "ask_again",
    "delete_conversation",
    "delete_history",
    "export_history",
    "get_conversation",
    "get_message",
    "list_conversations",
    "path",
    "rename_conversation",
    "save_answer",
    "show_branch",
    "start_conversation",
]
