"""Actor: who does something. A plain value, so that rules can decide about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

ActorKind = Literal["person", "guest", "key", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts."""

    user_id: str | None
    """The account that answers for the act; None only for the system and strangers."""
    roles: frozenset[str] = frozenset()
    kind: ActorKind = "person"
    key_id: str | None = None
    """The key that was shown, where a program acts for a person."""
    organization_id: str | None = None
    """The organization a key belongs to; None for a person's own key, and for persons."""
    project_id: str | None = None
    """The project a key belongs to, of that organization."""
    scopes: frozenset[str] = frozenset()
    """What a key may be used for. Persons and guests have none and need none."""
    models: frozenset[str] | None = None
    """The models a key may ask; None: any."""
    proved_at: datetime | None = None
    """When the person at a browser last showed that it is them; None where there is no browser."""
    for_other: bool = False
    """Whether a link opened the session that another person made for an account in use."""

    @property
    def id(self) -> str:
        """Return the id under which the audit log knows this actor."""
        return self.user_id or self.kind

    @property
    def tenant(self) -> str:
        """Return whose work this is: between tenants nothing is shared."""
        return self.organization_id or self.id

    def has_role(self, *roles: str) -> bool:
        """Return whether the actor holds any of `roles`."""
        return not self.roles.isdisjoint(roles)


SYSTEM = Actor(user_id=None, roles=frozenset({"administrator"}), kind="system")
"""The house itself: jobs, migrations, commands run by whoever can read the data folder."""
