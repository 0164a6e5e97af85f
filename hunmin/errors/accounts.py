"""Errors of accounts: who one is, what one may do, links, sessions and keys."""

from hunmin.errors.base import HunminError


class SignInNeeded(HunminError):
    """Nobody is signed in, and this needs somebody."""

    code = "sign_in_needed"
    status = 401

    def __init__(self) -> None:
        super().__init__(
            "Sign in first: open the sign-in link you were given, or ask the administrator for "
            "one.",
            "먼저 로그인하십시오. 받은 로그인 링크를 열거나 관리자에게 링크를 요청하십시오.",
        )


class RoleNeeded(HunminError):
    """The actor is known but may not do this."""

    code = "role_needed"
    status = 403

    def __init__(self, *, roles: frozenset[str]) -> None:
        names = ", ".join(sorted(roles))
        super().__init__(
            f"This needs the role {names}, which you do not have. Ask the administrator for it.",
            f"이 일에는 {names} 역할이 필요합니다. 관리자에게 요청하십시오.",
        )
        self.roles = roles


class PersonNeeded(HunminError):
    """A key or a guest tried what only a person who signed in may do."""

    code = "person_needed"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "Only a person who signed in may do this, not an API key or a guest. "
            "Sign in with your sign-in link and do it on the account page.",
            "API 키나 손님이 아니라 로그인한 사람만 할 수 있습니다. "
            "로그인 링크로 로그인한 뒤 계정 페이지에서 하십시오.",
        )


class SignInLinkUnusable(HunminError):
    """The link is unknown, used or expired."""

    code = "sign_in_link_unusable"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This sign-in link is not valid: it was used already, has expired, or is incomplete. "
            "Ask the administrator for a new one (`hunmin accounts link USER`).",
            "이 로그인 링크는 쓸 수 없습니다. 이미 썼거나, 기한이 지났거나, 일부가 빠졌습니다. "
            "관리자에게 새 링크를 요청하십시오(`hunmin accounts link 사용자`).",
        )


class UserNotFound(HunminError):
    """There is no such account."""

    code = "user_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "There is no account of that name. `hunmin accounts list` shows them; "
            "`hunmin accounts create NAME` makes one.",
            "그런 이름의 계정이 없습니다. `hunmin accounts list`로 확인하거나 "
            "`hunmin accounts create 이름`으로 만드십시오.",
        )


class UserExists(HunminError):
    """The name is taken."""

    code = "user_exists"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "There is an account of that name already. Choose another name, or make a new "
            "sign-in link for it: `hunmin accounts link USER`.",
            "그 이름의 계정이 이미 있습니다. 다른 이름을 고르거나 새 로그인 링크를 "
            "만드십시오: `hunmin accounts link 사용자`.",
        )


class UserUnclear(HunminError):
    """No account was named and more than one could be meant."""

    code = "user_unclear"
    status = 422

    def __init__(self) -> None:
        super().__init__(
            "There are several administrators. Say whose key it is: --user NAME.",
            "관리자가 여럿입니다. --user 이름으로 누구의 키인지 지정하십시오.",
        )


class NameUnusable(HunminError):
    """A name is empty, too long or has characters that do not belong in one."""

    code = "name_unusable"
    status = 422

    def __init__(self, *, characters_max: int) -> None:
        super().__init__(
            f"This name cannot be used. Write 1 to {characters_max} letters, digits, spaces, "
            "or . _ - @ and begin with a letter or digit.",
            f"이 이름은 쓸 수 없습니다. 글자나 숫자로 시작하여 글자, 숫자, 띄어쓰기, . _ - @ 를 "
            f"{characters_max}자까지 쓰십시오.",
        )


class RoleUnknown(HunminError):
    """There is no such role to give."""

    code = "role_unknown"
    status = 422

    def __init__(self, *, known: tuple[str, ...]) -> None:
        names = ", ".join(known)
        super().__init__(
            f"There is no such role. The roles are: {names}.",
            f"그런 역할이 없습니다. 역할은 다음과 같습니다: {names}.",
        )


class TooManyKeys(HunminError):
    """The account holds as many keys as it may."""

    code = "too_many_keys"
    status = 409

    def __init__(self, *, keys_max: int) -> None:
        super().__init__(
            f"An account may hold {keys_max} keys. Revoke one that is not used any more.",
            f"계정마다 키를 {keys_max}개까지 가질 수 있습니다. 쓰지 않는 키를 폐기하십시오.",
        )


class KeyNotFound(HunminError):
    """The actor has no such key."""

    code = "key_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "You have no such key, or it is revoked already. Reload the list of keys.",
            "그런 키가 없거나 이미 폐기되었습니다. 키 목록을 새로 고치십시오.",
        )


class SessionNotFound(HunminError):
    """The actor has no such session."""

    code = "session_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "You have no such session, or it has ended already. Reload the list of sessions.",
            "그런 로그인 기기가 없거나 이미 끝났습니다. 목록을 새로 고치십시오.",
        )


class ScopeNeeded(HunminError):
    """The key was not made for this."""

    code = "scope_needed"
    status = 403

    def __init__(self, *, scope: str) -> None:
        super().__init__(
            f"This key may not be used for that: it needs the scope '{scope}'. "
            "Make another key that has it.",
            f"이 키로는 할 수 없습니다. '{scope}' 권한 범위가 필요합니다. "
            "그 권한 범위가 있는 키를 새로 만드십시오.",
        )
        self.scope = scope


class ScopeUnknown(HunminError):
    """There is no such scope, or a key was to have none."""

    code = "scope_unknown"
    status = 422

    def __init__(self, *, known: tuple[str, ...]) -> None:
        names = ", ".join(known)
        super().__init__(
            f"A key needs at least one scope of these: {names}.",
            f"키에는 다음 권한 범위 가운데 하나 이상이 필요합니다: {names}.",
        )


class ModelsUnfit(HunminError):
    """The list of models a key may ask is too long, or has what is no model's name."""

    code = "models_unfit"
    status = 422

    def __init__(self, *, models_max: int) -> None:
        super().__init__(
            f"A key may be limited to {models_max} models at the most, each by its name as "
            "`/v1/models` lists it. Leave the list out to allow any model.",
            f"키에 허용할 모델은 {models_max}개까지, `/v1/models`에 나오는 이름으로 적을 수 "
            "있습니다. 모든 모델을 허용하려면 비워 두십시오.",
        )


class KeyNotRotatable(HunminError):
    """A key that has been replaced already was to be replaced again."""

    code = "key_not_rotatable"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "This key was replaced already. Rotate the one that took its place.",
            "이미 교체한 키입니다. 그 자리를 이은 키를 교체하십시오.",
        )


class OverlapTooLong(HunminError):
    """An old key was to work beside its successor for longer than the settings allow."""

    code = "overlap_too_long"
    status = 422

    def __init__(self, *, hours_max: int) -> None:
        super().__init__(
            f"An old key may work for 0 to {hours_max} hours beside the one that takes its "
            "place. Choose a shorter time.",
            f"교체한 뒤 옛 키는 0시간부터 {hours_max}시간까지 함께 쓸 수 있습니다. "
            "더 짧은 시간을 고르십시오.",
        )


class OwnAccount(HunminError):
    """An administrator would have shut themselves out."""

    code = "own_account"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "You cannot disable your own account or change its roles. Another administrator, or "
            "`hunmin accounts` on the server, can.",
            "자기 계정은 정지하거나 역할을 바꿀 수 없습니다. 다른 관리자에게 요청하거나 "
            "서버에서 `hunmin accounts`를 쓰십시오.",
        )
