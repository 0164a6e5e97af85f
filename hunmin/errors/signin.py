"""Errors of signing in: what was shown does not hold, or not now."""

from hunmin.errors.base import HunminError


class ChallengeUnusable(HunminError):
    """A sign-in that was begun is unknown, ended already, too old, or of another browser."""

    code = "challenge_unusable"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This sign-in cannot be ended: it was ended already, took too long, or was begun in "
            "another browser. Begin again at /sign-in.",
            "이 로그인을 마칠 수 없습니다. 이미 끝났거나, 시간이 지났거나, 다른 브라우저에서 "
            "시작했습니다. /sign-in에서 다시 시작하십시오.",
        )


class CredentialsWrong(HunminError):
    """The name or the password is not right; it is never said which."""

    code = "credentials_wrong"
    status = 401

    def __init__(self) -> None:
        super().__init__(
            "The name or the password is not right. Try again, or open a sign-in link.",
            "이름이나 비밀번호가 맞지 않습니다. 다시 입력하거나 로그인 링크를 여십시오.",
        )


class PasswordUnfit(HunminError):
    """A password is too short, too long, or easily guessed."""

    code = "password_unfit"
    status = 422

    def __init__(self, *, characters_min: int, characters_max: int) -> None:
        super().__init__(
            f"This password is easily guessed, or not of {characters_min} to {characters_max} "
            "characters. Several words that have nothing to do with one another make a good one.",
            f"추측하기 쉽거나 {characters_min}~{characters_max}자가 아닌 비밀번호입니다. "
            "서로 관계없는 낱말을 여러 개 이어 쓰면 좋습니다.",
        )
        self.characters_min = characters_min


class TooManyAttempts(HunminError):
    """Too many wrong passwords or codes came for an account, or from a network."""

    code = "too_many_attempts"
    status = 429

    def __init__(self, *, seconds: int) -> None:
        super().__init__(
            f"Too many attempts failed. Try again in {seconds} seconds, or sign in another way.",
            f"실패한 시도가 너무 많습니다. {seconds}초 뒤에 다시 하거나 다른 방법으로 "
            "로그인하십시오.",
        )
        self.headers = {"Retry-After": str(seconds)}
        self.seconds = seconds


class SecondFactorNeeded(HunminError):
    """Two factors are asked for here, and the account has one."""

    code = "second_factor_needed"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This service asks for a second factor. Set one up at /account/security.",
            "이 서비스는 두 번째 인증 수단이 필요합니다. /account/security에서 설정하십시오.",
        )


class SecondFactorWrong(HunminError):
    """The code is not right, or was used already."""

    code = "second_factor_wrong"
    status = 401

    def __init__(self) -> None:
        super().__init__(
            "The code is not right, or was used already. Wait for the next one and type it, or "
            "use a recovery code.",
            "코드가 맞지 않거나 이미 쓴 코드입니다. 다음 코드를 기다려 입력하거나 복구 코드를 "
            "쓰십시오.",
        )


class SecondFactorSet(HunminError):
    """A second factor is set up already."""

    code = "second_factor_set"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "A second factor is set up already. Remove it before you set up another.",
            "두 번째 인증 수단이 이미 있습니다. 다른 것을 설정하려면 먼저 지우십시오.",
        )


class ProofNeeded(HunminError):
    """What was asked for needs a proof of a moment ago that it is really this person."""

    code = "proof_needed"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "Show first that it is you: go to /sign-in/prove, and then do this again.",
            "먼저 본인임을 확인해야 합니다. /sign-in/prove에서 확인한 뒤 다시 하십시오.",
        )


class SessionNotOwn(HunminError):
    """A link that another person made opened the session, and this is for the owner alone."""

    code = "session_not_own"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "Somebody else made the link this browser signed in with, so conversations, keys and "
            "passwords stay closed. Sign in with your password, or ask the operator for a link "
            "made by `hunmin accounts link`.",
            "다른 사람이 만든 링크로 로그인하면 대화, 키, 비밀번호를 열 수 없습니다. 비밀번호로 "
            "로그인하거나, 운영자에게 `hunmin accounts link`로 만든 링크를 요청하십시오.",
        )


class InsecureListen(HunminError):
    """Other machines were to be served without encryption."""

    code = "insecure_listen"
    status = 500

    def __init__(self, *, host: str) -> None:
        super().__init__(
            f"Passwords and conversations would cross the network of {host} unencrypted. Put a "
            "TLS proxy before this service and set web.public_url to its https:// address; on a "
            "network that is yours alone, set web.allow_plain_http = true.",
            f"{host}의 네트워크에 비밀번호와 대화가 암호화 없이 오갑니다. TLS 프록시를 앞에 두고 "
            "web.public_url을 그 https:// 주소로 설정하십시오. 혼자만 쓰는 네트워크라면 "
            "web.allow_plain_http = true로 설정하십시오.",
        )
