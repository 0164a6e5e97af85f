"""Decisions about signing in. Pure: no clock, no database, no settings."""

import base64
import hashlib
import hmac
import ipaddress
import math
import re
import secrets
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from hunmin.errors import TooManyPasskeys

Kind = Literal["passkey_new", "passkey", "oidc", "second"]
"""What a challenge is for: adding a passkey, signing in with one, a provider, a second factor."""

CHALLENGE_SECONDS = 600
"""How long a sign-in may take: finding a phone, typing a password elsewhere."""
CHALLENGE_SECONDS_KEPT = 86_400
"""How long one is kept after its end, so that one that comes back is known for what it is."""

PASSWORD_CHARACTERS_MIN = 12
"""The shortest password. Whatever is easily guessed is refused at any length."""

PASSWORD_CHARACTERS_MAX = 1_000
"""A book is no password; nothing below this is ever cut."""

TRIES_FREE = 5
"""Wrong passwords or codes of one account before it takes time."""
NETWORK_TRIES_FREE = 50
"""The same for all accounts together tried from one network, where many honest people may sit."""
WAIT_SECONDS_MIN = 1
"""How long the first wait is; each failure doubles it."""
WAIT_SECONDS_MAX = 900
QUIET_SECONDS = 86_400
"""After so long without a failure all are forgotten."""

CODE_SECONDS = 30
"""How long one code of an authenticator app is shown."""
CODES_AROUND = 1
"""Codes before and after the present one that are taken too: clocks differ."""
RECOVERY_CODES = 10

PASSKEYS_MAX = 20
"""Of one account."""

_RECOVERY_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_RECOVERY_GROUPS, _RECOVERY_GROUP = 4, 4
_CODE = re.compile(r"[0-9]{6}")
_PAGE = re.compile(r"/(?![/\\])[A-Za-z0-9/_.-]*")


def is_challenge_usable(
    now: datetime,
    *,
    kind: Kind,
    kind_wanted: Kind,
    session_id: str | None,
    session_id_wanted: str | None,
    created_at: datetime,
    expires_at: datetime,
    used_at: datetime | None,
) -> bool:
    """Return whether a challenge ends what it was made for, here and now.

    It does once, in its time, in the session it was made in, or outside of any where it was made
    so. Before its time is not in its time: a clock that went back makes no challenge last longer.
    """
    return (
        kind == kind_wanted
        and session_id == session_id_wanted
        and used_at is None
        and created_at <= now < expires_at
    )


def derived(secret: str, purpose: str) -> str:
    """Return a further secret that only who has `secret` can tell: 43 characters of base64url.

    What a provider or a passkey gets to see is derived so from the browser's own secret, of which
    only the hash is kept: what lies in the database ends no sign-in.
    """
    digest = hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def wait_seconds(now: datetime, *, failures: int, failed_at: datetime, free: int) -> int:
    """Return how long the next try has to wait; 0: it may come.

    After `free` failures each one doubles the wait. A failure that is yet to come is a clock that
    went back: it makes nobody wait.
    """
    doubled = WAIT_SECONDS_MIN * 2 ** min(max(failures - free, 0), 10)
    waits = min(doubled, WAIT_SECONDS_MAX) if failures >= free else 0
    passed = (now - failed_at).total_seconds()
    return math.ceil(waits - passed) if 0 <= passed < waits else 0


def failures_now(now: datetime, *, failures: int, failed_at: datetime) -> int:
    """Return how many failures still count."""
    return 0 if now - failed_at >= timedelta(seconds=QUIET_SECONDS) else failures


def quiet_since(now: datetime) -> datetime:
    """Return the moment before which failures no longer count."""
    return now - timedelta(seconds=QUIET_SECONDS)


def network_of(host: str) -> str:
    """Return the network an address lies in, as one customer has it: /24, or /56 of IPv6."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "unknown"
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    bits = 24 if address.version == 4 else 56  # noqa: PLR2004 (of IP)
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))


def composed(password: str) -> str:
    """Return a password as it is hashed: composed, so that every keyboard writes the same."""
    return unicodedata.normalize("NFC", password)


def is_length_fit(password: str) -> bool:
    """Return whether a password has as many characters as it may."""
    return PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX


def clean_code(text: str) -> str:
    """Return a code as it is compared, however it was typed."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())


def matching_step(
    code: str, now: datetime, *, last_step: int, code_at: Callable[[int], str]
) -> int | None:
    """Return the step of time whose code this is, or None.

    A step is taken once, and none before one that was: a code that was seen is worth nothing.

    Args:
        code: What was typed, cleaned.
        now: When.
        last_step: The last step that was taken; -1 where none was.
        code_at: The code of a step.

    Source:
        RFC 6238, section 5.2: a code is accepted once.
    """
    if not _CODE.fullmatch(code):
        return None
    present = int(now.timestamp()) // CODE_SECONDS
    for step in range(present - CODES_AROUND, present + CODES_AROUND + 1):
        if step > last_step and hmac.compare_digest(code_at(step), code):
            return step
    return None


def check_passkey_count(count: int) -> None:
    """Raise `TooManyPasskeys` where an account may have no further one."""
    if count >= PASSKEYS_MAX:
        raise TooManyPasskeys(passkeys_max=PASSKEYS_MAX)


def is_cloned(*, count_before: int, count_shown: int) -> bool:
    """Return whether a passkey's count of uses went back, as those of two devices do.

    A device that does not count says 0 each time.

    Source:
        W3C, "Web Authentication: Level 3", 6.1.1 and 7.2 step 22.
    """
    return max(count_before, count_shown) > 0 and count_shown <= count_before


def new_recovery_code() -> str:
    """Return a new recovery code, to be written down: 79 bits in four groups."""
    groups = (
        "".join(secrets.choice(_RECOVERY_ALPHABET) for _ in range(_RECOVERY_GROUP))
        for _ in range(_RECOVERY_GROUPS)
    )
    return "-".join(groups)


def page_after(asked: str) -> str:
    """Return where to go after signing in: a page of ours, and never another site."""
    return asked if _PAGE.fullmatch(asked) else "/"
