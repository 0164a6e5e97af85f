"""What people may know of what opens their account. Secrets and hashes never appear."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class SecurityView(BaseModel):
    """What opens one's own account."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    password_changed_at: datetime | None
    """When the password was set; None: there is none."""
    second_factor_since: datetime | None
    """When the authenticator app was set up; None: there is none."""
    recovery_codes_left: int
