"""What only a demo does: its administrator on the very first start, and a browser."""

import os
import sys
import threading
import webbrowser

from hunmin import accounts
from hunmin.act import SYSTEM, open_act
from hunmin.db import Database
from hunmin.settings import Settings

ADMINISTRATOR = "admin"


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


def open_browser(address: str) -> None:
    """Open a browser where one can be seen, without waiting for it."""
    if has_screen():
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def has_screen() -> bool:
    """Return whether this machine shows windows to whoever runs the program."""
    if sys.platform in {"darwin", "win32"}:
        return "SSH_CONNECTION" not in os.environ
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
