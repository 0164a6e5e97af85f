"""Conversations and the chat page.

Nouns: a *conversation* is a tree of *messages*, questions and answers in turn; a *branch* is one
way through it, told by its last message, the *leaf*. An answer carries its *facts*: which model,
how long, how many tokens. A conversation belongs to one account, and nobody else can read it;
it may lie in a *folder*, be pinned, or be put into the archive. A *share* is a copy of a branch
that whoever has its address can read. *Feedback* is what the asker says of an answer; it may be
used for training only under a *consent*. A *temporary chat* is one of which nothing is kept.
"""

from hunmin.chat.actions import (
    Limits,
    ask,
    ask_again,
    delete_conversation,
    save_answer,
    show_branch,
    start_conversation,
)
from hunmin.chat.arranging import (
    archive_conversation,
    create_folder,
    delete_folder,
    file_conversation,
    instruct_conversation,
    instruct_folder,
    order_folders,
    pin_conversation,
    rename_conversation,
    rename_folder,
    set_preferences,
)
from hunmin.chat.feedback import give_feedback, take_back_feedback, withdraw_consent
from hunmin.chat.feedback_export import export_feedback
from hunmin.chat.feedback_queries import list_feedback
from hunmin.chat.folder_queries import list_folders
from hunmin.chat.history import (
    adopt_history,
    delete_history,
    note_export,
    note_history_export,
)
from hunmin.chat.history_zip import history_zip
from hunmin.chat.listing import Place, list_conversations
from hunmin.chat.queries import (
    get_conversation,
    get_message,
    path,
)
from hunmin.chat.share_queries import list_shares, preview_share, read_shared
from hunmin.chat.shares import delete_ended_shares, make_share, revoke_share
from hunmin.chat.wish_queries import get_preferences, wishes

__all__ = [
    "Limits",
    "Place",
    "adopt_history",
    "archive_conversation",
    "ask",
    "ask_again",
    "create_folder",
    "delete_conversation",
    "delete_ended_shares",
    "delete_folder",
    "delete_history",
    "export_feedback",
    "file_conversation",
    "get_conversation",
    "get_message",
    "get_preferences",
    "give_feedback",
    "history_zip",
    "instruct_conversation",
    "instruct_folder",
    "list_conversations",
    "list_feedback",
    "list_folders",
    "list_shares",
    "make_share",
    "note_export",
    "note_history_export",
    "order_folders",
    "path",
    "pin_conversation",
    "preview_share",
    "read_shared",
    "rename_conversation",
    "rename_folder",
    "revoke_share",
    "save_answer",
    "set_preferences",
    "show_branch",
    "start_conversation",
    "take_back_feedback",
    "wishes",
    "withdraw_consent",
]
