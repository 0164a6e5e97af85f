"""Rows of conversations. Deleting one deletes its text: on SQLite the pages are overwritten too.

(`PRAGMA secure_delete` is set where connections are made, in `db.py`.)
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from hunmin.chat.rules import Role, State, Verdict
from hunmin.db import Base, Json, Words, new_id


class FolderRow(Base):
    """A folder of one account, for conversations."""

    __tablename__ = "chat_folders"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(Text)
    place: Mapped[int]
    """Where in the list it stands, counted from 0."""
    system_prompt: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class PreferenceRow(Base):
    """How an account would like to be answered in every conversation."""

    __tablename__ = "chat_preferences"

    user_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), primary_key=True
    )
    system_prompt: Mapped[str] = mapped_column(Text)
    model: Mapped[str | None]
    temperature: Mapped[float | None]


class ConversationRow(Base):
    """One conversation of one account."""

    __tablename__ = "chat_conversations"
    __table_args__ = (Index(None, "owner_id", "updated_at", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(ForeignKey("accounts_users.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    leaf_id: Mapped[str | None]
    """The last message of the branch shown. A message id; not a foreign key, or the two tables
    would hold each other."""
    title_initials: Mapped[str] = mapped_column(Text)
    """What `hangul.initials` says of the title, to be searched."""
    folder_id: Mapped[str | None] = mapped_column(
        ForeignKey("chat_folders.id", ondelete="SET NULL"), index=True
    )
    pinned_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]

    # How its questions are answered; where nothing is said, the account's preferences hold.
    model: Mapped[str | None]
    system_prompt: Mapped[str] = mapped_column(Text)
    temperature: Mapped[float | None]
    collection_ids: Mapped[Words | None]
    """The collections its questions are looked up in."""


class MessageRow(Base):
    """One message: a question, or an answer with its facts."""

    __tablename__ = "chat_messages"
    __table_args__ = (
        Index(None, "conversation_id", "id"),
        CheckConstraint("role IN ('user', 'assistant')", name="role"),
        CheckConstraint(
            "state IN ('whole', 'writing', 'stopped', 'interrupted', 'failed')", name="state"
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[str] = mapped_column(
        ForeignKey("chat_conversations.id", ondelete="CASCADE")
    )
    parent_id: Mapped[str | None] = mapped_column(
        ForeignKey("chat_messages.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[Role] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[State] = mapped_column(Text)
    """As saved; a writer that was killed could not say so. `rules.state_now` finds it out."""
    created_at: Mapped[datetime]
    saved_at: Mapped[datetime]
    """The last sign of life of whoever writes it."""

    # The facts of an answer; a question has none.
    model: Mapped[str | None]
    model_sha256: Mapped[str | None]
    """SHA-256 of the manifest of the model that answered, where it has one."""
    wall_ms: Mapped[int | None]
    first_token_ms: Mapped[int | None]
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    finish_reason: Mapped[str | None]
    error_code: Mapped[str | None]
    left_out: Mapped[int | None]
    """Messages of the conversation that the model did not read, its context being too short."""

    initials: Mapped[str] = mapped_column(Text)
    """What `hangul.initials` says of the text's first letters, to be searched."""
    looked: Mapped[bool | None]
    """Whether passages were looked for, for an answer; found or not."""

    # What its writer is told from other servers, while it writes.
    reader_seen_at: Mapped[datetime | None]
    """The last sign of life of who reads it at another server."""
    stop_asked_at: Mapped[datetime | None]
    """When its writer was asked to stop, at another server."""


class TrainingConsentRow(Base):
    """Somebody's consent that what was said of the answers to a question may train models.

    It names nobody and outlives the words, so that what was exported under it can be found: it
    lives as long as some feedback names it.
    """

    __tablename__ = "chat_training_consents"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    notice: Mapped[int]
    """The number of the notice it was given to, one of `notices.TRAINING_NOTICES`."""
    given_at: Mapped[datetime]


class FeedbackRow(Base):
    """What the asker said of one answer."""

    __tablename__ = "chat_feedback"
    __table_args__ = (CheckConstraint("verdict IN ('good', 'bad')", name="verdict"),)

    message_id: Mapped[str] = mapped_column(
        ForeignKey("chat_messages.id", ondelete="CASCADE"), primary_key=True
    )
    verdict: Mapped[Verdict] = mapped_column(Text)
    reasons: Mapped[Words]
    words: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    consent_id: Mapped[str | None] = mapped_column(
        ForeignKey("chat_training_consents.id"), index=True
    )
    """The consent under which it may be used for training; without one it may not."""


class MessageFileRow(Base):
    """A file that a question was asked with."""

    __tablename__ = "chat_message_files"

    message_id: Mapped[str] = mapped_column(
        ForeignKey("chat_messages.id", ondelete="CASCADE"), primary_key=True
    )
    file_id: Mapped[str] = mapped_column(
        ForeignKey("documents_files.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class MessageSourceRow(Base):
    """A passage that was found for an answer. One of a file goes with the file."""

    __tablename__ = "chat_message_sources"

    message_id: Mapped[str] = mapped_column(
        ForeignKey("chat_messages.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True)
    """In the order they are shown, counted from 1."""
    number: Mapped[int | None]
    """By which the answer may name it; None for one that the model did not read."""
    file_id: Mapped[str | None] = mapped_column(
        ForeignKey("documents_files.id", ondelete="CASCADE"), index=True
    )
    collection_id: Mapped[str | None]
    """No foreign key: what was cited stays, when the collection has been withdrawn."""
    address: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    citation: Mapped[str] = mapped_column(Text)
    page: Mapped[int]
    excerpt: Mapped[str] = mapped_column(Text)


class ShareRow(Base):
    """A copy of a branch for whoever has its address, until it ends."""

    __tablename__ = "chat_shares"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[str] = mapped_column(
        ForeignKey("chat_conversations.id", ondelete="CASCADE"), index=True
    )
    owner_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), index=True
    )
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    snapshot: Mapped[Json]
    """A `views.SharedConversation`."""
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
