"""Errors of passkeys: one that was made or shown does not hold, or may not be changed so."""

from hunmin.errors.base import HunminError


class PasskeyUnusable(HunminError):
    """What was made or shown is no passkey that opens anything here; it is never said why."""

    code = "passkey_unusable"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This passkey cannot be used here. Try again, choose another one, or sign in in "
            "another way.",
            "이 패스키는 여기에서 쓸 수 없습니다. 다시 하거나 다른 패스키를 고르거나 다른 "
            "방법으로 로그인하십시오.",
        )


class PasskeyCloned(HunminError):
    """Two devices seem to hold a passkey that cannot be copied; it opens nothing any more."""

    code = "passkey_cloned"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "Another device seems to hold a copy of this passkey, so it opens nothing any more. "
            "Sign in in another way and remove it at /account/security.",
            "다른 기기에 이 패스키의 복제본이 있는 것으로 보여 더는 쓸 수 없습니다. 다른 방법으로 "
            "로그인하여 /account/security에서 지우십시오.",
        )


class PasskeyNotFound(HunminError):
    """The actor has no passkey of this id."""

    code = "passkey_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "You have no such passkey. Your passkeys are listed at /account/security.",
            "그런 패스키가 없습니다. 패스키 목록은 /account/security에 있습니다.",
        )


class PasskeySiteUnfit(HunminError):
    """Browsers make and show passkeys only for a name that is reached safely."""

    code = "passkey_site_unfit"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "Passkeys need this service to be opened by its name and over https, or on this "
            "machine as http://localhost. Sign in in another way, or ask the operator to set "
            "web.public_url.",
            "패스키는 https와 이름으로 된 주소로, 또는 이 컴퓨터에서 http://localhost로 열었을 "
            "때만 쓸 수 있습니다. 다른 방법으로 로그인하거나 운영자에게 web.public_url 설정을 "
            "요청하십시오.",
        )


class TooManyPasskeys(HunminError):
    """The account has as many passkeys as it may."""

    code = "too_many_passkeys"
    status = 409

    def __init__(self, *, passkeys_max: int) -> None:
        super().__init__(
            f"An account has {passkeys_max} passkeys at the most. Remove one that you do not use.",
            f"패스키는 {passkeys_max}개까지 둘 수 있습니다. 쓰지 않는 것을 지우십시오.",
        )
        self.passkeys_max = passkeys_max


class LastWayIn(HunminError):
    """Nothing else opens the account."""

    code = "last_way_in"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "Nothing else opens your account. Set a password or add another passkey before you "
            "remove this one.",
            "이 패스키 말고는 계정을 열 방법이 없습니다. 지우기 전에 비밀번호를 정하거나 다른 "
            "패스키를 추가하십시오.",
        )
