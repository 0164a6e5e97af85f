"""Errors of signing in with an OpenID provider. What a provider says is never repeated."""

from hunmin.errors.base import HunminError


class ProviderWrong(HunminError):
    """The settings of an OpenID provider make no sense."""

    code = "provider_wrong"
    status = 422

    def __init__(self, *, name: str, en: str, ko: str) -> None:
        super().__init__(
            f"The provider {name} cannot be used: {en}. Correct [accounts.providers.{name}].",
            f"{name} 제공자를 쓸 수 없습니다({ko}). [accounts.providers.{name}] 설정을 고치십시오.",
        )
        self.name = name


class ProviderUnknown(HunminError):
    """The settings name no OpenID provider of this name."""

    code = "provider_unknown"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "There is no such provider to sign in with. Choose one at /sign-in.",
            "그런 로그인 제공자가 없습니다. /sign-in에서 하나를 고르십시오.",
        )


class ProviderUnreachable(HunminError):
    """An OpenID provider gives no answer at the moment."""

    code = "provider_unreachable"
    status = 502

    def __init__(self, *, title: str) -> None:
        super().__init__(
            f"{title} gives no answer. Try again in a minute, or sign in another way at /sign-in.",
            f"{title}에서 응답이 없습니다. 잠시 뒤에 다시 시도하거나 /sign-in에서 다른 방법으로 "
            "로그인하십시오.",
        )


class ProviderAnswerWrong(HunminError):
    """What came back from an OpenID provider cannot be believed."""

    code = "provider_answer_wrong"
    status = 403

    def __init__(self, *, reason: str) -> None:
        super().__init__(
            f"What came back from the provider does not hold ({reason}), so nobody was signed in. "
            "Begin again at /sign-in; if it happens again, tell the operator this reason.",
            f"제공자에게서 온 응답을 믿을 수 없어({reason}) 로그인하지 않았습니다. /sign-in에서 "
            "다시 시작하고, 또 그러면 운영자에게 이 사유를 알리십시오.",
        )
        self.reason = reason
        """A word for the record."""


class ProviderRefused(HunminError):
    """An OpenID provider sent somebody back without signing them in."""

    code = "provider_refused"
    status = 403

    def __init__(self, *, title: str) -> None:
        super().__init__(
            f"{title} did not sign you in, or you turned back there. Nothing was changed. Begin "
            "again at /sign-in, or sign in another way.",
            f"{title}에서 로그인하지 않았거나 도중에 돌아왔습니다. 바뀐 것은 없습니다. "
            "/sign-in에서 다시 시작하거나 다른 방법으로 로그인하십시오.",
        )


class IdentityUnknown(HunminError):
    """What an OpenID provider knows somebody by opens no account here."""

    code = "identity_unknown"
    status = 403

    def __init__(self, *, title: str) -> None:
        super().__init__(
            f"Your account of {title} opens none here: nobody has linked it, or the account is "
            "disabled. Sign in another way and link it at /account/providers, or ask the "
            "administrator for an account.",
            f"이 {title} 계정으로 열 수 있는 계정이 없습니다. 연결되어 있지 않거나 정지된 "
            "계정입니다. 다른 방법으로 로그인해 /account/providers에서 연결하거나, 관리자에게 "
            "계정을 요청하십시오.",
        )


class IdentityTaken(HunminError):
    """Somebody at an OpenID provider belongs to another account here already."""

    code = "identity_taken"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "This account of the provider is linked to another account here. Sign in with it and "
            "unlink it there first.",
            "이 제공자 계정은 여기의 다른 계정과 연결되어 있습니다. 그 계정으로 로그인해 먼저 "
            "연결을 끊으십시오.",
        )


class IdentityNotFound(HunminError):
    """The account is linked to nobody at this provider."""

    code = "identity_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "Your account is not linked to this provider. What is linked stands at "
            "/account/providers.",
            "이 제공자와 연결되어 있지 않습니다. 연결된 것은 /account/providers에서 볼 수 "
            "있습니다.",
        )
