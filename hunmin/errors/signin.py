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
