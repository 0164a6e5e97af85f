"""Everything that can be done with what an OpenID provider says: sign in, link, unlink.

Who it says somebody is was verified before (`provider`). Groups decide where they lead and over
nothing else: what was made by hand in an organization stays as it is.
"""

from dataclasses import replace

from sqlalchemy.exc import IntegrityError

from hunmin import accounts, audit, logs, organizations
from hunmin.act import SYSTEM, Act
from hunmin.db import new_id
from hunmin.errors import (
    Archived,
    ChallengeUnusable,
    IdentityNotFound,
    IdentityTaken,
    IdentityUnknown,
    LastOwner,
    MemberExists,
    MemberNotFound,
    OrganizationNotFound,
    PersonNeeded,
    UserExists,
    UserNotFound,
)
from hunmin.signin import provider_queries, provider_rules
from hunmin.signin.actions import Browser, Entered, enter
from hunmin.signin.owner import check_owner
from hunmin.signin.provider import Provider, Stranger
from hunmin.signin.tables import IdentityRow, PlaceRow

log = logs.get(__name__)


def sign_in_with(
    act: Act,
    provider: Provider,
    stranger: Stranger,
    *,
    browser: Browser,
    adopt: bool = False,
) -> Entered:
    """Sign a browser in as whom a provider says is at it, or ask for their second factor.

    Args:
        act: Whoever came back; nobody in particular.
        provider: From where.
        stranger: Whom it knows them as.
        browser: What they sit at.
        adopt: What the browser did as a guest is to come along.

    Raises:
        IdentityUnknown: Nobody linked them to an account and none is to be made, or the account
            is disabled.
        ChallengeUnusable: They came twice for the first time at one moment; the other was quicker.
    """
    found = provider_queries.find_identity(act, issuer=stranger.issuer, subject=stranger.subject)
    if found is not None:
        user_id = found.user_id
    elif provider.settings.create:
        user_id = _welcome(act, provider, stranger)
    else:
        raise IdentityUnknown(title=provider.title)
    try:
        entered = enter(
            act,
            user_id,
            method="oidc",
            strength=2 if stranger.strong else 1,
            browser=browser,
            adopt=adopt,
        )
    except UserNotFound:
        raise IdentityUnknown(title=provider.title) from None
    _follow_groups(act, provider, stranger, user_id)
    return entered


def link(act: Act, provider: Provider, stranger: Stranger) -> None:
    """Let somebody sign in to their own account with a provider from now on.

    Raises:
        PersonNeeded: A key or a guest tried.
        SessionNotOwn: Another person's link let the actor in.
        ProofNeeded: The actor did not show just now who they are.
        IdentityTaken: They belong to another account here.
    """
    user_id = act.actor.user_id
    if act.actor.kind != "person" or user_id is None:
        raise PersonNeeded
    check_owner(act, user_id)
    found = provider_queries.find_identity(act, issuer=stranger.issuer, subject=stranger.subject)
    if found is None:
        try:
            _keep_identity(act, provider, stranger, user_id)
        except ChallengeUnusable:
            raise IdentityTaken from None
    elif found.user_id != user_id:
        raise IdentityTaken


def unlink(act: Act, provider: Provider) -> None:
    """End that one's own account is opened with a provider; what its groups gave ends too.

    Raises:
        SessionNotOwn: Another person's link let the actor in.
        ProofNeeded: The actor did not show just now who they are.
        IdentityNotFound: It is not linked.
    """
    user_id = act.actor.user_id or ""
    check_owner(act, user_id)
    rows = provider_queries.identity_rows(act, issuer=provider.issuer)
    if not rows:
        raise IdentityNotFound
    for row in rows:
        act.session.delete(row)
    act.session.flush()
    audit.record(act, "signin.identity.unlink", user_id, provider=provider.name)
    for place in provider_queries.places_given(act, user_id, issuer=provider.issuer).values():
        _take_place(replace(act, actor=SYSTEM), place)


def note_refusal(act: Act, provider: Provider, *, reason: str) -> None:
    """Put on record that what came back from a provider was not believed."""
    audit.record(act, "signin.provider.refuse", provider.name, reason=reason)


def _welcome(act: Act, provider: Provider, stranger: Stranger) -> str:
    """Make an account for somebody who comes for the first time; return its id.

    A name that is taken is somebody's who may be another: the account gets one beside it.
    """
    house = replace(act, actor=SYSTEM)
    unique = f"{provider.name}-{new_id()}"
    for name in provider_rules.names_for(stranger.name, unique=unique):
        if accounts.find_user(house, name) is None:
            try:
                user = accounts.create_user(house, name=name)
            except UserExists as error:
                raise ChallengeUnusable from error
            _keep_identity(act, provider, stranger, user.id)
            return user.id
    raise AssertionError("the last name is one nobody has")


def _keep_identity(act: Act, provider: Provider, stranger: Stranger, user_id: str) -> None:
    act.session.add(
        IdentityRow(
            issuer=stranger.issuer, subject=stranger.subject, user_id=user_id, linked_at=act.now
        )
    )
    try:
        act.session.flush()
    except IntegrityError as error:  # they came by another door since they were looked up
        raise ChallengeUnusable from error
    audit.record(act, "signin.identity.link", user_id, provider=provider.name)


def _follow_groups(act: Act, provider: Provider, stranger: Stranger, user_id: str) -> None:
    """Make somebody in each organization what their groups say, where those changed."""
    house = replace(act, actor=SYSTEM)
    wanted = provider_rules.places_of(stranger.groups, mapping=provider.settings.groups)
    given = provider_queries.places_given(act, user_id, issuer=provider.issuer)
    for organization_id in sorted(wanted.keys() | given.keys()):
        role, place = wanted.get(organization_id), given.get(organization_id)
        if role is None:
            assert place is not None, "it is in one of the two"
            _take_place(house, place)
        elif place is None:
            _give_place(house, provider, user_id, organization_id, role)
        elif place.role != role:
            _change_place(house, place, role)


def _give_place(
    house: Act, provider: Provider, user_id: str, organization_id: str, role: organizations.Role
) -> None:
    """Make somebody a member, unless they are one by another's hand."""
    try:
        organizations.add_member(house, organization_id, user_id, role=role)
    except MemberExists:
        return
    except (OrganizationNotFound, Archived):
        log.warning("a group leads to no organization", provider=provider.name)
        return
    house.session.add(
        PlaceRow(
            user_id=user_id, organization_id=organization_id, issuer=provider.issuer, role=role
        )
    )
    house.session.flush()


def _change_place(house: Act, place: PlaceRow, role: organizations.Role) -> None:
    try:
        organizations.change_role(house, place.organization_id, place.user_id, role=role)
    except MemberNotFound:  # removed by hand since: that stays so
        pass
    except (LastOwner, Archived):
        log.warning("a role could not follow a group", organization=place.organization_id)
        return
    place.role = role
    house.session.flush()


def _take_place(house: Act, place: PlaceRow) -> None:
    try:
        organizations.remove_member(house, place.organization_id, place.user_id)
    except MemberNotFound:  # removed by hand since
        pass
    except LastOwner:
        log.warning("a role could not follow a group", organization=place.organization_id)
        return
    house.session.delete(place)
    house.session.flush()
