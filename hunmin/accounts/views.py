"""What others may know of an account, a key or a session. Secrets and hashes never appear."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from hunmin.accounts.rules import Role


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True, hide_input_in_errors=True)


class UserView(_Shown):
    """One account."""

    id: str
    name: str
    roles: list[Role]
    created_at: datetime


class KeyView(_Shown):
    """One API key, without its secret."""

    id: str
    name: str
    last_four: str
    """The last four characters, to know it by."""
    created_at: datetime
    expires_at: datetime | None
    """None: it does not expire."""
    used_on: date | None
    """The last day (UTC) it was used; None: never."""


class SessionView(_Shown):
    """One browser that is signed in."""

    id: str
    device: str
    """The browser and system, as far as it said; may be empty."""
    created_at: datetime
    used_on: date
    expires_at: datetime
    is_this: bool
    """Whether it is the browser that asks."""
