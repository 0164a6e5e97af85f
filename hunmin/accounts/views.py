"""What others may know of an account, a key or a session. Secrets and hashes never appear."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from hunmin.accounts.rules import Role, Scope


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True, hide_input_in_errors=True)


class UserView(_Shown):
    """One account."""

    id: str
    name: str
    roles: list[Role]
    created_at: datetime
    disabled_at: datetime | None
    """Since when nothing opens the account; None: it is not disabled."""


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
    user_id: str
    """Whose it is."""
    organization_id: str | None
    project_id: str | None
    """The project it belongs to; None: it is a person's own, or the organization's."""
    scopes: list[Scope]
    """What it may be used for."""
    models: list[str] | None
    """The models it may ask; None: any."""
    replaces_id: str | None
    """The key whose place it took."""
    retires_at: datetime | None
    """When it stops working because another took its place; None: none did."""


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
    for_other: bool
    """Whether a link opened it that somebody else made."""
