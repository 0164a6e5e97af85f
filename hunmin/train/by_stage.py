"""What differs from stage to stage: what it learns from, and what does its steps."""

from collections.abc import Mapping, Sequence

import torch

from hunmin.train.checkpoints import RunPlan
from hunmin.train.device import Device
from hunmin.train.learner import Learner
from hunmin.train.phases import PhaseClock
from hunmin.train.preference import PreferenceStepper
from hunmin.train.recipe import Stage, TrainConfig
from hunmin.train.reference import with_reference
from hunmin.train.reinforce import Groups, ReinforceStepper
from hunmin.train.starting import open_sequences
from hunmin.train.stepping import Stepper
from hunmin.train.tokens import Kind, Sequences
from hunmin.train.world import World

_DATA: Mapping[Stage, tuple[Kind, Kind | None]] = {
    "pretrain": ("text", "heldout"),
    "chat": ("chat", "heldout"),
    "preference": ("preference", "preference_heldout"),
    "reinforce": ("rewards", None),
}
"""What a stage learns from, and what its held-out loss is measured on. Held-out rewards need new
answers, which are not this room's business."""

_STEPPERS: Mapping[Stage, type[Stepper]] = {
    "preference": PreferenceStepper,
    "reinforce": ReinforceStepper,
}


def open_data(
    plan: RunPlan, config: TrainConfig, world: World
) -> tuple[Sequences, Sequences | None]:
    """Return what a stage learns from, and what is held out of it, where there is some.

    Raises:
        NothingToTrainOn: There is too little to learn from.
        RolloutsUnfit: Nothing can be learned from the rewards.
    """
    kind, heldout_kind = _DATA[config.stage]
    sequences = open_sequences(plan, config, kind, world, needed=True)
    assert sequences is not None, "they are needed"
    heldout: Sequences | None = None
    if config.heldout_sequences and heldout_kind is not None:
        heldout = open_sequences(plan, config, heldout_kind, world, needed=False)
    return sequences, heldout


def build_stepper(
    config: TrainConfig,
    learner: Learner,
    optimizers: Sequence[torch.optim.Optimizer],
    device: Device,
    world: World,
    *,
    clock: PhaseClock,
) -> Stepper:
    """Return what does the steps of a stage."""
    kind = _STEPPERS.get(config.stage, Stepper)
    return kind(config, learner, optimizers, device, world, clock=clock)


def with_what_is_beside(
    sequences: Sequences, stepper: Stepper, plan: RunPlan, config: TrainConfig, world: World
) -> Sequences:
    """Return the data of a stage with what its steps need beside tokens.

    The stepper's model must still have the base's weights. All processes must ask.

    Raises:
        ManifestBroken: The base model's files are not as they were written.
    """
    if isinstance(stepper, PreferenceStepper):
        base, at_once = plan.inputs["base"], config.samples_per_step
        return with_reference(sequences, base, stepper, world, at_once=at_once)
    if isinstance(stepper, ReinforceStepper):
        return Groups.of(sequences)
    return sequences
