"""The loop of one replica among several that are lost, and come back, alone.

Between its steps it is the loop of every run. All replicas do the same steps, judge the same sums
and so decide alike; the one that leads writes the log and the checkpoints. Whenever the exchange
breaks, those that are left form another roster, agree who is furthest, take its state where theirs
is another, and go on.
"""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hunmin.manifest import Manifest
from hunmin.model import ModelConfig
from hunmin.train import checkpoints
from hunmin.train.checkpoints import RunPlan
from hunmin.train.course import Course
from hunmin.train.device import Device
from hunmin.train.exchange import Exchange, ExchangeBroken
from hunmin.train.handover import hand_over
from hunmin.train.loop import Loop
from hunmin.train.recipe import TrainConfig
from hunmin.train.replicas import SLOW_SECONDS_MAX, Replicas
from hunmin.train.starting import set_weights
from hunmin.train.stepping import Outcome, Stepper
from hunmin.train.stopping import Stop
from hunmin.train.watchdog import Watchdog
from hunmin.train.world import World

_NOTHING = [-1, -1]
"""How far a replica is that holds nothing yet."""


class ReplicaLoop(Loop):
    """One run, as one of its replicas does it."""

    def __init__(
        self,
        config: TrainConfig,
        model_config: ModelConfig,
        plan: RunPlan,
        *,
        device: Device,
        world: World,
        watchdog: Watchdog,
        replicas: Replicas,
    ) -> None:
        """Put it together, as any `Loop`; it holds the weights of the beginning."""
        self.replicas = replicas
        watchdog.folder /= replicas.name  # by which the log calls it
        super().__init__(config, model_config, plan, device=device, world=world, watchdog=watchdog)
        self.log.writes = False  # until it leads
        self._holds_state = False  # which another may have, or a checkpoint
        self._is_torn = False  # half the old and half of what another gave
        self._is_over = False
        self._wants_roster = False

    def _build_stepper(self) -> Stepper:
        parts = (self.config, self.learner, self.optimizers, self.device, self.world)
        return Stepper(*parts, clock=self.clock, add_up=self.replicas.add_up)

    def go(self, start: tuple[int, Path] | None = None) -> Manifest:
        """Join the others, or begin where an earlier run stopped, and train to the end."""
        assert start is None, "whoever leads looks for it"
        self._regroup()
        if self._is_over:
            return Manifest.read(self.plan.folder_at(self.config.steps))
        return super().go(None)

    def close(self) -> None:
        """Leave the others, and let go of what it holds."""
        self.replicas.leave()
        super().close()

    def _turn(self, stop: Stop) -> bool:
        try:
            if self.course.guard.wants_rollback:  # the one that led was lost at it
                self._take_back()
            if super()._turn(stop):
                return True
            if self._is_due():
                self._meet()  # the one that leads has begun to write a checkpoint
            if self._wants_roster:
                self._regroup()
        except ExchangeBroken:
            self._regroup()
        return False

    def _stop(self, stop: Stop) -> None:
        """Stop, with a checkpoint, where all were told to; else only those go that were.

        Where one is lost meanwhile the others go on, to ask again after the next step: a newcomer
        may have taken its place, and knows nothing of a stop.

        Raises:
            KeyboardInterrupt: This one was told to.
        """
        try:
            wishes = self.replicas.wishes(wanted=stop.wanted)
            if all(wishes):
                if self.replicas.leads:
                    self.keeper.save(self.course, self._content)
                self._meet()
            elif wishes[self.replicas.index]:
                self.keeper.settle(self.course)
                self.log.writes = False
            if wishes[self.replicas.index]:
                raise KeyboardInterrupt
        except ExchangeBroken:
            pass
        self._regroup()

    def _step(self, stop: Stop) -> Outcome:
        outcome = super()._step(stop)
        self._wants_roster = outcome.raised[2]
        return outcome

    def _flags(self, stop: Stop) -> tuple[bool, ...]:
        return (*super()._flags(stop), self.replicas.wants_roster)

    def _own_share(self, rows_N: NDArray[np.int64]) -> NDArray[np.int64]:
        return self.replicas.share(rows_N)

    def _layout(self) -> dict[str, int]:
        count = self.replicas.count
        return {"processes": self.world.size * count, "replicas": count}

    def _begin_checkpoint(self) -> None:
        if self.replicas.leads:
            super()._begin_checkpoint()

    def _take_back(self) -> None:
        if self.replicas.leads:
            super()._take_back()
        with self.watchdog.watching(self.course.step, slow=True):
            self._agree()

    def _finish(self) -> Manifest:
        folder = self.plan.folder_at(self.config.steps)
        while True:
            if self.replicas.leads and not self.world.gather(folder.is_dir())[0]:
                super()._finish()
            try:
                self._meet()
            except ExchangeBroken:
                self._regroup()
            else:
                return Manifest.read(folder)

    def _meet(self) -> None:
        """Wait until all are here, however long the one that leads has to write."""
        with self.watchdog.watching(self.course.step, slow=True):
            self.replicas.meet()

    def _regroup(self) -> None:
        """Form another roster, and go on from where the replica is that is furthest."""
        before = self.replicas.roster
        led = self.replicas.leads
        self.stepper.forget()
        self.clock.drop_step()
        with self.watchdog.watching(self.course.step, slow=True):
            while True:
                try:
                    self.replicas.form()
                    self._agree()
                except ExchangeBroken as error:
                    self._tell_of(error)
                    continue
                break
        self._wants_roster = False
        self.log.writes = self.world.is_first and self.replicas.leads
        if before is None:
            return
        now = self.replicas.roster
        assert now is not None
        if self.replicas.leads and not led:
            self._take_the_lead()
        for event, names in (
            ("replica_lost", set(before.members) - set(now.members)),
            ("replica_joined", set(now.members) - set(before.members)),
        ):
            for name in sorted(names):
                step = self.course.step
                self.log.add(step=step, event=event, replica=name, **self._layout())
        self.shown.start_at(self.course.step * self.config.tokens_per_step)
        self.shown.say(f"hunmin: {self.replicas.count} replicas train from step {self.course.step}")

    def _tell_of(self, error: ExchangeBroken) -> None:
        """Say why a roster came to nothing; where they never reach one another, it goes on so."""
        if self.world.is_first:
            reason = str(error).partition("\n")[0]
            sys.stderr.write(f"hunmin: replicas did not find together, they try again: {reason}\n")

    def _take_the_lead(self) -> None:
        """Go on with the log and the checkpoints of the one that led."""
        if self.world.is_first:
            checkpoints.sweep(self.plan)
        self._look_for_checkpoint()
        self.log.rewind(self.course.step)
        self.log.add(step=self.course.step, event="started", **self._what_it_is())

    def _agree(self) -> None:
        """Bring every replica to where the one is that is furthest.

        Raises:
            ExchangeBroken: One was lost meanwhile.
        """
        exchange = self.replicas.exchange
        assert exchange is not None
        far: list[list[int]] = []

        def ask() -> None:
            own = [self.course.data_step, self.rollbacks.total()]
            own = own if self._holds_state else _NOTHING
            far.extend(exchange.numbers_of_all(own, seconds=SLOW_SECONDS_MAX))

        self.replicas.all_or_none(ask)
        furthest = max(far)
        if furthest == _NOTHING:
            if self.replicas.leads:
                self._begin()
        elif far.count(furthest) == len(far):
            return
        giver = far.index(furthest)
        is_there = far[exchange.rank] == furthest != _NOTHING
        self._hand_over(exchange, giver, takes=exchange.rank != giver and not is_there)

    def _hand_over(self, exchange: Exchange, giver: int, *, takes: bool) -> None:
        """Give what the giver holds to all that take it; while it lasts these hold nothing."""
        self._holds_state = not takes
        self._is_torn = takes

        def give() -> None:
            said = hand_over(
                exchange,
                self._words(),
                giver=giver,
                takes=takes,
                learner=self.learner,
                optimizers=self.optimizers,
                seconds=SLOW_SECONDS_MAX,
            )
            if takes:
                self._believe(said)

        self.replicas.all_or_none(give)
        self._holds_state, self._is_torn = True, False
        if takes:
            self._look_for_checkpoint()

    def _look_for_checkpoint(self) -> None:
        """Take note of the last checkpoint; only the one that leads knows of it by itself."""
        self.keeper.saved = self.world.gather(checkpoints.last_written(self.plan))[0]

    def _begin(self) -> None:
        """Begin for all: with the newest checkpoint, or at the beginning."""
        if self.world.is_first:
            checkpoints.sweep(self.plan)
        start = checkpoints.newest(self.plan, self.world)
        if start is None and self._is_torn:
            self.course, self.keeper.saved = Course(), None
            for optimizer in self.optimizers:
                optimizer.state.clear()
            set_weights(self.learner, self.plan, self.config, self.model_config, self.world)
        elif start is not None and start[0] == self.config.steps:
            self._is_over = True
        elif start is not None:
            self.course = self.keeper.go_back(start[1])
        self.log.rewind(self.course.step)

    def _words(self) -> dict[str, Any]:
        return {
            "course": self.course.to_json(),
            "rollbacks": [[str(at) if at else None, n] for at, n in self.rollbacks.items()],
            "is_over": self._is_over,
        }

    def _believe(self, said: dict[str, Any]) -> None:
        self.course = Course.from_json(said["course"])
        self.rollbacks = Counter({Path(at) if at else None: n for at, n in said["rollbacks"]})
        self._is_over = said["is_over"]
