"""Who trains together: decided from what replicas say of themselves. Pure: no clock, no network.

A *replica* is a whole copy of the model, trained by processes that were started together and are
lost together. A *roster* names those that train, under a number. While all of them do, it stays.
When one of its members asks for another (it lost touch with one, or was told that a newcomer
waits), the next one holds whoever asks: members in their old order, then newcomers. Members that
are heard but do not ask are waited for, though not for long.
"""

from dataclasses import dataclass
from typing import Self

SILENT_SECONDS_MAX = 4.0
"""Who has not been heard for so long is taken for lost, once somebody asks."""

GATHERING_SECONDS_MAX = 60.0
"""How long a run waits at its beginning for as many replicas as it should have."""


@dataclass(frozen=True, slots=True)
class Roster:
    """The replicas that train together."""

    session: str
    """Of the meeting that made it: one that is started again counts from 1 again."""
    number: int
    members: tuple[str, ...]
    """Names, of whoever has been there longest first: that one leads."""


@dataclass(frozen=True, slots=True)
class Word:
    """What a replica says of itself, again and again."""

    plan: str
    """Hash of what it trains and of how its processes are laid out."""
    computed_on: str
    """Devices, and the version of PyTorch, as people read them: on others weights that are learned
    from the same gradients would drift apart, bit by bit."""
    asks_after: int | None
    """The number of the roster it asks for another one than, 0 for its first; None: it trains."""

    def goes_with(self, other: Self) -> bool:
        """Whether replicas that say these can train together."""
        return (self.plan, self.computed_on) == (other.plan, other.computed_on)


@dataclass(slots=True)
class _Heard:
    word: Word
    at: float
    asks_since: float


class Roll:
    """What a meeting knows, and decides."""

    def __init__(self, session: str, *, replicas: int, patience_seconds: float) -> None:
        """Begin with nobody.

        Args:
            session: A name of the meeting that no other has.
            replicas: How many to wait for before a run begins.
            patience_seconds: How long members that are heard but do not ask are waited for.
        """
        self.roster = Roster(session, 0, ())
        self._replicas = replicas
        self._patience = patience_seconds
        self._heard: dict[str, _Heard] = {}

    def hear(self, name: str, word: Word, now: float) -> Word | None:
        """Take note of a word, unless one that is there trains something else, or on other devices.

        Moments are in seconds of any clock that does not go back.

        Returns:
            What the other one said; None where the word was taken note of.
        """
        for one, each in self._heard.items():
            if one != name and self._is_there(each, now) and not each.word.goes_with(word):
                return each.word
        before = self._heard.pop(name, None)
        since = now if before is None or before.word != word else before.asks_since
        self._heard[name] = _Heard(word, now, since)
        return None

    def leave(self, name: str) -> None:
        """Take note that one goes in order."""
        self._heard.pop(name, None)

    @property
    def computed_on(self) -> str:
        """What the replicas of the roster compute on; nothing where it is empty."""
        words = (self._heard[one].word for one in self.roster.members if one in self._heard)
        return next((word.computed_on for word in words), "")

    def someone_waits(self, now: float) -> bool:
        """Whether a newcomer waits to be taken in."""
        return bool(self._newcomers(now))

    def decide(self, now: float) -> Roster | None:
        """Return the next roster, which holds from now on; None where there is no need of one."""
        number, members = self.roster.number, self.roster.members
        here = [one for one in members if self._is_there(self._heard.get(one), now)]
        asking = [one for one in here if self._heard[one].word.asks_after == number]
        newcomers = self._newcomers(now)
        if not here:
            if not newcomers or not self._may_begin(newcomers, now):
                return None
        elif not asking or (len(asking) < len(here) and self._waited(asking, now) < self._patience):
            return None
        self.roster = Roster(self.roster.session, number + 1, (*asking, *newcomers))
        return self.roster

    def _newcomers(self, now: float) -> list[str]:
        waiting = [
            (each.asks_since, name)
            for name, each in self._heard.items()
            if name not in self.roster.members
            and each.word.asks_after is not None
            and self._is_there(each, now)
        ]
        return [name for _, name in sorted(waiting)]

    def _may_begin(self, newcomers: list[str], now: float) -> bool:
        return (
            len(newcomers) >= self._replicas
            or self._waited(newcomers, now) >= GATHERING_SECONDS_MAX
        )

    def _waited(self, names: list[str], now: float) -> float:
        """Return how long the first of them has been asking."""
        return now - min(self._heard[name].asks_since for name in names)

    @staticmethod
    def _is_there(heard: _Heard | None, now: float) -> bool:
        return heard is not None and now - heard.at <= SILENT_SECONDS_MAX
