"""Keeping a run: its checkpoints are begun, waited for and gone back to.

How one is written is the business of `writing`; when, and what it tells, that of the loop.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch

from hunmin.manifest import Manifest
from hunmin.train import checkpoints
from hunmin.train.checkpoints import RunPlan
from hunmin.train.course import Course
from hunmin.train.learner import Learner
from hunmin.train.losses import LossLog, plot
from hunmin.train.recipe import Stage, TrainConfig
from hunmin.train.watchdog import Watchdog
from hunmin.train.world import World
from hunmin.train.writing import CheckpointWriter, Content

_LOSS_IS_OVER: Mapping[Stage, str] = {"preference": "pair", "reinforce": "token or answer"}
"""What a loss is a mean over, where it is not tokens."""

_STORAGE_SECONDS_MAX = 30.0
"""How long a checkpoint that is due waits for the one before it to be written."""

_LEFT_OUT_MAX = 3
"""After so many checkpoints in a row that were left out, the run would lose too much."""


class TellContent(Protocol):
    """What returns all that a checkpoint holds beside weights and optimizers."""

    def __call__(self, *, finished: bool) -> Content:
        """Return it, for the last checkpoint of a run or for one on the way."""
        ...


class Keeper:
    """Keeps one run in its folder."""

    def __init__(
        self,
        config: TrainConfig,
        plan: RunPlan,
        learner: Learner,
        optimizers: Sequence[torch.optim.Optimizer],
        *,
        world: World,
        watchdog: Watchdog,
        log: LossLog,
        say: Callable[[str], None],
    ) -> None:
        """Begin with no checkpoint.

        Args:
            config: The stage.
            plan: Where checkpoints go, and what decides them.
            learner: What is trained.
            optimizers: What trains it.
            world: The processes of the run; all of them call each method.
            watchdog: Watches what a disk takes long for.
            log: Told what went wrong.
            say: Tells people so.
        """
        self.saved: Path | None = None
        """The last checkpoint of the run that is known to be whole."""
        self._config = config
        self._plan = plan
        self._learner = learner
        self._optimizers = optimizers
        self._world = world
        self._watchdog = watchdog
        self._log = log
        self._say = say
        self._writer = CheckpointWriter(plan, world)
        self._left_out = 0

    @property
    def is_writing(self) -> bool:
        """Whether this process is writing a checkpoint."""
        return self._writer.is_writing

    def begin(self, course: Course, content: TellContent) -> None:
        """Begin to write a checkpoint, unless the disk is still busy with the one before."""
        with self._watchdog.watching(course.step, seconds_more=_STORAGE_SECONDS_MAX):
            self._writer.wait(_STORAGE_SECONDS_MAX)
            is_writing = any(self._world.gather(self._writer.is_writing))
        if is_writing:
            self._left_out += 1
            self._log.add(step=course.step, event="checkpoint_left_out")
            self._say("hunmin: the disk is too slow: a checkpoint was left out")
            if self._left_out == _LEFT_OUT_MAX:
                self._watchdog.give_up("no checkpoint can be written: the storage does not answer")
            return
        self._left_out = 0
        self.settle(course)
        with self._watchdog.watching(course.step, slow=True):
            told = content(finished=False)
            self._writer.begin(course, self._learner, self._optimizers, told, then=self._tidy)

    def settle(self, course: Course) -> None:
        """Take note of the checkpoint that was being written; without one the run goes on."""
        try:
            self.saved = self._writer.settle() or self.saved
        except Exception as error:  # noqa: BLE001 (whatever it is, training is worth more)
            self._log.add(step=course.step, event="checkpoint_failed", reason=str(error))
            self._say(f"hunmin: a checkpoint could not be written: {error}")
        while self._writer.complaints:
            self._say(f"hunmin: beside a checkpoint: {self._writer.complaints.pop(0)}")

    def settle_slowly(self, course: Course) -> None:
        """Wait until the checkpoint that is being written is whole, and take note of it."""
        with self._watchdog.watching(course.step, slow=True):
            self.settle(course)

    def save(self, course: Course, content: TellContent) -> None:
        """Write a checkpoint to go on from, and wait until it is whole.

        Raises:
            DiskFull: There is no room for it.
            Exception: It cannot be written.
        """
        self.settle_slowly(course)
        if self.saved == self._plan.folder_at(course.step):
            return  # the run was just taken back to it
        self.begin(course, content)
        with self._watchdog.watching(course.step, slow=True):
            self.saved = self._writer.settle() or self.saved

    def finish(self, course: Course, content: TellContent) -> Manifest:
        """Write the last checkpoint, a model folder, and return its manifest."""
        with self._watchdog.watching(course.step, slow=True):
            self.settle(course)
            told = content(finished=True)
            folder = self._writer.write_last(course.step, self._learner, told, then=self._tidy)
        return Manifest.read(folder)

    def go_back(self, folder: Path) -> Course:
        """Put a checkpoint into what is trained, and return the course of the run until there."""
        checkpoints.restore(folder, self._learner, self._optimizers, self._world)
        self.saved = folder
        return Course.read(folder)

    def close(self) -> None:
        """Wait for what is being written."""
        self._writer.close()

    def _tidy(self) -> None:
        """Do what is done once whenever a checkpoint is whole."""
        checkpoints.prune(self._plan, kept=self._config.checkpoints_kept)
        name, stage = self._plan.folder.name, self._config.stage
        plot(self._plan.folder, title=f"{name}: {stage}", unit=_LOSS_IS_OVER.get(stage, "token"))
