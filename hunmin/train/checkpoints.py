"""The checkpoints of a run: written whole, found again, and never trusted unread.

While a run goes on a checkpoint holds `state/`, weights and optimizers in parts, one from each
process, and `course.json`. The last one of a run is an ordinary model folder (`config.json`,
`model.safetensors`, tokenizer) instead. Either is renamed into place when every file of every
process is on the disk, with its SHA-256 in the manifest.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed import checkpoint as dcp
from torch.distributed.checkpoint.metadata import TensorStorageMetadata

from hunmin.errors import CheckpointBroken, ManifestBroken, ManifestMissing
from hunmin.manifest import Manifest, verify_files
from hunmin.model.checkpoint import STATE_NAME
from hunmin.model.sharded import WEIGHT_KEY, StateReader, TensorsOnly, one_process_is_enough
from hunmin.steps import open_step
from hunmin.train.learner import Learner
from hunmin.train.recipe import TrainConfig
from hunmin.train.world import World

OPTIMIZER_KEY = "optimizer/"


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What decides a run: two runs with the same plan make the same checkpoints.

    Plans that differ only in length make the same ones until the learning rate of one falls.
    """

    folder: Path
    recipe: dict[str, Any]
    inputs: Mapping[str, Path]
    """`corpus` or `rewards`, `tokenizer`, `base` for a stage that goes on from another's
    checkpoint, and `canaries` where some are put into its text."""

    @property
    def data(self) -> Path:
        """What is learned from."""
        return self.inputs["rewards"] if "rewards" in self.inputs else self.inputs["corpus"]

    def folder_at(self, step: int) -> Path:
        """Return the folder of the checkpoint after `step` steps."""
        return self.folder / f"step-{step:06}"


def newest(plan: RunPlan, world: World) -> tuple[int, Path] | None:
    """Return the newest whole checkpoint of the run; a broken one is set aside by name.

    Each process hashes its share of the files, and all come to the same checkpoint.

    Raises:
        OutputExists: The run's folder holds checkpoints of another plan.
    """
    for folder in world.gather(_by_step(plan.folder))[0][::-1]:
        holds = world.together(lambda folder=folder: _holds(folder, world))
        if not all(world.gather(holds)):
            world.together(lambda folder=folder: world.is_first and _set_aside(folder))
            continue
        step = world.together(lambda folder=folder: world.is_first and _step_of(folder, plan))
        return int(world.gather(step)[0]), folder
    return None


def _holds(folder: Path, world: World) -> bool:
    """Whether this process's share of a checkpoint's files is as it was written."""
    try:
        verify_files(folder, share=(world.rank, world.size))
    except (ManifestMissing, ManifestBroken):
        return False
    return True


def _set_aside(folder: Path) -> None:
    broken = folder.with_name(f"broken-{folder.name}")
    shutil.rmtree(broken, ignore_errors=True)
    folder.rename(broken)


def _step_of(folder: Path, plan: RunPlan) -> int:
    """Return the step of a checkpoint, if it is of this plan.

    Raises:
        OutputExists: It is of another.
    """
    made_with = Manifest.read(folder)
    recipe = made_with.recipe if _is_alike(made_with, plan) else plan.recipe
    with open_step(folder, kind="checkpoint", name="", recipe=recipe, inputs=plan.inputs) as work:
        assert work.finished is not None
        return int(work.finished.facts["step"])


def _is_alike(made_with: Manifest, plan: RunPlan) -> bool:
    """Whether a checkpoint is one of a run that differs from the plan in its length alone."""
    if made_with.kind != "checkpoint" or made_with.recipe["model"] != plan.recipe["model"]:
        return False
    theirs, ours = made_with.recipe["train"], plan.recipe["train"]
    if theirs.keys() - ours.keys():  # made by another version, that knew more
        return False
    step = int(made_with.facts["step"])
    return TrainConfig(**theirs).learns_alike(TrainConfig(**ours), until=step)


def sweep(plan: RunPlan) -> None:
    """Remove what a killed process left: checkpoints half written, and half removed."""
    for pattern in (".step-*.partial", ".step-*.doomed"):
        for folder in plan.folder.glob(pattern):
            shutil.rmtree(folder, ignore_errors=True)


def prune(plan: RunPlan, *, kept: int) -> None:
    """Remove all but the newest `kept` checkpoints."""
    folders = _by_step(plan.folder)
    for folder in folders[: max(0, len(folders) - kept)]:
        doomed = folder.with_name(f".{folder.name}.doomed")
        folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def last_written(plan: RunPlan) -> Path | None:
    """Return the newest checkpoint, as it is; None where there is none yet."""
    return next(iter(_by_step(plan.folder)[::-1]), None)


def _by_step(folder: Path) -> list[Path]:
    """Return the checkpoints of a run, by number: `step-1000000` comes after `step-999999`."""
    found = [path for path in folder.glob("step-*") if path.name.removeprefix("step-").isdecimal()]
    return sorted(found, key=lambda path: int(path.name.removeprefix("step-")))


def state_tensors(
    learner: Learner, optimizers: Sequence[torch.optim.Optimizer]
) -> dict[str, Tensor]:
    """Return weights and optimizer state by name: `weights/NAME`, `optimizer/NAME/exp_avg`.

    Frozen weights are not among them: they are those of the base.
    """
    tensors: dict[str, Tensor] = {}
    for name, parameter in learner.transformer.named_parameters():
        if not parameter.requires_grad:
            continue
        tensors[f"{WEIGHT_KEY}{name}"] = parameter.detach()
        for part, tensor in _state_of(parameter, optimizers).items():
            tensors[f"{OPTIMIZER_KEY}{name}/{part}"] = tensor.detach()
    return tensors


def restore(
    folder: Path, learner: Learner, optimizers: Sequence[torch.optim.Optimizer], world: World
) -> None:
    """Put a checkpoint's weights, and the optimizers' state, into what is being trained.

    However many processes wrote it: each reads the parts it holds now.

    Raises:
        CheckpointBroken: It does not fit what is being trained.
    """
    reader = StateReader(folder / STATE_NAME)
    saved = reader.read_metadata().state_dict_metadata
    wanted = {
        key: (each.size, each.properties.dtype)
        for key, each in saved.items()
        if isinstance(each, TensorStorageMetadata)
    }
    try:
        make_room(learner, optimizers, wanted)
    except KeyError as error:
        raise CheckpointBroken(folder=folder, reason=f"it has a weight {error}") from error
    load_into(state_tensors(learner, optimizers), folder, world)


def make_room(
    learner: Learner,
    optimizers: Sequence[torch.optim.Optimizer],
    wanted: Mapping[str, tuple[torch.Size, torch.dtype]],
) -> None:
    """Give optimizers state of the sizes that are wanted, by the names `state_tensors` gives.

    Raises:
        KeyError: A weight of that name is not trained.
    """
    parameters = dict(learner.transformer.named_parameters())
    for optimizer in optimizers:
        optimizer.state.clear()
    for key, (size, dtype) in wanted.items():
        if not key.startswith(OPTIMIZER_KEY):
            continue
        name, _, part = key.removeprefix(OPTIMIZER_KEY).rpartition("/")
        parameter = parameters[name]
        _state_of(parameter, optimizers)[part] = (
            torch.zeros_like(parameter)
            if size == parameter.shape
            else torch.zeros(size, dtype=dtype, device=parameter.device)
        )


def load_into(tensors: dict[str, Tensor], folder: Path, world: World) -> None:
    """Set tensors, of which this process may hold a part, from those of the same name in `state/`.

    Raises:
        CheckpointBroken: One is missing, or of another shape.
    """
    wanted: dict[str, Any] = {**tensors}
    try:
        with one_process_is_enough():
            dcp.load(
                wanted,
                storage_reader=StateReader(folder / STATE_NAME),
                planner=TensorsOnly(),
                process_group=world.files,
                no_dist=world.files is None,
            )
    except (OSError, RuntimeError, ValueError, dcp.CheckpointException) as error:
        raise CheckpointBroken(folder=folder, reason=f"{type(error).__name__}: {error}") from error


def _state_of(parameter: Tensor, optimizers: Sequence[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """Return what the one optimizer that learns a parameter remembers of it."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            if any(parameter is one for one in group["params"]):
                return optimizer.state[parameter]
    raise AssertionError("every parameter is learned by one optimizer")
