"""Who may do what, and what a name or a secret must look like. Pure."""

import hashlib
import hmac
import re
import unicodedata
from datetime import datetime, timedelta
from typing import Literal, get_args

from hunmin.actor import Actor
from hunmin.errors import NameUnusable, PersonNeeded, RoleNeeded, RoleUnknown, TooManyKeys

Role = Literal["administrator", "auditor", "person", "guest"]

ROLES: tuple[Role, ...] = get_args(Role)
GIVEN_ROLES: tuple[Role, ...] = ("administrator", "auditor", "person")
"""What an administrator can give; `guest` is only ever made by opening a page."""

NAME_CHARACTERS_MAX = 64
KEYS_MAX = 50
"""Usable keys of one account: more is a mistake in somebody's loop."""
ENDED_DAYS_KEPT = 30
"""How long a link or session is kept after its end, so that its owner may still ask about it."""
KEY_PREFIX = "hm-"
SECRET_BYTES = 32

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
"""256 random bits as `secrets.token_urlsafe` writes them."""

# Letters and digits of any script, marks that belong to them, and a few signs between.
_NAME = re.compile(r"[^\W_](?:[\w .@-]*[\w])?")


def clean_name(name: str) -> str:
    """Return a name as it is kept: composed, without spaces around it or two in a row.

    Raises:
        NameUnusable: It is empty, too long, or has characters that do not belong in a name.
    """
    cleaned = " ".join(unicodedata.normalize("NFC", name).split(" ")).strip()
    cleaned = re.sub(" +", " ", cleaned)
    if len(cleaned) > NAME_CHARACTERS_MAX or not _NAME.fullmatch(cleaned):
        raise NameUnusable(characters_max=NAME_CHARACTERS_MAX)
    return cleaned


def clean_label(text: str) -> str:
    """Return what a key is for as it is kept: on one line, composed, of bounded length.

    Raises:
        NameUnusable: It has no letter and no digit.
    """
    composed = unicodedata.normalize("NFC", text)
    shown = " ".join("".join(c if c.isprintable() else " " for c in composed).split())
    if not any(character.isalnum() for character in shown):
        raise NameUnusable(characters_max=NAME_CHARACTERS_MAX)
    return shown[:NAME_CHARACTERS_MAX].rstrip()


def name_key(name: str) -> str:
    """Return what two names are compared by."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def check_role(role: str) -> Role:
    """Return a role that can be given.

    Raises:
        RoleUnknown: There is none of that name.
    """
    for known in GIVEN_ROLES:
        if known == role:
            return known
    raise RoleUnknown(known=GIVEN_ROLES)


def check_administers(actor: Actor) -> None:
    """Raise unless the actor is an administrator in person, or the house itself."""
    if actor.kind == "key":
        raise PersonNeeded
    check_role_held(actor, "administrator")


def check_role_held(actor: Actor, *roles: Role) -> None:
    """Raise `RoleNeeded` unless the actor holds one of `roles`."""
    if not actor.has_role(*roles):
        raise RoleNeeded(roles=frozenset(roles))


def check_answers_for(actor: Actor, user_id: str) -> None:
    """Raise unless the actor may make secrets for this account: its own person, or the house.

    A key may not make keys, or revoking it would not end what was done with it.
    """
    if actor.kind == "system" or (actor.kind == "person" and actor.user_id == user_id):
        return
    if actor.kind == "person":
        check_role_held(actor, "administrator")
        return
    raise PersonNeeded


def check_key_count(usable: int) -> None:
    """Raise `TooManyKeys` where an account can hold no more."""
    if usable >= KEYS_MAX:
        raise TooManyKeys(keys_max=KEYS_MAX)


def is_usable(now: datetime, *, expires_at: datetime | None, ended_at: datetime | None) -> bool:
    """Return whether a secret opens anything now: not ended, and not past its time."""
    return ended_at is None and (expires_at is None or now < expires_at)


def expiry(now: datetime, *, days: int | None) -> datetime | None:
    """Return the end of `days` from now; None has no end."""
    return None if days is None else now + timedelta(days=days)


def secret_of_key(text: str) -> str | None:
    """Return the key in `text` if it has the shape of one of ours."""
    shaped = text.startswith(KEY_PREFIX) and _SECRET.fullmatch(text.removeprefix(KEY_PREFIX))
    return text if shaped else None


def secret_of_link(text: str) -> str | None:
    """Return the secret in a sign-in link: the last part of an address, or pasted alone."""
    last = text.strip().rstrip("/").rpartition("/")[2].partition("?")[0].partition("#")[0]
    return last if _SECRET.fullmatch(last) else None


def secret_of_session(text: str) -> str | None:
    """Return the secret of a session cookie if it has the shape of one."""
    return text if _SECRET.fullmatch(text) else None


def hash_secret(secret: str) -> str:
    """Return what is kept of a secret. 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same_hash(one: str, other: str) -> bool:
    """Return whether two hashes are equal, in a time that tells nothing."""
    return hmac.compare_digest(one, other)


def device_name(user_agent: str) -> str:
    """Return a browser and a system in two words, and nothing else of what a browser says."""
    browsers = {
        "Edg/": "Edge",
        "Whale/": "Whale",
        "SamsungBrowser/": "Samsung Internet",
        "OPR/": "Opera",
        "Firefox/": "Firefox",
        "FxiOS/": "Firefox",
        "CriOS/": "Chrome",
        "Chrome/": "Chrome",
        "Safari/": "Safari",
    }
    systems = {
        "iPhone": "iPhone",
        "iPad": "iPad",
        "Android": "Android",
        "Windows": "Windows",
        "Mac OS X": "macOS",
        "CrOS": "ChromeOS",
        "Linux": "Linux",
    }
    browser = next((name for sign, name in browsers.items() if sign in user_agent), "")
    system = next((name for sign, name in systems.items() if sign in user_agent), "")
    return ", ".join(part for part in (browser, system) if part)
