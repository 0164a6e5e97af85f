"""Where the replicas of a run meet: a process that keeps the roll, and each replica's seat at it.

They talk through a `TCPStore`, PyTorch's table of keys. The meeting has nothing to lose: while it
is gone the replicas go on training, and when it is started again at the same place they come
back to it. Only a change of the roster has to wait for it.
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, Self

from torch.distributed import TCPStore

from hunmin.errors import (
    HunminError,
    MeetingUnreachable,
    PortInUse,
    ReplicaOnOtherDevice,
    ReplicaUnlike,
)
from hunmin.train.roster import Roll, Roster, Word
from hunmin.train.stopping import Stop

PATIENCE_SECONDS = 8.0
"""How long replicas wait for one another, unless a meeting says otherwise."""

_PORT_MAX = 65_535

_LOOK_SECONDS = 0.05
_SAY_SECONDS = 0.5
_ANSWER_SECONDS = 5.0
_UNREACHABLE_SECONDS_MAX = 60.0
"""How long a replica that needs the meeting looks for it."""

_STORE_TIMEOUT = timedelta(seconds=_ANSWER_SECONDS)

# The keys of the table; those of a replica end in a number that the table counts.
_MEETING, _COUNT, _ROSTER, _WANTED = "meeting", "count", "roster", "wanted"
_WORD, _REFUSED = "word/", "refused/"

_ANOTHER_RUN: dict[str, str] = {}
"""What one is told that trains something else; one on other devices is told the right ones."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a meeting is."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `HOST:PORT`.

        Raises:
            MeetingUnreachable: It is not so written.
        """
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or int(port) > _PORT_MAX:
            raise MeetingUnreachable(address=text)
        return cls(host.strip("[]"), int(port))

    def connect(self) -> TCPStore:
        """Return the meeting's table.

        Raises:
            RuntimeError: Nobody answers.
        """
        return TCPStore(self.host, self.port, wait_for_workers=False, timeout=_STORE_TIMEOUT)

    @property
    def place(self) -> str:
        """The place in words that are the same on all machines."""
        is_here = self.host in {"localhost", "::1"} or self.host.startswith("127.")
        return f"{socket.gethostname() if is_here else self.host}:{self.port}".lower()

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Meeting:
    """The process that keeps the roll."""

    def __init__(self, port: int, *, replicas: int, patience_seconds: float) -> None:
        """Open the meeting.

        Args:
            port: Where; 0 for any that is free.
            replicas: How many to wait for before a run begins.
            patience_seconds: How long replicas wait for one another.

        Raises:
            PortInUse: Another process listens there.
        """
        session = uuid.uuid4().hex
        self._roll = Roll(session, replicas=replicas, patience_seconds=patience_seconds)
        try:
            self._store = TCPStore(
                "localhost", port, is_master=True, wait_for_workers=False, timeout=_STORE_TIMEOUT
            )
        except RuntimeError as error:
            raise PortInUse(host="localhost", port=port) from error
        self.port = self._store.port
        self._said: dict[int, bytes] = {}
        said = {"session": session, "patience_seconds": patience_seconds}
        self._store.set(_MEETING, json.dumps(said))

    def keep(self, say: Callable[[str], None], stop: Stop) -> None:
        """Keep the roll until someone asks to stop; tell every change."""
        while not stop.wanted:
            time.sleep(_LOOK_SECONDS)
            self._listen(time.monotonic())
            if self._roll.someone_waits(time.monotonic()):
                self._store.set(_WANTED, str(self._roll.roster.number))
            roster = self._roll.decide(time.monotonic())
            if roster is not None:
                self._store.set(_ROSTER, json.dumps(asdict(roster)))
                members = ", ".join(roster.members)
                say(f"roster {roster.number}: {members}; computed on {self._roll.computed_on}")

    def _listen(self, now: float) -> None:
        for number in range(1, self._store.add(_COUNT, 0) + 1):
            key = f"{_WORD}{number}"
            if not self._store.check([key]):
                continue
            said = self._store.get(key)
            if self._said.get(number) == said:
                continue
            self._said[number] = said
            try:
                refusal = self._hear(json.loads(said), now)
            except (ValueError, TypeError, KeyError):  # from another version, or no replica at all
                refusal = _ANOTHER_RUN
            if refusal is not None:
                self._store.set(f"{_REFUSED}{number}", json.dumps(refusal))

    def _hear(self, words: dict[str, Any], now: float) -> dict[str, str] | None:
        """Take note of what a replica says; return what is told to one that is refused."""
        if words["leaves"]:
            self._roll.leave(words["name"])
            return None
        word = Word(words["plan"], words["computed_on"], words["asks_after"])
        other = self._roll.hear(words["name"], word, now)
        if other is None:
            return None
        return {"computed_on": other.computed_on} if other.plan == word.plan else _ANOTHER_RUN


class Seat:
    """A replica's place at a meeting; the first of its processes has it.

    A thread says every half second that the replica is there, and looks whether another roster is
    wanted.
    """

    def __init__(self, address: Address, *, plan: str, computed_on: str) -> None:
        """Take a seat.

        Args:
            address: Where the meeting is.
            plan: Hash of what the replica trains and of how its processes are laid out.
            computed_on: Its devices, and the version of PyTorch.

        Raises:
            MeetingUnreachable: Nobody answers there.
        """
        # In containers neither the machine's name nor the number of a process is one of its own.
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:4]}"
        self.wants_roster = False
        """Whether a newcomer waits for a place in the roster, the others went on without this
        replica while it was silent, or the meeting was started again."""
        self._address = address
        self._word = Word(plan, computed_on, None)
        self._roster: Roster | None = None
        self._words_said = 0
        self._talking = threading.Lock()
        self._ended = threading.Event()
        self._connect_within(_UNREACHABLE_SECONDS_MAX)
        threading.Thread(target=self._keep_saying, name="seat", daemon=True).start()

    def next_roster(self) -> Roster:
        """Ask for another roster than the last one, and wait until there is one with this replica.

        Raises:
            MeetingUnreachable: The meeting is gone for a minute.
            ReplicaUnlike: The others train something else.
            ReplicaOnOtherDevice: They train it on other devices.
        """
        heard_at = time.monotonic()
        while True:
            with self._talking:
                try:
                    found = self._ask()
                    heard_at = time.monotonic()
                except RuntimeError:
                    left = _UNREACHABLE_SECONDS_MAX - (time.monotonic() - heard_at)
                    self._connect_within(left)
                    found = None
                if found is not None:
                    self._roster, self.wants_roster = found, False
                    self._word = replace(self._word, asks_after=None)
                    return found
            time.sleep(_LOOK_SECONDS)

    @property
    def patience_seconds(self) -> float:
        """How long replicas wait for one another."""
        return self._meeting["patience_seconds"]

    def leave(self) -> None:
        """Go, in order."""
        self._ended.set()
        with self._talking, suppress(RuntimeError):
            self._say(leaves=True)

    def _connect_within(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._connect()
            except RuntimeError as error:
                if time.monotonic() > deadline:
                    raise MeetingUnreachable(address=str(self._address)) from error
                time.sleep(_SAY_SECONDS)
            else:
                return

    def _connect(self) -> None:
        self._store = self._address.connect()
        self._meeting: dict[str, Any] = json.loads(self._store.get(_MEETING))
        self._number = self._store.add(_COUNT, 1)

    def _ask(self) -> Roster | None:
        """Say that another roster is wanted, and return it if it is there."""
        last = self._roster
        is_known = last is not None and last.session == self._meeting["session"]
        after = last.number if last is not None and is_known else 0
        self._word = replace(self._word, asks_after=after)
        self._say()
        if self._store.check([f"{_REFUSED}{self._number}"]):
            raise self._refused(json.loads(self._store.get(f"{_REFUSED}{self._number}")))
        if not self._store.check([_ROSTER]):
            return None
        said = json.loads(self._store.get(_ROSTER))
        roster = Roster(said["session"], said["number"], tuple(said["members"]))
        return roster if roster.number > after and self.name in roster.members else None

    def _refused(self, refusal: dict[str, str]) -> HunminError:
        """Return the error that says why the others would not have this replica."""
        if refusal == _ANOTHER_RUN:
            return ReplicaUnlike(address=str(self._address))
        here, there = self._word.computed_on, refusal["computed_on"]
        return ReplicaOnOtherDevice(address=str(self._address), here=here, there=there)

    def _say(self, *, leaves: bool = False) -> None:
        """Say that this replica is there: another word each time, by its count."""
        self._words_said += 1
        words = {**asdict(self._word), "name": self.name, "leaves": leaves}
        self._store.set(f"{_WORD}{self._number}", json.dumps({**words, "said": self._words_said}))

    def _keep_saying(self) -> None:
        while not self._ended.wait(_SAY_SECONDS):
            with self._talking:
                try:
                    self._say()
                    self._look()
                except RuntimeError:
                    with suppress(RuntimeError):  # it is tried again at the next word
                        self._connect()

    def _look(self) -> None:
        if self._roster is None or self._word.asks_after is not None:
            return
        if self._roster.session != self._meeting["session"]:
            self.wants_roster = True
        elif self._store.check([_WANTED]):
            # A higher one is of a roster that the others have formed without this replica.
            self.wants_roster = int(self._store.get(_WANTED)) >= self._roster.number
