"""The shapes of OpenAI's administration API, as far as there are such things here. No decisions."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hunmin import accounts
from hunmin.organizations.views import MemberView, ProjectMemberView, ProjectView

Name = Annotated[str, Field(min_length=1, max_length=64, pattern="[0-9A-Za-z가-힣]")]


class NameBody(BaseModel):
    """What something is called."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Name


class _Reply(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Project(_Reply):
    """One project."""

    object: Literal["organization.project"] = "organization.project"
    id: str
    name: str
    created_at: int
    """Seconds since 1970, as everywhere in this API."""
    archived_at: int | None
    status: Literal["active", "archived"]

    @classmethod
    def of(cls, view: ProjectView) -> "Project":
        """Return a project as OpenAI writes it."""
        archived_at = view.archived_at
        return cls(
            id=view.id,
            name=view.name,
            created_at=int(view.created_at.timestamp()),
            archived_at=None if archived_at is None else int(archived_at.timestamp()),
            status="active" if archived_at is None else "archived",
        )


class User(_Reply):
    """One member of the organization."""

    object: Literal["organization.user"] = "organization.user"
    id: str
    name: str
    role: Literal["owner", "reader"]
    """Whether the member owns the organization."""
    added_at: int

    @classmethod
    def of(cls, view: MemberView) -> "User":
        """Return a member as OpenAI writes one."""
        return cls(
            id=view.user_id,
            name=view.name,
            role="owner" if view.role == "owner" else "reader",
            added_at=int(view.added_at.timestamp()),
        )


class OwnerAccount(_Reply):
    """The account that has a key."""

    id: str
    name: str
    role: str
    created_at: int
    """When it came into the project."""
    email: str = ""
    """Always empty: no addresses are kept."""


class Owner(_Reply):
    """Who has a key: a person or a service account."""

    type: Literal["user", "service_account"]
    user: OwnerAccount | None = None
    service_account: OwnerAccount | None = None


class ApiKey(_Reply):
    """One key of a project, without its secret."""

    object: Literal["organization.project.api_key"] = "organization.project.api_key"
    id: str
    name: str
    redacted_value: str
    created_at: int
    expires_at: int | None
    owner: Owner
    owner_project_access: Literal["active"] = "active"
    """Keys of who has left are ended, and not listed."""

    @classmethod
    def of(cls, key: accounts.KeyView, member: ProjectMemberView) -> "ApiKey":
        """Return a key as OpenAI writes one.

        Args:
            key: The key.
            member: Whose it is.
        """
        account = OwnerAccount(
            id=member.user_id,
            name=member.name,
            role=member.role,
            created_at=int(member.added_at.timestamp()),
        )
        return cls(
            id=key.id,
            name=key.name,
            redacted_value=f"hm-…{key.last_four}",
            created_at=int(key.created_at.timestamp()),
            expires_at=None if key.expires_at is None else int(key.expires_at.timestamp()),
            owner=Owner(type="service_account", service_account=account)
            if member.is_service
            else Owner(type="user", user=account),
        )


class ApiKeyDeleted(_Reply):
    """A key that was ended."""

    object: Literal["organization.project.api_key.deleted"] = "organization.project.api_key.deleted"
    id: str
    deleted: Literal[True] = True


class NewKey(_Reply):
    """The first key of a service account. Its secret is in this answer and nowhere else."""

    object: Literal["organization.project.service_account.api_key"] = (
        "organization.project.service_account.api_key"
    )
    id: str
    name: str
    value: str
    created_at: int


class ServiceAccount(_Reply):
    """A service account that was just made."""

    object: Literal["organization.project.service_account"] = "organization.project.service_account"
    id: str
    name: str
    role: Literal["member"] = "member"
    created_at: int
    api_key: NewKey


class _List(_Reply):
    object: Literal["list"] = "list"
    first_id: str | None
    last_id: str | None
    """Where to read on: what to send as `after`."""
    has_more: bool


class ProjectList(_List):
    """Projects of the organization, by name."""

    data: list[Project]


class UserList(_List):
    """Members of the organization, by name."""

    data: list[User]


class ApiKeyList(_List):
    """Keys of a project, the newest first."""

    data: list[ApiKey]
