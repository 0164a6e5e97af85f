"""What a file may be called, how many there may be, and who sees a collection. Pure."""

import unicodedata
from collections.abc import Collection
from typing import Literal

from hunmin.actor import Actor
from hunmin.errors import TooManyFiles

FileState = Literal["coming", "waiting", "read", "failed"]
"""Being received, waiting to be read, read, or refused by what read it."""

SeenBy = Literal["everyone", "people", "organization"]
"""Guests too; whoever is signed in; the members of one organization."""

FILES_MAX = 10
"""Files of one conversation: their passages are compared with each question, one by one."""

FILE_CHARACTERS_MAX = 500_000
"""The longest text a file may hold: a book. All of it is compared with each question."""

FILES_PER_PERSON_MAX = 100
"""Files a signed-in account may have; those of a conversation go with it."""

FILES_PER_GUEST_MAX = 5

COLLECTIONS_MAX = 5
"""Collections one question is looked up in."""

NAME_CHARACTERS_MAX = 120
CITATION_CHARACTERS_MAX = 300
"""A longer citation or heading is cut: it names a passage, and every passage repeats it."""


def tidy_name(name: str) -> str:
    """Return what a file is called here: its last part, on one line, of bounded length."""
    last = name.replace("\\", "/").rpartition("/")[2]
    composed = unicodedata.normalize("NFC", last)
    shown = " ".join("".join(c if c.isprintable() else " " for c in composed).split())
    return shown[-NAME_CHARACTERS_MAX:].lstrip() or "file"


def tidy_text(text: str) -> str:
    """Return text as both databases take it."""
    return text.replace("\x00", "")


def check_count(count: int, *, files_max: int) -> None:
    """Raise `TooManyFiles` where there are more."""
    if count > files_max:
        raise TooManyFiles(files_max=files_max)


def sees(
    actor: Actor, *, seen_by: SeenBy, organization_id: str | None, organizations: Collection[str]
) -> bool:
    """Return whether an actor sees a collection.

    Args:
        actor: Who.
        seen_by: For whom it was published.
        organization_id: For the members of which organization.
        organizations: Those the actor belongs to.
    """
    if seen_by == "everyone" or actor.kind == "system":
        return True
    if seen_by == "people":
        return actor.kind in {"person", "key"}
    return organization_id in organizations
