"""Who may do what, and what a name or a secret must look like. Pure."""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal, get_args

from hunmin.actor import Actor
from hunmin.errors import (
    KeyNotRotatable,
    ModelsUnfit,
    NameUnusable,
    OverlapTooLong,
    OwnAccount,
    PersonNeeded,
    ProofNeeded,
    RoleNeeded,
    RoleUnknown,
    ScopeNeeded,
    ScopeUnknown,
    SessionNotOwn,
    TooManyKeys,
)

Role = Literal["administrator", "auditor", "person", "guest", "service"]
Scope = Literal["inference", "files", "usage", "chat", "admin"]
"""What a key may be used for: a route that takes keys names the one it asks for."""

SecondFactor = Literal["optional", "administrators", "everyone"]
"""Who has to show a second factor."""
Method = Literal["guest", "link", "password", "passkey", "oidc"]
"""By what a session was opened; a guest's by the first thing they did."""

ROLES: tuple[Role, ...] = get_args(Role)
GIVEN_ROLES: tuple[Role, ...] = ("administrator", "auditor", "person")
"""What an administrator can give; `guest` is only ever made by opening a page, `service` by a
project."""
HOUSE_ROLES: frozenset[str] = frozenset({"administrator", "auditor"})
"""Roles that reach beyond one's own account."""

SCOPES: tuple[Scope, ...] = get_args(Scope)
PROGRAM_SCOPES: tuple[Scope, ...] = ("inference", "files", "usage")
"""What a new key may do. The conversations of its owner are another matter, to be asked for."""

NAME_CHARACTERS_MAX = 64
KEYS_MAX = 50
"""Usable keys of one account: more is a mistake in somebody's loop."""
ENDED_DAYS_KEPT = 30
"""How long a link or session is kept after its end, so that its owner may still ask about it."""
KEY_MODELS_MAX = 32
"""Models a key may be limited to: more is no limit."""
PROOF_SECONDS = 600
"""How long after showing who one is one may do what asks for it."""
KEY_PREFIX = "hm-"
SECRET_BYTES = 32

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
"""256 random bits as `secrets.token_urlsafe` writes them."""

_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")
"""A model's name, as the audit log could hold it."""

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
    """Return what two names are compared by.

    U+0000, which no name has and PostgreSQL takes for no text, becomes U+FFFD, which is in none.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return folded.replace("\0", "\ufffd")


def check_role(role: str) -> Role:
    """Return a role that can be given.

    Raises:
        RoleUnknown: There is none of that name.
    """
    for known in GIVEN_ROLES:
        if known == role:
            return known
    raise RoleUnknown(known=GIVEN_ROLES)


def check_scopes(scopes: Collection[str]) -> list[Scope]:
    """Return the scopes of a key, in the order of `SCOPES`.

    Raises:
        ScopeUnknown: There is none of one of these names, or none is given at all.
    """
    if not scopes or not set(scopes) <= set(SCOPES):
        raise ScopeUnknown(known=SCOPES)
    return [scope for scope in SCOPES if scope in scopes]


def check_models(models: Collection[str] | None) -> list[str] | None:
    """Return the models a key may ask; None: any.

    Raises:
        ModelsUnfit: They are too many, or one cannot be a model's name.
    """
    if models is None:
        return None
    if not 0 < len(models) <= KEY_MODELS_MAX or not all(map(_MODEL.fullmatch, models)):
        raise ModelsUnfit(models_max=KEY_MODELS_MAX)
    return sorted(set(models))


def check_scope(actor: Actor, scope: Scope) -> None:
    """Raise `ScopeNeeded` where a key was not made for this. Who is no key needs no scope."""
    if actor.kind == "key" and scope not in actor.scopes:
        raise ScopeNeeded(scope=scope)


def roles_of_key(
    roles: Collection[Role], *, scopes: Collection[str], organization_id: str | None
) -> frozenset[Role]:
    """Return the roles a key has of its owner's.

    What reaches beyond the owner's account a key has only if it was made for that, and never a
    key of an organization: what it may do there is for the organization to say.
    """
    reaches = "admin" in scopes and organization_id is None
    return frozenset(roles) if reaches else frozenset(roles) - HOUSE_ROLES


def needs_second_factor(roles: Collection[str], *, second_factor: SecondFactor) -> bool:
    """Return whether whoever has these roles has to show two factors to use them all."""
    if second_factor == "administrators":
        return not HOUSE_ROLES.isdisjoint(roles)
    return second_factor == "everyone"


def roles_in_session(
    roles: Collection[Role], *, strength: int, for_other: bool, second_factor: SecondFactor
) -> frozenset[Role]:
    """Return the roles a person has in a browser.

    What reaches beyond one's own account takes two factors where they are asked for, and is never
    had by a link that another person made.
    """
    lacks = strength == 1 and needs_second_factor(roles, second_factor=second_factor)
    return frozenset(roles) - HOUSE_ROLES if lacks or for_other else frozenset(roles)


def check_proved(actor: Actor, now: datetime) -> None:
    """Raise `ProofNeeded` unless the person at the browser showed just now that it is them.

    Keys and the house itself have no browser; what they may do is decided elsewhere. A moment
    that is not yet is none: a clock that went back makes no proof last longer.
    """
    if actor.kind in {"key", "system"}:
        return
    if actor.proved_at is None or not (
        0 <= (now - actor.proved_at).total_seconds() < PROOF_SECONDS
    ):
        raise ProofNeeded


def check_own_session(actor: Actor) -> None:
    """Raise `SessionNotOwn` where another person's link opened the session."""
    if actor.for_other:
        raise SessionNotOwn


def check_is_another(actor: Actor, user_id: str) -> None:
    """Raise `OwnAccount` where one would shut oneself out."""
    if actor.user_id == user_id:
        raise OwnAccount


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

    A key may not make keys, or revoking it would not end what was done with it; nor may whoever
    came by another's link, or it would open more than it does.
    """
    check_own_session(actor)
    if actor.kind == "system" or (actor.kind == "person" and actor.user_id == user_id):
        return
    if actor.kind == "person":
        check_role_held(actor, "administrator")
        return
    raise PersonNeeded


def is_for_other(*, user_id: str, created_by: str | None, is_in_use: bool) -> bool:
    """Return whether a link lets another person into an account, as far as anybody can tell.

    The house itself makes links for people who have lost every other way, by a command that is
    on record. The first link of an account opens nothing that is anybody's yet.
    """
    return is_in_use and created_by not in {None, user_id}


def check_key_count(usable: int) -> None:
    """Raise `TooManyKeys` where an account can hold no more."""
    if usable >= KEYS_MAX:
        raise TooManyKeys(keys_max=KEYS_MAX)


def is_usable(
    now: datetime,
    *,
    expires_at: datetime | None,
    ended_at: datetime | None,
    retires_at: datetime | None = None,
) -> bool:
    """Return whether a secret opens anything now: not ended, and not past its time."""
    ends = [end for end in (expires_at, retires_at) if end is not None]
    return ended_at is None and all(now < end for end in ends)


def overlap(hours: int, *, hours_max: int) -> timedelta:
    """Return how long a key works beside the one that takes its place.

    Raises:
        OverlapTooLong: That is longer than may be.
    """
    if not 0 <= hours <= hours_max:
        raise OverlapTooLong(hours_max=hours_max)
    return timedelta(hours=hours)


def check_rotatable(*, is_retiring: bool) -> None:
    """Raise `KeyNotRotatable` where another key took the place of one already."""
    if is_retiring:
        raise KeyNotRotatable


def renewed_expiry(
    now: datetime, *, made_at: datetime, expires_at: datetime | None
) -> datetime | None:
    """Return when a key expires that takes the place of another: after as long as that one had."""
    return None if expires_at is None else now + (expires_at - made_at)


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
