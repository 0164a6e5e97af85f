"""Keys of an organization at the door of OpenAI's administration API, for all rooms with routes."""

from typing import Annotated, Any

from fastapi import Depends

from hunmin import accounts
from hunmin.act import Act
from hunmin.errors import OrganizationUnclear

ADMIN_REFUSED: dict[int | str, dict[str, Any]] = {
    kind: {"description": description, "content": {"application/json": {"schema": {}}}}
    for kind, description in {
        "4XX": "Refused, in OpenAI's error envelope; `scope_needed` where the key is not for this.",
        "5XX": "Not able to answer now, in OpenAI's error envelope.",
    }.items()
}
"""What OpenAPI says of refusals."""

AdminAct = Annotated[Act, Depends(accounts.key_act("admin"), scope="function")]
"""The act of a key that administers an organization."""


def organization_of_key(act: Act) -> str:
    """Return the organization of the key that acts.

    Raises:
        OrganizationUnclear: The key is of none.
    """
    if act.actor.organization_id is None:
        raise OrganizationUnclear
    return act.actor.organization_id
