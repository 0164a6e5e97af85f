"""What only a demo does: an administrator and some statutes on its first start, and a browser."""

import os
import subprocess
import sys
import threading
import webbrowser
from pathlib import Path

from hunmin import accounts, documents
from hunmin.act import SYSTEM, open_act
from hunmin.db import Database
from hunmin.settings import Settings

ADMINISTRATOR = "admin"

STATUTES = "법령 (Statutes)"
STATUTES_SOURCES = Path(__file__).resolve().parents[2] / "samples" / "statutes.toml"
"""68 laws that ship with Hunmin's repository, and whom to name for them."""


def first_link(database: Database, settings: Settings) -> str | None:
    """Make the administrator where there is none yet, and return the secret of a sign-in link.

    Returns:
        The secret, or None where an administrator is there already.
    """
    with open_act(database, SYSTEM) as act:
        if accounts.list_administrators(act):
            return None
        user = accounts.create_user(act, name=ADMINISTRATOR, roles=["administrator"])
        minutes = settings.accounts.sign_in_link_minutes
        return accounts.create_sign_in_link(act, user.id, minutes=minutes)


def first_collection(database: Database, settings: Settings) -> bool:
    """Publish the sample statutes to everyone, where it was never done in this data folder.

    An administrator may withdraw them: they do not come back.

    Returns:
        Whether they could be made, or were there; the command that makes them says why not.
    """
    folder = settings.data.absolute() / "statutes"
    if folder.exists() or not STATUTES_SOURCES.is_file():
        return True
    made = subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, "-m", "hunmin", "documents", "index", STATUTES_SOURCES, "--out", folder],
        stdout=subprocess.DEVNULL,  # what it is called; why it failed goes to stderr
        check=False,
    )
    if made.returncode:
        return False
    with open_act(database, SYSTEM) as act:
        documents.publish_collection(act, folder, name=STATUTES, seen_by="everyone")
    return True


def open_browser(address: str) -> None:
    """Open a browser where one can be seen, without waiting for it."""
    if has_screen():
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def has_screen() -> bool:
    """Return whether this machine shows windows to whoever runs the program."""
    if sys.platform in {"darwin", "win32"}:
        return "SSH_CONNECTION" not in os.environ
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
