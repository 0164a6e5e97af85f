"""Hashing passwords, and saying which are too easily guessed.

Hashing costs memory and time on purpose. Two are hashed at once and few wait: a flood of sign-ins
is refused before it takes the threads that answers need.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hunmin.errors import PasswordUnfit, TooManyAttempts
from hunmin.signin import rules
from hunmin.signin.keyboard import typed_on_latin_keys

AT_ONCE = 2
WAITING_MAX = 8
SCORE_MIN = 3
"""Of zxcvbn's 0 to 4: withstands who has stolen the hashes for a while."""
LOOKED_AT_MAX = 72
"""Characters zxcvbn looks at: its time grows with their square."""

MEMORY_KIB = 19_456
"""Memory that trying one password costs (argon2id): the least OWASP's cheat sheet asks for.
Passwords are hashed anew at their next use when this changes."""
ROUNDS = 2
"""How often that memory is gone over."""

WORDS = Path(__file__).with_name("common_words.txt")


class Passwords:
    """How passwords are hashed here."""

    def __init__(self, *, memory_kib: int, rounds: int) -> None:
        self._hasher = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)
        self._places = threading.BoundedSemaphore(AT_ONCE + WAITING_MAX)
        self._hands = threading.BoundedSemaphore(AT_ONCE)
        self._nobodys = self._hasher.hash("nobody's")

    def hash(self, password: str, *, name: str) -> str:
        """Return what is kept of a new password of the account of that name.

        Raises:
            PasswordUnfit: It is too short, too long, or easily guessed.
            TooManyAttempts: Too many are hashed already.
        """
        fit = rules.composed(password)
        if not rules.is_length_fit(fit) or _score(fit, name) < SCORE_MIN:
            raise PasswordUnfit(
                characters_min=rules.PASSWORD_CHARACTERS_MIN,
                characters_max=rules.PASSWORD_CHARACTERS_MAX,
            )
        with self._turn():
            return self._hasher.hash(fit)

    def is_right(self, password: str, hashed: str | None) -> bool:
        """Return whether this is the password; where there is none, after the same time, not.

        Raises:
            TooManyAttempts: Too many are hashed already.
        """
        typed = rules.composed(password)[: rules.PASSWORD_CHARACTERS_MAX + 1]
        with self._turn():
            try:
                self._hasher.verify(hashed or self._nobodys, typed)
            except (VerificationError, InvalidHashError):
                return False
        return hashed is not None

    def hash_again(self, password: str, hashed: str) -> str | None:
        """Return a right password's hash as it would be made today, or None where it is that."""
        if not self._hasher.check_needs_rehash(hashed):
            return None
        with self._turn():
            return self._hasher.hash(rules.composed(password))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise TooManyAttempts(seconds=1)
        try:
            with self._hands:
                yield
        finally:
            self._places.release()


@cache
def open_passwords() -> Passwords:
    """Return how passwords are hashed in this process: all who sign in share its few places."""
    return Passwords(memory_kib=MEMORY_KIB, rounds=ROUNDS)


def _score(password: str, name: str) -> int:
    from zxcvbn import zxcvbn  # noqa: PLC0415 (its word lists are slow to load)

    known = [name, "hunmin", "훈민", "훈민정음", *_common_words()]
    return int(zxcvbn(password[:LOOKED_AT_MAX], user_inputs=known)["score"])


@cache
def _common_words() -> list[str]:
    """Return words people choose in Korean, in Hangul and as typed on a Latin keyboard."""
    words = WORDS.read_text("utf-8").split()
    return [*words, *(typed_on_latin_keys(word) for word in words)]
