"""Who may do what in an organization, for every role and deed."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.errors import Archived, LastOwner, RoleNeeded, RoleUnknown, ScopeUnknown
from hunmin.organizations import rules

roles = st.sampled_from(rules.ROLES)
anybody = st.none() | roles
project_roles = st.sampled_from(rules.PROJECT_ROLES)
deeds = st.sampled_from(get_args(rules.Deed))
project_deeds = st.sampled_from(get_args(rules.ProjectDeed))

HEIGHT = {"owner": 2, "manager": 1, "billing": 0, "member": 0}


@given(deeds, project_deeds)
def test_an_owner_may_do_everything_and_nobody_nothing(deed, project_deed):
    assert rules.may("owner", deed)
    assert rules.may_in_project(rules.role_in_project("owner", None), project_deed)
    assert not rules.may(None, deed)
    assert not rules.may_in_project(rules.role_in_project(None, None), project_deed)


@given(anybody, deeds)
def test_who_may_not_is_told_which_roles_may(role, deed):
    if rules.may(role, deed):
        rules.check_may(role, deed)
        return
    with pytest.raises(RoleNeeded) as refusal:
        rules.check_may(role, deed)
    assert all(rules.may(one, deed) for one in refusal.value.roles)


@given(st.sampled_from(["viewer", "developer", "manager"]), project_deeds)
def test_a_higher_role_of_a_project_may_all_a_lower_one_may(role, deed):
    order = ["viewer", "developer", "manager"]
    if rules.may_in_project(role, deed):
        assert all(rules.may_in_project(one, deed) for one in order[order.index(role) :])


@given(anybody, roles, st.none() | roles)
def test_nobody_raises_anybody_above_themselves_or_touches_one_above(actor, role, had):
    try:
        rules.check_gives(actor, role=role, had=had)
    except RoleNeeded:
        return
    assert actor in {"owner", "manager"}
    assert HEIGHT[role] <= HEIGHT[actor]
    assert had is None or HEIGHT[had] <= HEIGHT[actor]


@given(roles, st.none() | roles, st.integers(1, 5))
def test_only_the_last_owner_cannot_go(role, becomes, owners):
    is_last = role == "owner" and becomes != "owner" and owners == 1
    try:
        rules.check_owner_left(role, becomes=becomes, owners=owners)
    except LastOwner:
        assert is_last
    else:
        assert not is_last


@given(st.text(max_size=20))
def test_there_are_no_other_roles(role):
    for check, known in (
        (rules.check_role, rules.ROLES),
        (rules.check_project_role, rules.PROJECT_ROLES),
    ):
        if role in known:
            assert check(role) == role
        else:
            with pytest.raises(RoleUnknown):
                check(role)


def test_a_projects_key_neither_administers_nor_reads_conversations():
    rules.check_project_scopes(["inference", "files", "usage"])
    for scope in ("chat", "admin"):
        with pytest.raises(ScopeUnknown):
            rules.check_project_scopes(["inference", scope])


def test_what_is_archived_is_refused():
    rules.check_not_archived(None, None)
    with pytest.raises(Archived):
        rules.check_not_archived(None, "2026")
