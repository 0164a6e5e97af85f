"""The checkpoints of a run: written whole, found again, and never trusted unread.

A checkpoint is an ordinary model folder (`config.json`, `model.safetensors`, tokenizer) plus
`optimizer.safetensors`. With its step number that is all a run needs to go on exactly, because the
order of the data and the learning rate are functions of the step.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hunmin.errors import ManifestBroken, ManifestMissing
from hunmin.manifest import LedgerRecord, Manifest, verify_files
from hunmin.model import (
    END_OF_TEXT_ID,
    PAD_ID,
    TOKENIZER_FILES,
    Transformer,
    save_model,
)
from hunmin.model.checkpoint import WEIGHTS_NAME, load_weights
from hunmin.steps import open_step

OPTIMIZER_NAME = "optimizer.safetensors"


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What decides a run: two runs with the same plan make the same checkpoints."""

    folder: Path
    recipe: dict[str, Any]
    inputs: Mapping[str, Path]
    """`corpus`, `tokenizer`, and `base` for a stage that goes on from another's checkpoint."""

    def folder_at(self, step: int) -> Path:
        """Return the folder of the checkpoint after `step` steps."""
        return self.folder / f"step-{step:06}"


def save(
    plan: RunPlan,
    step: int,
    model: Transformer,
    optimizers: Sequence[torch.optim.Optimizer],
    *,
    facts: Mapping[str, Any],
    ledger: LedgerRecord,
    documents: Path,
    finished: bool,
) -> Manifest:
    """Write the checkpoint after `step` steps. The last of a run leaves the optimizer out."""
    out = plan.folder_at(step)
    with open_step(
        out,
        kind="checkpoint",
        name=f"{plan.folder.name}/{out.name}",
        recipe=plan.recipe,
        inputs=plan.inputs,
    ) as work:
        if work.finished is not None:
            return work.finished
        save_model(model, work.folder, eos_id=END_OF_TEXT_ID, pad_id=PAD_ID, dtype=torch.float32)
        for name in TOKENIZER_FILES:
            shutil.copyfile(plan.inputs["tokenizer"] / name, work.folder / name)
        if not finished:
            save_file(optimizer_tensors(model, optimizers), work.folder / OPTIMIZER_NAME)
        return work.finish(
            facts={"step": step, "finished": finished, **facts},
            ledger=ledger,
            documents=documents,
        )


def newest(plan: RunPlan) -> tuple[int, Path] | None:
    """Return the newest whole checkpoint of the run; a broken one is set aside by name.

    Raises:
        OutputExists: The run's folder holds checkpoints of another plan.
    """
    for folder in reversed(_by_step(plan.folder)):
        try:
            verify_files(folder)
        except (ManifestMissing, ManifestBroken):
            broken = folder.with_name(f"broken-{folder.name}")
            shutil.rmtree(broken, ignore_errors=True)
            folder.rename(broken)
            continue
        with open_step(
            folder, kind="checkpoint", name="", recipe=plan.recipe, inputs=plan.inputs
        ) as work:
            assert work.finished is not None
            return int(work.finished.facts["step"]), folder
    return None


def restore(folder: Path, model: Transformer, optimizers: Sequence[torch.optim.Optimizer]) -> None:
    """Put a checkpoint's weights, and the optimizers' state, into what is being trained."""
    load_weights(model, load_file(folder / WEIGHTS_NAME), folder=folder)
    put_optimizer_tensors(model, optimizers, load_file(folder / OPTIMIZER_NAME))


def prune(plan: RunPlan, *, kept: int) -> None:
    """Remove all but the newest `kept` checkpoints."""
    folders = _by_step(plan.folder)
    for folder in folders[: max(0, len(folders) - kept)]:
        doomed = folder.with_name(f".{folder.name}.doomed")
        folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def _by_step(folder: Path) -> list[Path]:
    """Return the checkpoints of a run, by number: `step-1000000` comes after `step-999999`."""
    found = [path for path in folder.glob("step-*") if path.name.removeprefix("step-").isdecimal()]
    return sorted(found, key=lambda path: int(path.name.removeprefix("step-")))


def optimizer_tensors(
    model: Transformer, optimizers: Sequence[torch.optim.Optimizer]
) -> dict[str, Tensor]:
    """Return the state by parameter name, such as `NAME/step`, `NAME/exp_avg`, `NAME/momentum`."""
    tensors = {}
    for name, parameter in model.named_parameters():
        for part, tensor in _state_of(parameter, optimizers).items():
            tensors[f"{name}/{part}"] = tensor.detach().cpu().contiguous()
    return tensors


def put_optimizer_tensors(
    model: Transformer,
    optimizers: Sequence[torch.optim.Optimizer],
    tensors: Mapping[str, Tensor],
) -> None:
    """Put back what `optimizer_tensors` returned."""
    parameters = dict(model.named_parameters())
    for key, tensor in tensors.items():
        name, part = key.rsplit("/", 1)
        parameter = parameters[name]
        _state_of(parameter, optimizers)[part] = tensor.to(parameter.device)


def _state_of(parameter: Tensor, optimizers: Sequence[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """Return what the one optimizer that learns a parameter remembers of it."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            if any(parameter is one for one in group["params"]):
                return optimizer.state[parameter]
    raise AssertionError("every parameter is learned by one optimizer")
