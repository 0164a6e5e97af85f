"""The loop of one run: steps, checkpoints, and what to do when either goes wrong.

It owns the course of the run; `stepping` does the steps and `writing` the checkpoints. It knows
nothing of where text came from nor of what the model will be used for.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hunmin.errors import TrainingUnstable
from hunmin.ledger import Order
from hunmin.manifest import Manifest
from hunmin.model import ModelConfig
from hunmin.progress import bar
from hunmin.train import checkpoints
from hunmin.train.checkpoints import RunPlan
from hunmin.train.course import Course
from hunmin.train.determinism import how_computed
from hunmin.train.device import Device
from hunmin.train.learner import build_learner, count_parameters
from hunmin.train.losses import LossLog, plot
from hunmin.train.optimizers import build_optimizers
from hunmin.train.pace import Pace
from hunmin.train.phases import PhaseClock
from hunmin.train.preference import Pairs, PreferenceStepper
from hunmin.train.recipe import Stage, TrainConfig
from hunmin.train.reference import with_reference
from hunmin.train.reinforce import Groups, ReinforceStepper
from hunmin.train.starting import open_sequences, set_weights
from hunmin.train.stepping import Outcome, Stepper
from hunmin.train.stopping import Stop, asked_to_stop
from hunmin.train.stragglers import Stragglers
from hunmin.train.telling import RunFacts
from hunmin.train.tokens import Kind, Sequences
from hunmin.train.watchdog import Watchdog
from hunmin.train.world import World
from hunmin.train.writing import CheckpointWriter, Content

_DATA: Mapping[Stage, tuple[Kind, Kind | None]] = {
    "pretrain": ("text", "heldout"),
    "chat": ("chat", "heldout"),
    "preference": ("preference", "preference_heldout"),
    "reinforce": ("rewards", None),
}
"""What a stage learns from, and what its held-out loss is measured on. Held-out rewards need new
answers, which are not this room's business."""

_LOSS_IS_OVER: Mapping[Stage, str] = {"preference": "pair", "reinforce": "token or answer"}
"""What a loss is a mean over, where it is not tokens."""

_LOG_EVERY_STEPS = 10

_STORAGE_SECONDS_MAX = 30.0
"""How long a checkpoint that is due waits for the one before it to be written."""

_LEFT_OUT_MAX = 3
"""After so many checkpoints in a row that were left out, the run would lose too much."""

_ROLLBACKS_MAX = 3
"""How often a run goes back to one checkpoint before it gives up."""


class Loop:
    """One run, put together once: `go` trains it to its end."""

    def __init__(
        self,
        config: TrainConfig,
        model_config: ModelConfig,
        plan: RunPlan,
        *,
        device: Device,
        world: World,
        watchdog: Watchdog,
    ) -> None:
        self.config = config
        self.model_config = model_config
        self.plan = plan
        self.device = device
        self.clock = PhaseClock(device.device)
        self.world = world = replace(world, waiting=self.clock.waiting)
        self.watchdog = watchdog
        self.stragglers = Stragglers(self.clock, world, [host for host, _ in watchdog.peers])
        kind, heldout_kind = _DATA[config.stage]
        sequences = open_sequences(plan, config, kind, world, needed=True)
        assert sequences is not None, "they are needed"
        self.sequences = sequences
        self.order = Order(config.seed, len(self.sequences), config.samples_per_step)
        self.heldout: Sequences | None = None
        if config.heldout_sequences and heldout_kind is not None:
            self.heldout = open_sequences(plan, config, heldout_kind, world, needed=False)
        self.learner = build_learner(model_config, device, world, config.adapters)
        set_weights(self.learner, plan, config, model_config, world)
        self.clock.attach(self.learner)
        self.optimizers = build_optimizers(
            self.learner.transformer,
            config,
            bfloat16=device.bfloat16,
            processes=world.matrices,
            waiting=world.waiting,
        )
        self.stepper = self._build_stepper()
        self.facts = RunFacts(
            config=config,
            model_config=model_config,
            plan=plan,
            device=device,
            computing=how_computed(device, world, config),
            parameters=count_parameters(self.learner.transformer),
            sequences=self.sequences,
        )
        self.writer = CheckpointWriter(plan, world)
        self.log = LossLog(plan.folder, writes=world.is_first)
        self.pace = Pace()
        self.course = Course()
        self.saved: Path | None = None
        self.rollbacks: Counter[Path | None] = Counter()
        self.left_out = 0

    def _build_stepper(self) -> Stepper:
        """Return what does the steps; the weights are still those of the base."""
        parts = (self.config, self.learner, self.optimizers, self.device, self.world)
        if self.config.stage == "reinforce":
            self.sequences = Groups.of(self.sequences)
            return ReinforceStepper(*parts, clock=self.clock)
        if self.config.stage != "preference":
            return Stepper(*parts, clock=self.clock)
        stepper = PreferenceStepper(*parts, clock=self.clock)
        base, at_once = self.plan.inputs["base"], self.config.samples_per_step

        def with_its(sequences: Sequences) -> Sequences:
            return with_reference(sequences, base, stepper, self.world, at_once=at_once)

        self.sequences = with_its(self.sequences)
        self.heldout = with_its(self.heldout) if self.heldout is not None else None
        return stepper

    def go(self, start: tuple[int, Path] | None) -> Manifest:
        """Train from a checkpoint, or from the beginning, to the end."""
        config = self.config
        if start is not None:
            self._return_to(start[1])
        self.log.rewind(self.course.step)
        tokens_a_step = self.config.tokens_per_step
        label = f"{config.stage} {self.plan.folder.name}"
        with (
            self.log.life(lambda: self.course.step, **self._what_it_is()),
            asked_to_stop() as stop,
            self.watchdog,
            bar(
                label,
                total=config.steps * tokens_a_step,
                unit="tokens",
                visible=self.world.is_first,
            ) as self.shown,
        ):
            self.shown.start_at(self.course.step * tokens_a_step)
            self._say_other_precision()
            while self.course.step < config.steps:
                if self._turn(stop) and self.course.step < config.steps:
                    self._stop(stop)
            return self._finish()

    def close(self) -> None:
        """Let go of what it holds."""
        self.writer.close()

    def _turn(self, stop: Stop) -> bool:
        """Do one step and what follows from it; return whether someone asked to stop."""
        outcome = self._step(stop)
        stopping, is_writing, *_ = outcome.raised
        note = f"step {self.course.step} of {self.config.steps}, loss {outcome.loss:.3f}"
        self.shown.advance(self.config.tokens_per_step, note=note)
        if not is_writing:
            self._settle()
        if self.course.guard.wants_rollback:
            self._take_back()
            self.shown.start_at(self.course.step * self.config.tokens_per_step)
        elif self._is_due() and not stopping:
            self._begin_checkpoint()
        return stopping

    def _stop(self, stop: Stop) -> None:  # noqa: ARG002 (replicas ask who was told)
        """Stop, with a checkpoint to go on from.

        Raises:
            KeyboardInterrupt: Always, in the end.
        """
        self._save()
        raise KeyboardInterrupt

    def _what_it_is(self) -> dict[str, object]:
        """Return what the log tells of this run, for those who watch it."""
        return self.facts.at_start(self._layout())

    def _say_other_precision(self) -> None:
        """Say so where the run goes on in another precision than the one it was trained in."""
        if self.saved is None:
            return
        before, now = Manifest.read(self.saved).facts.get("precision"), self.device.number_format
        if before in {None, now}:  # an older checkpoint does not tell
            return
        self.log.add(
            step=self.course.step, event="precision_changed", precision=now, precision_before=before
        )
        self.shown.say(f"hunmin: the run goes on in {now}; until here it was trained in {before}")

    def _step(self, stop: Stop) -> Outcome:
        """Do one step, and write down what came of it."""
        course, step = self.course, self.course.step
        rows = self.order.of_step(course.data_step)
        with self.watchdog.watching(step), self.pace.timed():
            outcome = self.stepper.step(
                step,
                self.sequences,
                self._own_share(rows),
                course.guard,
                flags=lambda: self._flags(stop),
            )
            changes = self.stragglers.after_step()
        course.advance(learned=outcome.learned)
        if outcome.learned:
            course.loss = outcome.loss
        rate = self.config.learning_rate_at(step)
        if not outcome.learned:
            self.log.add(
                step=course.step,
                event="skipped",
                skipped_loss=_finite(outcome.loss),
                gradient_norm=_finite(outcome.norm),
                samples=rows.tolist(),
            )
        elif course.step % _LOG_EVERY_STEPS == 0 or course.step == self.config.steps:
            step_seconds = self.pace.take()
            self.log.add(
                step=course.step,
                loss=outcome.loss,
                learning_rate=rate,
                gradient_norm=outcome.norm,
                tokens_seen=course.steps_learned * self.config.tokens_per_step,
                tokens_per_second=round(self.config.tokens_per_step / step_seconds, 1),
                step_seconds=round(step_seconds, 6),
                **outcome.measures,
            )
        for change in changes:
            self.log.add(step=course.step, **change.to_json())
            self.shown.say(f"hunmin: {change}")
        return outcome

    def _own_share(self, rows_N: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which samples of a step these processes compute: all, if there are no others."""
        return rows_N

    def _flags(self, stop: Stop) -> tuple[bool, ...]:
        """Return what this process wants all to know after a step."""
        return (stop.wanted, self.writer.is_writing)

    def _is_due(self) -> bool:
        """Whether a checkpoint shall be written now, other than the last."""
        step = self.course.step
        return step % self.config.checkpoint_every_steps == 0 and step < self.config.steps

    def _begin_checkpoint(self) -> None:
        """Begin to write a checkpoint, unless the disk is still busy with the one before."""
        with self.watchdog.watching(self.course.step, seconds_more=_STORAGE_SECONDS_MAX):
            self.writer.wait(_STORAGE_SECONDS_MAX)
            is_writing = any(self.world.gather(self.writer.is_writing))
        if is_writing:
            self.left_out += 1
            self.log.add(step=self.course.step, event="checkpoint_left_out")
            self.shown.say("hunmin: the disk is too slow: a checkpoint was left out")
            if self.left_out == _LEFT_OUT_MAX:
                self.watchdog.give_up("no checkpoint can be written: the storage does not answer")
            return
        self.left_out = 0
        self._settle()
        with self.watchdog.watching(self.course.step, slow=True):
            content = self._content(finished=False)
            self.writer.begin(self.course, self.learner, self.optimizers, content, then=self._tidy)

    def _tidy(self) -> None:
        """Do what is done once whenever a checkpoint is whole."""
        checkpoints.prune(self.plan, kept=self.config.checkpoints_kept)
        unit = _LOSS_IS_OVER.get(self.config.stage, "token")
        plot(self.plan.folder, title=f"{self.plan.folder.name}: {self.config.stage}", unit=unit)

    def _settle(self) -> None:
        """Take note of the checkpoint that was being written; without one the run goes on."""
        try:
            self.saved = self.writer.settle() or self.saved
        except Exception as error:  # noqa: BLE001 (whatever it is, training is worth more)
            self.log.add(step=self.course.step, event="checkpoint_failed", reason=str(error))
            self.shown.say(f"hunmin: a checkpoint could not be written: {error}")
        while self.writer.complaints:
            self.shown.say(f"hunmin: beside a checkpoint: {self.writer.complaints.pop(0)}")

    def _save(self) -> None:
        """Write a last checkpoint to go on from, and wait until it is whole."""
        with self.watchdog.watching(self.course.step, slow=True):
            self._settle()
        if self.saved == self.plan.folder_at(self.course.step):
            return  # the run was just taken back to it
        self._begin_checkpoint()
        with self.watchdog.watching(self.course.step, slow=True):
            self.saved = self.writer.settle() or self.saved

    def _finish(self) -> Manifest:
        with self.watchdog.watching(self.course.step, slow=True):
            self._settle()
            content = self._content(finished=True)
            self.writer.write_last(self.course.step, self.learner, content, then=self._tidy)
        return Manifest.read(self.plan.folder_at(self.config.steps))

    def _take_back(self) -> None:
        """Go back to the last checkpoint, and on behind the data that spoiled the steps since.

        Before the first checkpoint the run goes on as it is: nothing was learned from bad steps.

        Raises:
            TrainingUnstable: It went back too often.
        """
        step, data_step = self.course.step, self.course.data_step
        with self.watchdog.watching(step, slow=True):
            self._settle()
        self.rollbacks[self.saved] += 1
        if self.rollbacks[self.saved] > _ROLLBACKS_MAX:
            raise TrainingUnstable(step=step, last_good=self.saved)
        if self.saved is None:
            self.course.jump(data_step)
            return
        spoiled = [line for line in self.log.lines() if line.get("event") == "skipped"]
        with self.watchdog.watching(step, slow=True):
            self._return_to(self.saved)
        self.log.rewind(self.course.step)
        self.log.add(
            step=self.course.step,
            event="rollback",
            from_step=step,
            data_steps_left_out=[self.course.data_step, data_step],
            skipped=[line for line in spoiled if line["step"] > self.course.step],
        )
        self.course.jump(data_step)

    def _return_to(self, folder: Path) -> None:
        checkpoints.restore(folder, self.learner, self.optimizers, self.world)
        self.course = Course.read(folder)
        self.saved = folder

    def _content(self, *, finished: bool) -> Content:
        facts = self.facts.of_checkpoint(self.course, self._layout(), finished=finished)
        return Content(
            config=self.model_config,
            adapters=self.config.adapters,
            course=self.course.to_json(),
            facts={**facts, **self._measure_heldout()},
            ledger=self.facts.ledger(self.course, self.order),
            documents=self.sequences.documents,
        )

    def _layout(self) -> dict[str, int]:
        return {"processes": self.world.size, "replicas": self.world.replicas}

    def _measure_heldout(self) -> dict[str, Any]:
        """Return what is measured on held-out data, and log it; nothing where there are none."""
        if self.heldout is None:
            return {}
        samples = self.config.heldout_sequences // self.config.sequences_per_sample
        rows = np.arange(min(samples, len(self.heldout)))
        found = self.stepper.measure(self.heldout, rows)
        found = {f"heldout_{name}": value for name, value in found.items()}
        self.log.add(step=self.course.step, **found)
        if isinstance(self.heldout, Pairs):
            found["heldout_ranking_accuracy_of_base"] = self.heldout.ranked_by_reference(rows)
        return {**found, "heldout_samples": len(rows)}


def _finite(value: float) -> float | None:
    """Return a number that JSON knows."""
    return value if math.isfinite(value) else None
