"""This replica among the others of its run: its share of each step, and what all add up.

Every step's sequences are shared out among the replicas of the roster, and their gradients are
added up before anything is learned. When one is lost, the gradients of the step are thrown away,
and those that are left compute the same step again: nothing is learned by half, and nothing is
left out. The processes of one replica see one another's failures: all go on, or none.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hunmin.errors import ReplicaUnfit
from hunmin.model import ModelConfig
from hunmin.train.exchange import Exchange, ExchangeBroken
from hunmin.train.learner import local_parts
from hunmin.train.meeting import Address, Seat
from hunmin.train.recipe import TrainConfig
from hunmin.train.roster import Roster
from hunmin.train.world import World

SLOW_SECONDS_MAX = 1800.0
"""How long replicas wait where one of them reads or writes a checkpoint, or compiles."""


def check_replicas_fit(
    config: TrainConfig,
    model: ModelConfig,
    *,
    layout: Mapping[str, int],
    deterministic: bool = False,
) -> None:
    """Check that replicas which are lost alone can train this.

    Args:
        config: The stage.
        model: The shape of the model.
        layout: How the processes of one replica shall be laid out, by option; 1 where an option
            is not used.
        deterministic: Whether the same bits shall come out again: how many replicas add up a sum
            decides them.

    Raises:
        ReplicaUnfit: They cannot.
    """
    for option, value in layout.items():
        if value > 1:
            raise ReplicaUnfit(what=option, value=value)
    if deterministic:
        raise ReplicaUnfit(what="--deterministic", value="on")
    if config.stage not in {"pretrain", "chat"}:
        raise ReplicaUnfit(what="stage", value=config.stage)
    if model.experts and config.balance_loss > 0:
        # It is counted over the whole batch inside of the forward pass, where no loss of a
        # replica can be made good.
        raise ReplicaUnfit(what="balance_loss", value=config.balance_loss)


def share(rows_N: NDArray[np.int64], *, index: int, count: int) -> NDArray[np.int64]:
    """Return what one of several replicas computes of the samples of a step; shares differ by one.

    Args:
        rows_N: The samples of the step.
        index: The place of the replica in the roster, from 0.
        count: How many there are.
    """
    return np.array_split(rows_N, count)[index]


class Replicas:
    """The replicas of a run, as one of them sees them; every one of its processes has this."""

    def __init__(
        self, address: Address, *, plan: str, computed_on: str, world: World, compiles: bool
    ) -> None:
        """Take a seat at the meeting, for this replica.

        Args:
            address: Where the meeting is.
            plan: Hash of what is trained and of how the processes are laid out.
            computed_on: The devices of this replica, and the version of PyTorch.
            world: The processes of this replica.
            compiles: Whether the first step with others may take long, for it compiles.

        Raises:
            MeetingUnreachable: Nobody answers there.
        """
        self._address = address
        self._world = world
        self._compiles = compiles
        self._seat = world.together(
            lambda: Seat(address, plan=plan, computed_on=computed_on) if world.is_first else None
        )
        told = None if self._seat is None else (self._seat.name, self._seat.patience_seconds)
        first = world.gather(told)[0]
        assert first is not None, "the first process has a seat"
        self.name, self._patience = first
        self.roster: Roster | None = None
        self.exchange: Exchange | None = None
        self._is_new = True

    @property
    def count(self) -> int:
        """How many replicas train."""
        return len(self.roster.members) if self.roster else 1

    @property
    def index(self) -> int:
        """The place of this one among them, from 0."""
        return self.roster.members.index(self.name) if self.roster else 0

    @property
    def leads(self) -> bool:
        """Whether this is the one that has been there longest: it writes what is written once."""
        return self.roster is not None and self.index == 0

    @property
    def wants_roster(self) -> bool:
        """Whether someone waits to be taken in; known to the first process alone."""
        return self._seat is not None and self._seat.wants_roster

    def share(self, rows_N: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what this replica computes of the samples of a step."""
        return share(rows_N, index=self.index, count=self.count)

    def add_up(self, gradients: Sequence[Tensor], numbers: list[float]) -> list[float]:
        """Add gradients up over all replicas, in place, and return the sums of numbers.

        Args:
            gradients: Those of this process.
            numbers: Of this process; the sums are over those with the same part of the model.

        Raises:
            ExchangeBroken: On all processes of this replica, where one of them lost another.
        """
        exchange = self._joined()
        seconds = SLOW_SECONDS_MAX if self._is_new and self._compiles else None
        total = torch.tensor(numbers, dtype=torch.float64)

        def add_all() -> None:
            exchange.add_up([total], seconds=seconds)
            exchange.add_up(local_parts(gradients))

        self.all_or_none(add_all)
        self._is_new = False
        return total.tolist()

    def meet(self) -> None:
        """Wait until every replica is here, however long one of them reads or writes.

        Raises:
            ExchangeBroken: One was lost.
        """
        exchange = self._joined()
        self.all_or_none(lambda: exchange.numbers_of_all([0], seconds=SLOW_SECONDS_MAX))

    def wishes(self, *, wanted: bool) -> list[bool]:
        """Return for each replica whether any of its processes wants something.

        Args:
            wanted: Whether this process does.

        Raises:
            ExchangeBroken: One was lost.
        """
        exchange = self._joined()
        own = self._world.sum([wanted])[0] > 0
        found: list[list[int]] = []
        self.all_or_none(
            lambda: found.extend(exchange.numbers_of_all([own], seconds=self._patience))
        )
        return [one > 0 for (one,) in found]

    def form(self) -> None:
        """Leave the roster, wait for the next one, and meet those who are on it.

        Raises:
            ExchangeBroken: One of them is missing already.
            MeetingUnreachable: The meeting is gone.
            ReplicaUnlike: The others train something else.
            ReplicaOnOtherDevice: They train it on other devices.
        """
        world, seat = self._world, self._seat
        if self.exchange is not None:
            self.exchange.close()
        found = world.together(lambda: seat.next_roster() if seat is not None else None)
        roster = world.gather(found)[0]
        assert roster is not None, "the first process has waited for it"
        self.roster, self._is_new = roster, True

        def join() -> None:
            self.exchange = Exchange(
                self._address,
                f"{roster.number}/{world.rank}",
                rank=self.index,
                size=self.count,
                patience_seconds=self._patience,
            )

        self.all_or_none(join)

    def all_or_none(self, action: Callable[[], object]) -> None:
        """Do something with other replicas; where it fails on one process, fail on all.

        Raises:
            ExchangeBroken: It failed.
        """
        failure: ExchangeBroken | None = None
        try:
            action()
        except ExchangeBroken as error:
            failure = error
        if self._world.sum([float(failure is not None)])[0] > 0:
            raise failure or ExchangeBroken("another process of this replica failed at it")

    def leave(self) -> None:
        """Go, in order: the others go on at once."""
        if self.exchange is not None:
            self.exchange.close()
        if self._seat is not None:
            self._seat.leave()

    def _joined(self) -> Exchange:
        assert self.exchange is not None, "a roster was formed"
        return self.exchange
