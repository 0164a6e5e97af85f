"""Rows of files and collections. A file that was read is its passages, and nothing else is kept."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from hunmin.db import Base, Json, new_id
from hunmin.documents.rules import FileState, SeenBy


class FileRow(Base):
    """A file somebody brought."""

    __tablename__ = "documents_files"
    __table_args__ = (
        CheckConstraint("state IN ('coming', 'waiting', 'read', 'failed')", name="state"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), index=True
    )
    conversation_id: Mapped[str | None] = mapped_column(index=True)
    """The conversation it was asked about in, with which it goes; None until then. No foreign key:
    conversations lie a floor above."""
    name: Mapped[str] = mapped_column(Text)
    state: Mapped[FileState] = mapped_column(Text)
    blob_sha256: Mapped[str | None] = mapped_column(index=True)
    """Where its bytes wait to be read; None afterwards."""
    size_bytes: Mapped[int]
    kind: Mapped[str | None]
    pages: Mapped[int | None]
    characters: Mapped[int | None]
    error: Mapped[Json | None]
    """Why it was refused: `code`, and the message as `en` and `ko`."""
    made_at: Mapped[datetime]


class PassageRow(Base):
    """A passage of a file."""

    __tablename__ = "documents_passages"

    file_id: Mapped[str] = mapped_column(
        ForeignKey("documents_files.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True)
    """Counted from 1, in the order of the file."""
    citation: Mapped[str] = mapped_column(Text)
    heading: Mapped[str] = mapped_column(Text)
    page: Mapped[int]
    text: Mapped[str] = mapped_column(Text)


class CollectionRow(Base):
    """A collection that is published here."""

    __tablename__ = "documents_collections"
    __table_args__ = (
        CheckConstraint("seen_by IN ('everyone', 'people', 'organization')", name="seen_by"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text, unique=True)
    folder: Mapped[str] = mapped_column(Text)
    manifest_sha256: Mapped[str]
    """What the folder held when it was published; another collection there is not searched."""
    seen_by: Mapped[SeenBy] = mapped_column(Text)
    organization_id: Mapped[str | None] = mapped_column(
        ForeignKey("organizations_organizations.id", ondelete="CASCADE")
    )
    documents: Mapped[int]
    passages: Mapped[int]
    published_at: Mapped[datetime]
