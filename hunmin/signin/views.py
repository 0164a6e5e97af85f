"""What people may know of what opens their account. Secrets and hashes never appear."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict


class PasskeyView(BaseModel):
    """One passkey."""

    model_config = ConfigDict(frozen=True, from_attributes=True, hide_input_in_errors=True)

    id: str
    name: str
    backed_up: bool
    """Whether it is kept on more devices than one."""
    created_at: datetime
    used_on: date | None
    """The last day (UTC) it was used; None: never."""
    cloned_at: datetime | None
    """Since when it opens nothing, because another device seems to hold a copy; None: it works."""


class SecurityView(BaseModel):
    """What opens one's own account."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    password_changed_at: datetime | None
    """When the password was set; None: there is none."""
    second_factor_since: datetime | None
    """When the authenticator app was set up; None: there is none."""
    recovery_codes_left: int
    passkeys: list[PasskeyView]

    @property
    def has_second_factor(self) -> bool:
        """Return whether one factor alone does not open the account."""
        return self.second_factor_since is not None or bool(self.passkeys)
