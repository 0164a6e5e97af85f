"""Decisions about signing in. Pure: no clock, no database, no settings."""

from datetime import datetime
from typing import Literal

Kind = Literal["passkey_new", "passkey", "oidc", "second"]
"""What a challenge is for: adding a passkey, signing in with one, a provider, a second factor."""

CHALLENGE_SECONDS = 600
"""How long a sign-in may take: finding a phone, typing a password elsewhere."""
CHALLENGE_SECONDS_KEPT = 86_400
"""How long one is kept after its end, so that one that comes back is known for what it is."""


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
