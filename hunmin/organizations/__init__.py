"""Organizations: who works together here, in which projects, with which keys.

Nouns: an *organization* is a ministry, university or company; a *member* is a person in it, with
a role; a *project* is a team of it with keys of its own, and a line of its bill; a *service
account* owns keys of a project's programs. Between organizations nothing is shared: whoever does
not belong to one does not learn that it is there.

The words and the addresses under `/v1/organization` are OpenAI's, so that its clients know them.
"""

from hunmin.organizations.actions import (
    archive_organization,
    create_admin_key,
    create_organization,
    rename_organization,
    revoke_admin_key,
)
from hunmin.organizations.door import ADMIN_REFUSED, AdminAct, organization_of_key
from hunmin.organizations.member_actions import (
    add_member,
    change_role,
    invite,
    join,
    remove_member,
    withdraw_invitation,
)
from hunmin.organizations.project_actions import (
    add_to_project,
    archive_project,
    create_project,
    create_project_key,
    create_service_account,
    remove_from_project,
    rename_project,
    revoke_project_key,
    rotate_project_key,
)
from hunmin.organizations.project_queries import (
    find_project,
    get_project,
    list_project_keys,
    list_project_members,
    list_projects,
)
from hunmin.organizations.queries import (
    find_organization,
    get_organization,
    list_admin_keys,
    list_invitations,
    list_members,
    list_organizations,
)
from hunmin.organizations.rules import ROLES, Role
from hunmin.organizations.standing import (
    check_may,
)
from hunmin.organizations.views import (
    InvitationView,
    MemberView,
    OrganizationView,
    ProjectMemberView,
    ProjectView,
)

__all__ = [
    "ADMIN_REFUSED",
    "ROLES",
    "AdminAct",
    "InvitationView",
    "MemberView",
    "OrganizationView",
    "ProjectMemberView",
    "ProjectView",
    "Role",
    "add_member",
    "add_to_project",
    "archive_organization",
    "archive_project",
    "change_role",
    "check_may",
    "create_admin_key",
    "create_organization",
    "create_project",
    "create_project_key",
    "create_service_account",
    "find_organization",
    "find_project",
    "get_organization",
    "get_project",
    "invite",
    "join",
    "list_admin_keys",
    "list_invitations",
    "list_members",
    "list_organizations",
    "list_project_keys",
    "list_project_members",
    "list_projects",
    "organization_of_key",
    "remove_from_project",
    "remove_member",
    "rename_organization",
    "rename_project",
    "revoke_admin_key",
    "revoke_project_key",
    "rotate_project_key",
    "withdraw_invitation",
]
