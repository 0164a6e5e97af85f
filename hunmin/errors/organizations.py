"""Errors of organizations: their members, invitations and projects."""

from hunmin.errors.base import HunminError


class OrganizationNotFound(HunminError):
    """The actor belongs to no such organization."""

    code = "organization_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "You belong to no such organization. Ask one of its owners for an invitation.",
            "그런 기관에 속해 있지 않습니다. 기관의 소유자에게 초대를 요청하십시오.",
        )


class ProjectNotFound(HunminError):
    """The actor sees no such project in the organization."""

    code = "project_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "You see no such project in this organization. Ask for being added to it.",
            "이 기관에서 그런 프로젝트를 볼 수 없습니다. 프로젝트에 추가해 달라고 요청하십시오.",
        )


class MemberNotFound(HunminError):
    """The organization or project has no such member."""

    code = "member_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "There is no such member. Only members of the organization can be added to its "
            "projects; invite the person first.",
            "그런 구성원이 없습니다. 기관의 구성원만 프로젝트에 추가할 수 있으니 "
            "먼저 기관에 초대하십시오.",
        )


class MemberExists(HunminError):
    """The person is a member already."""

    code = "member_exists"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "This person is a member already. Change the role instead, or remove them first.",
            "이미 구성원입니다. 역할을 바꾸거나 먼저 내보내십시오.",
        )


class LastOwner(HunminError):
    """An organization would be left without an owner."""

    code = "last_owner"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "An organization keeps at least one owner. Make somebody else an owner first.",
            "기관에는 소유자가 한 명 이상 있어야 합니다. 먼저 다른 사람을 소유자로 정하십시오.",
        )


class InvitationUnusable(HunminError):
    """The invitation is unknown, used, withdrawn or expired."""

    code = "invitation_unusable"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This invitation is not valid: it was used or withdrawn, has expired, or is "
            "incomplete. Ask the organization for a new one.",
            "이 초대는 쓸 수 없습니다. 이미 썼거나, 거두어졌거나, 기한이 지났거나, 일부가 "
            "빠졌습니다. 기관에 새 초대를 요청하십시오.",
        )


class Archived(HunminError):
    """An organization or project that is archived was to be changed."""

    code = "archived"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "This organization or project is archived and does not change any more. "
            "Make a new one.",
            "이 기관 또는 프로젝트는 보관되어 더는 바꿀 수 없습니다. 새로 만드십시오.",
        )


class NameTaken(HunminError):
    """Another organization, or project of the same one, has the name."""

    code = "name_taken"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "This name is taken already. Choose another.",
            "이미 쓰고 있는 이름입니다. 다른 이름을 고르십시오.",
        )


class OrganizationUnclear(HunminError):
    """A key that belongs to no organization was used where one is meant."""

    code = "organization_unclear"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This needs a key of the organization itself. Its owners and managers make one on "
            "the organization's page.",
            "기관의 키가 필요합니다. 기관의 소유자나 운영자가 기관 페이지에서 만들 수 있습니다.",
        )
