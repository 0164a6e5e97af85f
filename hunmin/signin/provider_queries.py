"""Reads of who somebody is at the OpenID providers."""

from sqlalchemy import select

from hunmin.act import Act
from hunmin.signin.tables import IdentityRow, PlaceRow


def find_identity(act: Act, *, issuer: str, subject: str) -> IdentityRow | None:
    """Return whose account somebody of a provider opens, for actions.

    By issuer and subject and by nothing else: a name or an address for e-mail can be given to
    another, or be claimed by anybody at another provider.
    """
    return act.session.get(IdentityRow, (issuer, subject))


def identity_rows(act: Act, *, issuer: str) -> list[IdentityRow]:
    """Return who the actor is at one provider, for actions."""
    mine = (IdentityRow.user_id == act.actor.user_id) & (IdentityRow.issuer == issuer)
    return list(act.session.scalars(select(IdentityRow).where(mine)))


def linked_issuers(act: Act) -> set[str]:
    """Return the issuers of the providers that the actor's own account is linked to."""
    mine = IdentityRow.user_id == act.actor.user_id
    return set(act.session.scalars(select(IdentityRow.issuer).where(mine)))


def places_given(act: Act, user_id: str, *, issuer: str) -> dict[str, PlaceRow]:
    """Return what a provider's groups made somebody in each organization, for actions."""
    given = (PlaceRow.user_id == user_id) & (PlaceRow.issuer == issuer)
    return {row.organization_id: row for row in act.session.scalars(select(PlaceRow).where(given))}
