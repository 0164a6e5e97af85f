"""Kinds of events about who somebody is, and to what they belong.

A new kind is one line here; `docs/reference/audit-events.md` is generated from these.
"""

from hunmin.audit.kind import Kind


class OfPeople(Kind):
    """Accounts, organizations, signing in."""

    # accounts
    USER_CREATE = "accounts.user.create", "An account was made.", "계정을 만들었습니다."
    USER_CHANGE = (
        "accounts.user.change",
        "An account was given other roles.",
        "계정의 역할을 바꿨습니다.",
    )
    USER_DISABLE = "accounts.user.disable", "An account was disabled.", "계정을 정지했습니다."
    USER_ENABLE = (
        "accounts.user.enable",
        "An account that was disabled was enabled again.",
        "정지한 계정을 다시 열었습니다.",
    )
    GUEST_CREATE = (
        "accounts.guest.create",
        "A browser without an account was given one of its own.",
        "계정이 없는 브라우저에 손님 계정을 만들었습니다.",
    )
    GUEST_FORGET = (
        "accounts.guest.forget",
        "A guest whose browser will not come back was forgotten, with what belonged to them.",
        "다시 올 수 없는 손님의 계정과 그 내용을 지웠습니다.",
    )
    LINK_CREATE = (
        "accounts.link.create",
        "A sign-in link was made.",
        "로그인 링크를 만들었습니다.",
    )
    LINK_USE = ("accounts.link.use", "A sign-in link was used.", "로그인 링크를 썼습니다.")
    SECRET_SWEEP = (
        "accounts.secret.sweep",
        "Links and sessions that ended long ago were removed.",
        "오래전에 끝난 로그인 링크와 로그인 기록을 지웠습니다.",
    )
    SESSION_OPEN = (
        "accounts.session.open",
        "A person signed in.",
        "로그인했습니다.",
    )
    SESSION_USE = (
        "accounts.session.use",
        "A session was used for the first time that day.",
        "로그인한 브라우저를 그날 처음 썼습니다.",
    )
    SESSION_PROVE = (
        "accounts.session.prove",
        "A person at a signed-in browser showed again that it is them.",
        "로그인한 브라우저에서 본인임을 다시 확인했습니다.",
    )
    SESSION_END = "accounts.session.end", "A browser was signed out.", "로그아웃했습니다."
    KEY_CREATE = "accounts.key.create", "An API key was made.", "API 키를 만들었습니다."
    KEY_USE = (
        "accounts.key.use",
        "An API key was used for the first time that day.",
        "API 키를 그날 처음 썼습니다.",
    )
    KEY_ROTATE = (
        "accounts.key.rotate",
        "An API key was made that takes the place of another.",
        "다른 API 키의 자리를 잇는 키를 만들었습니다.",
    )
    KEY_REVOKE = "accounts.key.revoke", "An API key was revoked.", "API 키를 폐기했습니다."

    # organizations
    ORGANIZATION_CREATE = (
        "organizations.organization.create",
        "An organization was made.",
        "기관을 만들었습니다.",
    )
    ORGANIZATION_RENAME = (
        "organizations.organization.rename",
        "An organization was given another name.",
        "기관의 이름을 바꿨습니다.",
    )
    ORGANIZATION_ARCHIVE = (
        "organizations.organization.archive",
        "An organization was archived, and its keys ended.",
        "기관을 보관하고 그 키를 모두 폐기했습니다.",
    )
    MEMBER_INVITE = (
        "organizations.member.invite",
        "An invitation into an organization was made.",
        "기관으로 초대했습니다.",
    )
    INVITATION_WITHDRAW = (
        "organizations.invitation.withdraw",
        "An invitation was withdrawn before it was used.",
        "쓰지 않은 초대를 거두었습니다.",
    )
    MEMBER_JOIN = (
        "organizations.member.join",
        "A person joined an organization.",
        "기관의 구성원이 되었습니다.",
    )
    MEMBER_CHANGE = (
        "organizations.member.change",
        "A member was given another role.",
        "구성원의 역할을 바꿨습니다.",
    )
    MEMBER_REMOVE = (
        "organizations.member.remove",
        "A member left an organization or was removed, and their keys of it ended.",
        "구성원이 기관에서 나갔거나 내보내졌고, 그 기관의 키를 폐기했습니다.",
    )
    PROJECT_CREATE = (
        "organizations.project.create",
        "A project was made.",
        "프로젝트를 만들었습니다.",
    )
    PROJECT_RENAME = (
        "organizations.project.rename",
        "A project was given another name.",
        "프로젝트의 이름을 바꿨습니다.",
    )
    PROJECT_ARCHIVE = (
        "organizations.project.archive",
        "A project was archived, and its keys ended.",
        "프로젝트를 보관하고 그 키를 모두 폐기했습니다.",
    )
    PROJECT_MEMBER_ADD = (
        "organizations.project_member.add",
        "A member was added to a project.",
        "구성원을 프로젝트에 추가했습니다.",
    )
    PROJECT_MEMBER_REMOVE = (
        "organizations.project_member.remove",
        "A member was removed from a project, and their keys of it ended.",
        "구성원을 프로젝트에서 빼고 그 프로젝트의 키를 폐기했습니다.",
    )
    SERVICE_CREATE = (
        "organizations.service.create",
        "A service account was made for the programs of a project.",
        "프로젝트의 프로그램이 쓸 서비스 계정을 만들었습니다.",
    )

    # signin
    IDENTITY_LINK = (
        "signin.identity.link",
        "An account can be opened with an OpenID provider from now on.",
        "이제부터 OpenID 제공자로 계정에 로그인할 수 있습니다.",
    )
    IDENTITY_UNLINK = (
        "signin.identity.unlink",
        "An account can no longer be opened with an OpenID provider.",
        "OpenID 제공자로 더는 계정에 로그인할 수 없습니다.",
    )
    PROVIDER_REFUSE = (
        "signin.provider.refuse",
        "What came back from an OpenID provider was not believed, and nobody was signed in.",
        "OpenID 제공자에게서 온 응답을 믿지 않아 로그인하지 않았습니다.",
    )
    CHALLENGE_SWEEP = (
        "signin.challenge.sweep",
        "Sign-ins that were begun long ago and never ended were forgotten.",
        "오래전에 시작하고 끝내지 않은 로그인을 지웠습니다.",
    )
    PASSWORD_SET = (
        "signin.password.set",
        "A password was set; every other browser was signed out.",
        "비밀번호를 정하고 다른 브라우저를 모두 로그아웃했습니다.",
    )
    PASSWORD_FAIL = (
        "signin.password.fail",
        "A wrong password was tried.",
        "틀린 비밀번호로 로그인하려 했습니다.",
    )
    SECOND_FACTOR_BEGIN = (
        "signin.second_factor.begin",
        "A second factor was shown to be set up.",
        "두 번째 인증 수단을 설정하기 시작했습니다.",
    )
    SECOND_FACTOR_SET = (
        "signin.second_factor.set",
        "A second factor was set up.",
        "두 번째 인증 수단을 설정했습니다.",
    )
    SECOND_FACTOR_REMOVE = (
        "signin.second_factor.remove",
        "A second factor was removed.",
        "두 번째 인증 수단을 지웠습니다.",
    )
    SECOND_FACTOR_FAIL = (
        "signin.second_factor.fail",
        "A wrong code was tried.",
        "틀린 코드를 입력했습니다.",
    )
    RECOVERY_MAKE = (
        "signin.recovery.make",
        "Recovery codes were made; earlier ones ended.",
        "복구 코드를 만들고 이전 코드를 없앴습니다.",
    )
    RECOVERY_USE = (
        "signin.recovery.use",
        "A recovery code was used up.",
        "복구 코드 하나를 썼습니다.",
    )
    RECOVERY_END = (
        "signin.recovery.end",
        "Recovery codes ended with the last second factor.",
        "마지막 두 번째 인증 수단과 함께 복구 코드를 없앴습니다.",
    )
    SECOND_FACTOR_ASK = (
        "signin.second_factor.ask",
        "A person showed one factor and was asked for the second.",
        "첫 번째 인증을 마치고 두 번째 인증 수단을 물었습니다.",
    )
    PASSKEY_ADD = (
        "signin.passkey.add",
        "A passkey was added to an account.",
        "계정에 패스키를 추가했습니다.",
    )
    PASSKEY_USE = (
        "signin.passkey.use",
        "A passkey was shown.",
        "패스키로 본인임을 확인했습니다.",
    )
    PASSKEY_FAIL = (
        "signin.passkey.fail",
        "What was shown as a passkey did not hold.",
        "패스키로 제시한 것이 맞지 않았습니다.",
    )
    PASSKEY_CLONE = (
        "signin.passkey.clone",
        "A passkey's count of uses went back, so somebody has a copy; it opens nothing any more.",
        "패스키의 사용 횟수가 되돌아가 복제본이 있는 것으로 보고 더는 쓸 수 없게 했습니다.",
    )
    PASSKEY_RENAME = (
        "signin.passkey.rename",
        "A passkey was given another name.",
        "패스키의 이름을 바꾸었습니다.",
    )
    PASSKEY_REMOVE = (
        "signin.passkey.remove",
        "A passkey was removed; every other browser was signed out.",
        "패스키를 지우고 다른 브라우저를 모두 로그아웃했습니다.",
    )
    PASSWORD_REHASH = (
        "signin.password.rehash",
        "The same password is kept at today's cost of guessing it.",
        "같은 비밀번호를 오늘의 기준에 맞게 다시 저장했습니다.",
    )
