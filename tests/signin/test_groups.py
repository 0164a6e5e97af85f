"""What the groups of a provider make somebody, and what they leave alone."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin import organizations, signin
from hunmin.settings import ProviderSettings
from hunmin.signin import provider_actions, provider_rules
from hunmin.signin.provider import Provider, Stranger

ISSUER = "https://login.example.go.kr"


def known(*groups: str) -> Stranger:
    return Stranger(issuer=ISSUER, subject="7", name="다나", groups=frozenset(groups), strong=False)


@pytest.fixture
def ministry(act_as, make_person):
    """Give the id of an organization that somebody else owns."""
    owner = make_person("minister")
    with act_as() as act:
        made = organizations.create_organization(act, name="부처", owner_id=owner.user_id)
    return made.id


@pytest.fixture
def arrive(act_as, noon, ministry):
    """Give `arrive(*groups)`: somebody signs in with these; returns their account's id."""
    groups = {"staff": f"{ministry}:member", "heads": f"{ministry}:manager"}
    settings = ProviderSettings(issuer=ISSUER, client_id="hunmin", groups=groups, create=True)
    provider = Provider("gov", settings)

    def arrive(*groups: str) -> str:
        with act_as(now=noon + timedelta(seconds=1)) as act:
            entered = provider_actions.sign_in_with(
                act, provider, known(*groups), browser=signin.Browser(days=1)
            )
        return entered.session.actor.user_id

    return arrive


def role_of(act_as, organization_id, user_id) -> str | None:
    with act_as() as act:
        members = organizations.list_members(act, organization_id)
    return next((one.role for one in members if one.user_id == user_id), None)


def test_a_group_makes_somebody_a_member_and_its_loss_ends_that(act_as, ministry, arrive):
    user_id = arrive("staff", "unknown")
    assert role_of(act_as, ministry, user_id) == "member"
    arrive("staff", "heads")
    assert role_of(act_as, ministry, user_id) == "manager"
    arrive("staff")
    assert role_of(act_as, ministry, user_id) == "member"
    arrive()
    assert role_of(act_as, ministry, user_id) is None


def test_what_was_made_by_hand_stays(act_as, ministry, arrive):
    user_id = arrive()
    with act_as() as act:
        organizations.add_member(act, ministry, user_id, role="billing")

    for groups in (("heads",), ()):
        arrive(*groups)
        assert role_of(act_as, ministry, user_id) == "billing"


def test_who_was_removed_by_hand_stays_out_while_their_groups_are_the_same(
    act_as, ministry, arrive
):
    user_id = arrive("staff")
    with act_as() as act:
        organizations.remove_member(act, ministry, user_id)

    arrive("staff")
    assert role_of(act_as, ministry, user_id) is None
    arrive("heads")
    assert role_of(act_as, ministry, user_id) is None


def test_the_last_owner_stays_and_whoever_comes_is_signed_in_all_the_same(act_as, ministry, arrive):
    user_id = arrive("heads")
    with act_as() as act:
        organizations.change_role(act, ministry, user_id, role="owner")
        minister = next(
            one for one in organizations.list_members(act, ministry) if one.user_id != user_id
        )
        organizations.remove_member(act, ministry, minister.user_id)

    assert arrive() == user_id
    assert role_of(act_as, ministry, user_id) == "owner"


def test_an_organization_that_was_closed_takes_nobody_and_shuts_nobody_out(
    act_as, ministry, arrive
):
    with act_as() as act:
        organizations.archive_organization(act, ministry)

    user_id = arrive("staff")
    assert role_of(act_as, ministry, user_id) is None


@given(
    held=st.sets(st.sampled_from("abcd")),
    mapping=st.dictionaries(
        st.sampled_from("abcd"),
        st.tuples(st.sampled_from(["1", "2"]), st.sampled_from(organizations.ROLES)),
    ),
)
def test_of_several_groups_the_highest_counts_and_none_gives_what_it_does_not_say(held, mapping):
    said = {group: f"{place * 26}:{role}" for group, (place, role) in mapping.items()}
    places = provider_rules.places_of(held, mapping=said)

    for organization_id in ("1" * 26, "2" * 26):
        given_there = [
            role
            for group, (place, role) in mapping.items()
            if group in held and place * 26 == organization_id
        ]
        best = min(given_there, key=organizations.ROLES.index, default=None)
        assert places.get(organization_id) == best
