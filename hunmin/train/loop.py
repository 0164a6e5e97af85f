"""The loop of one run: steps, checkpoints, and what to do when either goes wrong.

It owns the course of the run; `stepping` does the steps, and `keeper` keeps the checkpoints. It
knows nothing of where text came from nor of what the model will be used for.
"""

from collections import Counter
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
from hunmin.train.by_stage import build_stepper, open_data, with_what_is_beside
from hunmin.train.checkpoints import RunPlan
from hunmin.train.course import Course
from hunmin.train.determinism import how_computed
from hunmin.train.device import Device
from hunmin.train.keeper import Keeper
from hunmin.train.learner import build_learner, count_parameters
from hunmin.train.losses import LossLog
from hunmin.train.optimizers import build_optimizers
from hunmin.train.pace import Pace
from hunmin.train.phases import PhaseClock
from hunmin.train.preference import Pairs
from hunmin.train.recipe import TrainConfig
from hunmin.train.starting import set_weights
from hunmin.train.stepping import Outcome, Stepper
from hunmin.train.stopping import Stop, asked_to_stop
from hunmin.train.stragglers import Stragglers
from hunmin.train.telling import RunFacts
from hunmin.train.watchdog import Watchdog
from hunmin.train.world import World
from hunmin.train.writing import Content

_LOG_EVERY_STEPS = 10

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
        self.sequences, self.heldout = open_data(plan, config, world)
        self.order = Order(config.seed, len(self.sequences), config.samples_per_step)
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
        beside = (self.stepper, plan, config, world)
        self.sequences = with_what_is_beside(self.sequences, *beside)
        if self.heldout is not None:
            self.heldout = with_what_is_beside(self.heldout, *beside)
        self.facts = RunFacts(
            config=config,
            model_config=model_config,
            plan=plan,
            device=device,
            computing=how_computed(device, world, config),
            parameters=count_parameters(self.learner.transformer),
            sequences=self.sequences,
        )
        self.log = LossLog(plan.folder, writes=world.is_first)
        self.keeper = Keeper(
            config,
            plan,
            self.learner,
            self.optimizers,
            world=world,
            watchdog=watchdog,
            log=self.log,
            say=self._say,
        )
        self.pace = Pace()
        self.course = Course()
        self.rollbacks: Counter[Path | None] = Counter()

    def _build_stepper(self) -> Stepper:
        parts = (self.config, self.learner, self.optimizers, self.device, self.world)
        return build_stepper(*parts, clock=self.clock)

    def go(self, start: tuple[int, Path] | None) -> Manifest:
        """Train from a checkpoint, or from the beginning, to the end."""
        config = self.config
        if start is not None:
            self.course = self.keeper.go_back(start[1])
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
        self.keeper.close()

    def _turn(self, stop: Stop) -> bool:
        """Do one step and what follows from it; return whether someone asked to stop."""
        outcome = self._step(stop)
        stopping, is_writing, *_ = outcome.raised
        note = f"step {self.course.step} of {self.config.steps}, loss {outcome.loss:.3f}"
        self.shown.advance(self.config.tokens_per_step, note=note)
        if not is_writing:
            self.keeper.settle(self.course)
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
        self.keeper.save(self.course, self._content)
        raise KeyboardInterrupt

    def _what_it_is(self) -> dict[str, object]:
        """Return what the log tells of this run, for those who watch it."""
        return self.facts.at_start(self._layout())

    def _say_other_precision(self) -> None:
        """Say so where the run goes on in another precision than the one it was trained in."""
        before, now = self.facts.precision_of(self.keeper.saved), self.device.number_format
        if before in {None, now}:
            return
        self.log.add(
            step=self.course.step, event="precision_changed", precision=now, precision_before=before
        )
        self._say(f"hunmin: the run goes on in {now}; until here it was trained in {before}")

    def _say(self, line: str) -> None:
        """Say something beside the bar."""
        self.shown.say(line)

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
        if not outcome.learned:
            self.log.add(**self.facts.of_skipped(course, outcome), samples=rows.tolist())
        elif course.step % _LOG_EVERY_STEPS == 0 or course.step == self.config.steps:
            self.log.add(**self.facts.of_step(course, outcome, seconds=self.pace.take()))
        for change in changes:
            self.log.add(step=course.step, **change.to_json())
            self._say(f"hunmin: {change}")
        return outcome

    def _own_share(self, rows_N: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which samples of a step these processes compute: all, if there are no others."""
        return rows_N

    def _flags(self, stop: Stop) -> tuple[bool, ...]:
        """Return what this process wants all to know after a step."""
        return (stop.wanted, self.keeper.is_writing)

    def _is_due(self) -> bool:
        """Whether a checkpoint shall be written now, other than the last."""
        step = self.course.step
        return step % self.config.checkpoint_every_steps == 0 and step < self.config.steps

    def _begin_checkpoint(self) -> None:
        self.keeper.begin(self.course, self._content)

    def _finish(self) -> Manifest:
        return self.keeper.finish(self.course, self._content)

    def _take_back(self) -> None:
        """Go back to the last checkpoint, and on behind the data that spoiled the steps since.

        Before the first checkpoint the run goes on as it is: nothing was learned from bad steps.

        Raises:
            TrainingUnstable: It went back too often.
        """
        step, data_step = self.course.step, self.course.data_step
        self.keeper.settle_slowly(self.course)
        saved = self.keeper.saved
        self.rollbacks[saved] += 1
        if self.rollbacks[saved] > _ROLLBACKS_MAX:
            raise TrainingUnstable(step=step, last_good=saved)
        if saved is None:
            self.course.jump(data_step)
            return
        spoiled = [line for line in self.log.lines() if line.get("event") == "skipped"]
        with self.watchdog.watching(step, slow=True):
            self.course = self.keeper.go_back(saved)
        self.log.rewind(self.course.step)
        self.log.add(
            step=self.course.step,
            event="rollback",
            from_step=step,
            data_steps_left_out=[self.course.data_step, data_step],
            skipped=[line for line in spoiled if line["step"] > self.course.step],
        )
        self.course.jump(data_step)

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
