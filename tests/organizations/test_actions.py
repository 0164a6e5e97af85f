"""What can be done to organizations and their projects, by whom, and what it leaves behind."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from hunmin import accounts, organizations
from hunmin.act import Actor
from hunmin.audit.tables import EventRow
from hunmin.errors import (
    Archived,
    InvitationUnusable,
    KeyNotFound,
    KeyNotRotatable,
    LastOwner,
    MemberExists,
    MemberNotFound,
    NameTaken,
    NameUnusable,
    OrganizationNotFound,
    OverlapTooLong,
    PersonNeeded,
    ProjectNotFound,
    RoleNeeded,
    RoleUnknown,
    ScopeUnknown,
    UserNotFound,
)
from tests.conftest import NOON

STRANGER = Actor(user_id=None, kind="guest")


def events(act) -> list[str]:
    return list(act.session.scalars(select(EventRow.kind).order_by(EventRow.id)))


def works(act_as, secret: str) -> bool:
    with act_as(STRANGER) as act:
        return accounts.find_actor_by_key(act, secret) is not None


def service_key(act_as, team, **options) -> accounts.KeyMade:
    with act_as(team.owner) as act:
        _, made = organizations.create_service_account(
            act, team.id, team.project_id, name="로봇", **options
        )
    return made


def test_an_administrator_makes_an_organization_for_its_first_owner(make_person, act_as):
    chief, dana = make_person("chief", "administrator"), make_person("dana")
    with act_as(chief) as act:
        made = organizations.create_organization(act, name=" 세종  연구소 ", owner_id=dana.user_id)
        assert events(act)[-1] == "organizations.organization.create"
        with pytest.raises(NameTaken):
            organizations.create_organization(act, name="세종 연구소", owner_id=dana.user_id)
        with pytest.raises(NameUnusable):
            organizations.create_organization(act, name=" - ", owner_id=dana.user_id)
    with act_as(dana) as act:
        listed = organizations.list_organizations(act)
        assert [(one.name, one.role) for one in listed] == [("세종 연구소", "owner")]
        assert listed[0].id == made.id


def test_people_make_organizations_only_where_that_is_set_and_only_their_own(make_person, act_as):
    dana, minji = make_person("dana"), make_person("minji")
    with act_as(dana) as act:
        with pytest.raises(RoleNeeded):
            organizations.create_organization(act, name="A")
        with pytest.raises(RoleNeeded):
            organizations.create_organization(
                act, name="A", owner_id=minji.user_id, people_may=True
            )
        assert organizations.create_organization(act, name="A", people_may=True).role == "owner"


ALLOWED = {
    "rename": {"owner"},
    "archive": {"owner"},
    "invite": {"owner", "manager"},
    "admin key": {"owner", "manager"},
    "create project": {"owner", "manager"},
    "archive project": {"owner", "manager"},
    "rename project": {"owner", "manager", "project_manager"},
    "add to project": {"owner", "manager", "project_manager"},
    "service account": {"owner", "manager", "project_manager"},
    "own key": {"project_manager", "developer"},
}


def deeds(team):
    it, project = team.id, team.project_id
    return {
        "rename": lambda act: organizations.rename_organization(act, it, name="Other"),
        "archive": lambda act: organizations.archive_organization(act, it),
        "invite": lambda act: organizations.invite(act, it, role="member"),
        "admin key": lambda act: organizations.create_admin_key(act, it, name="x"),
        "create project": lambda act: organizations.create_project(act, it, name="new"),
        "archive project": lambda act: organizations.archive_project(act, it, project),
        "rename project": lambda act: organizations.rename_project(act, it, project, name="y"),
        "add to project": lambda act: organizations.add_to_project(
            act, it, project, team.member.user_id, role="viewer"
        ),
        "service account": lambda act: organizations.create_service_account(
            act, it, project, name="x"
        ),
        "own key": lambda act: organizations.create_project_key(act, it, project, name="x"),
    }


def can(act, deed) -> bool:
    """Return whether an actor may do something, which is taken back."""
    tried = act.session.begin_nested()
    try:
        deed(act)
    except (RoleNeeded, ProjectNotFound, MemberNotFound):
        return False
    finally:
        tried.rollback()
    return True


def test_everybody_may_do_what_their_role_says_and_nothing_else(team, act_as):
    allowed = {deed: set() for deed in ALLOWED}
    for name, actor in team.actors().items():
        with act_as(actor) as act:
            for deed, do in deeds(team).items():
                if can(act, do):
                    allowed[deed].add(name)
    assert allowed == ALLOWED


def test_nobody_of_another_organization_can_do_or_see_anything(make_team, act_as):
    mine, theirs = make_team("Sejong"), make_team("Jangyeongsil")
    for actor in theirs.actors().values():
        with act_as(actor) as act:
            for do in deeds(mine).values():
                with pytest.raises(OrganizationNotFound):
                    do(act)


def test_a_project_is_not_reached_through_another_organization(make_team, act_as):
    mine, theirs = make_team("Sejong"), make_team("Jangyeongsil")
    with act_as(theirs.owner) as act:
        for reach in (
            lambda: organizations.get_project(act, theirs.id, mine.project_id),
            lambda: organizations.list_project_keys(act, theirs.id, mine.project_id),
            lambda: organizations.archive_project(act, theirs.id, mine.project_id),
        ):
            with pytest.raises(ProjectNotFound):
                reach()


def test_members_see_their_own_projects_and_overseers_all(team, act_as):
    seen = {}
    for name, actor in team.actors().items():
        with act_as(actor) as act:
            seen[name] = len(organizations.list_projects(act, team.id))
    assert seen == dict.fromkeys(team.actors(), 1) | {"member": 0}
    with act_as(team.member) as act:
        assert [one.user_id for one in organizations.list_members(act, team.id)] == [
            team.member.user_id
        ]
        assert organizations.list_invitations(act, team.id) == []
        with pytest.raises(ProjectNotFound):
            organizations.get_project(act, team.id, team.project_id)


def test_an_auditor_looks_and_changes_nothing(team, make_person, act_as):
    auditor = make_person("auditor", "auditor")
    with act_as(auditor) as act:
        assert [one.role for one in organizations.list_organizations(act)] == [None]
        assert len(organizations.list_members(act, team.id)) == 7
        assert organizations.get_project(act, team.id, team.project_id).role is None
        with pytest.raises(RoleNeeded):
            organizations.create_project(act, team.id, name="x")
        with pytest.raises(RoleNeeded):
            organizations.remove_member(act, team.id, team.member.user_id)


def test_an_invitation_works_once_for_a_person_and_for_seven_days(team, make_person, act_as):
    dana, minji = make_person("dana"), make_person("minji")
    with act_as(team.manager) as act:
        link = organizations.invite(act, team.id, role="member")
        late = organizations.invite(act, team.id, role="billing")
        withdrawn = organizations.invite(act, team.id, role="member")
        newest = organizations.list_invitations(act, team.id)[0]
        organizations.withdraw_invitation(act, team.id, newest.id)
        with pytest.raises(RoleNeeded):
            organizations.invite(act, team.id, role="owner")
        with pytest.raises(RoleUnknown):
            organizations.invite(act, team.id, role="king")
    with act_as(STRANGER) as act, pytest.raises(PersonNeeded):
        organizations.join(act, link)
    with act_as(dana) as act:
        assert organizations.join(act, f"http://127.0.0.1/invitations/{link}").role == "member"
    for wrong in (link, withdrawn, "x", "A" * 43):
        with act_as(minji) as act, pytest.raises(InvitationUnusable):
            organizations.join(act, wrong)
    with act_as(dana) as act, pytest.raises(MemberExists):
        organizations.join(act, late)
    with act_as(minji, now=NOON + timedelta(days=7)) as act, pytest.raises(InvitationUnusable):
        organizations.join(act, late)
    with act_as(minji, now=NOON + timedelta(days=7, seconds=-1)) as act:
        organizations.join(act, late)


def test_who_loses_a_role_offers_it_to_nobody_any_more(team, make_person, act_as):
    dana = make_person("dana")
    with act_as(team.manager) as act:
        link = organizations.invite(act, team.id, role="manager")
    with act_as(team.owner) as act:
        organizations.change_role(act, team.id, team.manager.user_id, role="member")
    with act_as(dana) as act, pytest.raises(InvitationUnusable):
        organizations.join(act, link)


def test_who_leaves_takes_no_key_along(team, act_as):
    with act_as(team.developer) as act:
        made = organizations.create_project_key(act, team.id, team.project_id, name="x")
        own = accounts.create_key(act, name="own")
        organizations.remove_member(act, team.id, team.developer.user_id)
        assert events(act)[-2:] == ["accounts.key.revoke", "organizations.member.remove"]
    assert not works(act_as, made.secret)
    assert works(act_as, own.secret)
    with act_as(team.developer) as act, pytest.raises(OrganizationNotFound):
        organizations.get_project(act, team.id, team.project_id)


def test_who_is_taken_out_of_a_project_keeps_no_key_of_it(team, act_as):
    with act_as(team.developer) as act:
        made = organizations.create_project_key(act, team.id, team.project_id, name="x")
    with act_as(team.project_manager) as act:
        organizations.remove_from_project(act, team.id, team.project_id, team.developer.user_id)
        with pytest.raises(MemberNotFound):
            organizations.remove_from_project(act, team.id, team.project_id, team.developer.user_id)
    assert not works(act_as, made.secret)


def test_a_service_accounts_key_outlives_whoever_made_it(team, act_as):
    with act_as(team.project_manager) as act:
        account, made = organizations.create_service_account(
            act, team.id, team.project_id, name="로봇", models=["small"]
        )
    with act_as(team.owner) as act:
        organizations.remove_member(act, team.id, team.project_manager.user_id)
    with act_as(STRANGER) as act:
        actor = accounts.find_actor_by_key(act, made.secret)
    assert actor == Actor(
        user_id=account.user_id,
        roles=frozenset({"service"}),
        kind="key",
        key_id=made.key.id,
        organization_id=team.id,
        project_id=team.project_id,
        scopes=frozenset({"inference", "files", "usage"}),
        models=frozenset({"small"}),
    )
    assert actor.tenant == team.id
    with act_as() as act:
        assert "로봇" not in {user.name for user in accounts.list_users(act)}
        with pytest.raises(UserNotFound):
            accounts.create_sign_in_link(act, account.user_id)


def test_the_last_owner_can_neither_go_nor_step_down(team, act_as):
    with act_as(team.owner) as act:
        with pytest.raises(LastOwner):
            organizations.remove_member(act, team.id, team.owner.user_id)
        with pytest.raises(LastOwner):
            organizations.change_role(act, team.id, team.owner.user_id, role="manager")
        organizations.change_role(act, team.id, team.manager.user_id, role="owner")
        organizations.remove_member(act, team.id, team.owner.user_id)


def test_of_two_owners_who_leave_at_once_one_stays(team, act_as):
    with act_as(team.owner) as act:
        organizations.change_role(act, team.id, team.manager.user_id, role="owner")
    together = threading.Barrier(2)

    def leave(owner: Actor) -> str:
        together.wait()
        try:
            with act_as(owner) as act:
                organizations.remove_member(act, team.id, owner.user_id)
        except LastOwner as refusal:
            return refusal.code
        return "left"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(leave, [team.owner, team.manager])) == ["last_owner", "left"]


def test_a_manager_cannot_touch_an_owner(team, act_as):
    with act_as(team.manager) as act:
        for deed in (
            lambda: organizations.remove_member(act, team.id, team.owner.user_id),
            lambda: organizations.change_role(act, team.id, team.owner.user_id, role="member"),
            lambda: organizations.change_role(act, team.id, team.manager.user_id, role="owner"),
        ):
            with pytest.raises(RoleNeeded):
                deed()


@pytest.mark.parametrize("what", ["organization", "project"])
def test_what_is_archived_has_no_keys_and_does_not_change(team, act_as, what):
    made = service_key(act_as, team)
    with act_as(team.owner) as act:
        if what == "organization":
            organizations.archive_organization(act, team.id)
        else:
            organizations.archive_project(act, team.id, team.project_id)
    assert not works(act_as, made.secret)
    with act_as(team.owner) as act:
        for deed in ("rename project", "add to project", "service account", "archive project"):
            with pytest.raises(Archived):
                deeds(team)[deed](act)
        assert organizations.get_project(act, team.id, team.project_id).name == "Sejong project"


def test_an_invitation_into_an_archived_organization_is_worth_nothing(team, make_person, act_as):
    with act_as(team.owner) as act:
        link = organizations.invite(act, team.id, role="member")
        organizations.archive_organization(act, team.id)
    with act_as(make_person("dana")) as act, pytest.raises(InvitationUnusable):
        organizations.join(act, link)


def test_a_key_of_a_project_is_replaced_and_ended_by_its_owner_or_a_manager(team, act_as):
    with act_as(team.developer) as act:
        own = organizations.create_project_key(act, team.id, team.project_id, name="x")
    other = service_key(act_as, team)
    where = (team.id, team.project_id)
    hours = {"overlap_hours": 24, "overlap_hours_max": 168}
    with act_as(team.developer) as act:
        assert [key.id for key in organizations.list_project_keys(act, *where)] == [own.key.id]
        for refused in (
            lambda: organizations.revoke_project_key(act, *where, other.key.id),
            lambda: organizations.rotate_project_key(act, *where, other.key.id, **hours),
        ):
            with pytest.raises(KeyNotFound):
                refused()
        new = organizations.rotate_project_key(act, *where, own.key.id, **hours)
        assert (new.key.replaces_id, new.key.name) == (own.key.id, "x")
        assert new.key.project_id == team.project_id
        with pytest.raises(KeyNotRotatable):
            organizations.rotate_project_key(act, *where, own.key.id, **hours)
        with pytest.raises(OverlapTooLong):
            organizations.rotate_project_key(
                act, *where, new.key.id, overlap_hours=169, overlap_hours_max=168
            )
    with act_as(team.viewer) as act, pytest.raises(RoleNeeded):
        organizations.revoke_project_key(act, *where, own.key.id)
    with act_as(team.project_manager) as act:
        assert len(organizations.list_project_keys(act, *where)) == 3
        organizations.revoke_project_key(act, *where, new.key.id)
        organizations.revoke_project_key(act, *where, other.key.id)
    assert [works(act_as, one.secret) for one in (own, new, other)] == [True, False, False]


def test_a_projects_key_has_only_a_projects_scopes(team, act_as):
    with act_as(team.developer) as act:
        for scopes in (["chat"], ["admin"], ["inference", "chat"], [], ["x"]):
            with pytest.raises(ScopeUnknown):
                organizations.create_project_key(
                    act, team.id, team.project_id, name="x", scopes=scopes
                )


def test_a_key_of_an_organization_acts_in_that_one_alone_and_as_its_maker_may(
    make_team, make_person, act_as
):
    mine, theirs = make_team("Sejong"), make_team("Jangyeongsil")
    chief = make_person("chief", "administrator")
    with act_as(chief) as act:
        of_chief = organizations.create_admin_key(act, mine.id, name="x")
    with act_as(mine.manager) as act:
        of_manager = organizations.create_admin_key(act, mine.id, name="y")
        actor = accounts.find_actor_by_key(act, of_manager.secret)
        house = accounts.find_actor_by_key(act, of_chief.secret)
    with act_as(actor) as act:
        assert [one.id for one in organizations.list_organizations(act)] == [mine.id]
        organizations.create_project(act, mine.id, name="by key")
        with pytest.raises(PersonNeeded):
            organizations.create_admin_key(act, mine.id, name="another")
        with pytest.raises(OrganizationNotFound):
            organizations.list_projects(act, theirs.id)
    with act_as(house) as act:  # an administrator is no member, and a key of theirs is nothing more
        assert "administrator" not in house.roles
        with pytest.raises(OrganizationNotFound):
            organizations.list_projects(act, mine.id)
    with act_as(mine.owner) as act:
        organizations.change_role(act, mine.id, mine.manager.user_id, role="member")
    with act_as(actor) as act, pytest.raises(RoleNeeded):
        organizations.create_project(act, mine.id, name="no more")


def test_everything_done_leaves_its_event_and_no_name(team, act_as):
    service_key(act_as, team)
    with act_as(team.owner) as act:
        said = act.session.scalars(select(EventRow)).all()
        kinds = {one.kind for one in said}
        told = "\n".join(f"{one.subject} {one.details}" for one in said)
    assert {
        "organizations.organization.create",
        "organizations.member.invite",
        "organizations.member.join",
        "organizations.project.create",
        "organizations.project_member.add",
        "organizations.service.create",
        "accounts.key.create",
    } <= kinds
    for name in ("Sejong", "로봇"):
        assert name not in told
