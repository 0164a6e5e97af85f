"""Writing checkpoints behind the back of training.

Training waits only until its tensors are copied. A thread of each process then writes that
process's part; the first process, when all parts are on the disk, writes the manifest and renames
the folder into place. If anything fails on any process, the folder is removed on all.
"""

import contextlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed import checkpoint as dcp
from torch.distributed.tensor import DTensor

from hunmin.manifest import FileRecord, LedgerRecord, Manifest
from hunmin.model import END_OF_TEXT_ID, PAD_ID, TOKENIZER_FILES, ModelConfig
from hunmin.model.adapters import (
    ADAPTER_NAME,
    AdapterConfig,
    merge_adapters,
    save_adapters,
)
from hunmin.model.checkpoint import STATE_NAME, save_config, save_weights
from hunmin.model.sharded import one_process_is_enough
from hunmin.steps import Step, full_disk_said, open_step
from hunmin.train.checkpoints import RunPlan, state_tensors
from hunmin.train.course import COURSE_NAME, Course
from hunmin.train.learner import Learner, whole_on_cpu
from hunmin.train.world import World


@dataclass(frozen=True, slots=True)
class Content:
    """What a checkpoint says beside its tensors."""

    config: ModelConfig
    adapters: AdapterConfig | None
    """What learned beside the frozen weights of the base, if anything did."""
    course: dict[str, Any]
    facts: Mapping[str, Any]
    ledger: LedgerRecord
    documents: Path
    """The table of the documents in the data."""


class CheckpointWriter:
    """Writes the checkpoints of one run, one at a time."""

    def __init__(self, plan: RunPlan, world: World) -> None:
        self._plan = plan
        self._world = world.for_another_thread()
        self._thread = ThreadPoolExecutor(
            max_workers=1,
            thread_name_prefix="checkpoint",
            initializer=_use_device,
            initargs=(world.local_rank,),
        )
        self._buffers: dict[str, Tensor] = {}
        self._job: Future[Path] | None = None
        self.complaints: list[str] = []
        """What went wrong beside the checkpoints themselves."""

    def begin(
        self,
        course: Course,
        learner: Learner,
        optimizers: Sequence[torch.optim.Optimizer],
        content: Content,
        *,
        then: Callable[[], None],
    ) -> None:
        """Copy the tensors and return; they are written meanwhile.

        Args:
            course: Where the run is.
            learner: What is trained.
            optimizers: What trains it.
            content: All else the checkpoint says.
            then: What the first process does when the checkpoint is whole.
        """
        assert self._job is None, "settle the one before"
        tensors = self._copied(state_tensors(learner, optimizers))
        self._job = self._thread.submit(self._write, course.step, tensors, content, then)

    def settle(self) -> Path | None:
        """Wait for the checkpoint under way, and return its folder; None where there is none.

        Raises:
            DiskFull: There was no room for it; nothing of it is left.
            Exception: It could not be written, on this process or on another.
        """
        if self._job is None:
            return None
        job, self._job = self._job, None
        return job.result()

    def wait(self, seconds: float) -> None:
        """Wait for the checkpoint under way, but no longer than that."""
        if self._job is not None:
            wait([self._job], timeout=seconds)

    @property
    def is_writing(self) -> bool:
        """Whether a checkpoint is under way."""
        return self._job is not None and not self._job.done()

    def write_last(
        self, step: int, learner: Learner, content: Content, *, then: Callable[[], None]
    ) -> Path:
        """Write the last checkpoint of a run, a model folder, while training waits."""
        weights: dict[str, Tensor] = {}
        for name, parameter in learner.transformer.named_parameters():
            whole = whole_on_cpu(parameter)
            if self._world.is_first:
                weights[name] = whole
        return self._write(step, weights, content, then, last=True)

    def close(self) -> None:
        """Wait for the thread to end."""
        self._thread.shutdown()

    def _copied(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Copy the parts of this process into memory that is used again for the next one."""
        copies: dict[str, Tensor] = {}
        for key, tensor in tensors.items():
            local = tensor.to_local() if isinstance(tensor, DTensor) else tensor
            if key not in self._buffers:
                self._buffers[key] = torch.empty_like(
                    local, device="cpu", pin_memory=local.device.type == "cuda"
                )
            copies[key] = self._buffers[key].copy_(local, non_blocking=True)
            if isinstance(tensor, DTensor):
                copies[key] = DTensor.from_local(
                    copies[key],
                    self._world.on_cpu(tensor.device_mesh),
                    tensor.placements,
                    run_check=False,
                    shape=tensor.shape,
                    stride=tensor.stride(),
                )
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return copies

    def _write(
        self,
        step: int,
        tensors: dict[str, Tensor],
        content: Content,
        then: Callable[[], None],
        *,
        last: bool = False,
    ) -> Path:
        world, out = self._world, self._plan.folder_at(step)
        with contextlib.ExitStack() as stack, full_disk_said(out):
            opened = world.together(lambda: self._open(stack, out) if world.is_first else None)
            folder = Path(world.gather("" if opened is None else str(opened.folder))[0])
            try:
                hashed = self._write_tensors(folder, tensors, content, last=last)
                world.together(lambda: opened and self._finish(opened, content, hashed))
            except Exception:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        if world.is_first:
            try:
                then()
            except Exception as error:  # noqa: BLE001 (the checkpoint is whole all the same)
                self.complaints.append(f"{type(error).__name__}: {error}")
        return out

    def _open(self, stack: contextlib.ExitStack, out: Path) -> Step:
        step = stack.enter_context(
            open_step(
                out,
                kind="checkpoint",
                name=f"{self._plan.folder.name}/{out.name}",
                recipe=self._plan.recipe,
                inputs=self._plan.inputs,
            )
        )
        assert step.finished is None, "what is there already was gone on from"
        # A run of another number of processes may have been killed here.
        shutil.rmtree(step.folder / STATE_NAME, ignore_errors=True)
        return step

    def _write_tensors(
        self, folder: Path, tensors: dict[str, Tensor], content: Content, *, last: bool
    ) -> dict[str, FileRecord]:
        """Write the tensors and return the hashes of every file of every process."""
        world = self._world

        def write() -> dict[str, FileRecord]:
            if not last:
                return self._write_parts(folder, tensors)
            if world.is_first:
                self._write_model(folder, tensors, content)
            return {}

        written = world.gather(world.together(write))
        return {name: record for one in written for name, record in one.items()}

    def _write_model(self, folder: Path, weights: dict[str, Tensor], content: Content) -> None:
        """Write the whole model, any adapters merged in, and these apart too."""
        if content.adapters is not None:
            base = Manifest.read(self._plan.inputs["base"]).name
            save_adapters(weights, content.adapters, folder / ADAPTER_NAME, base=base)
            weights = merge_adapters(weights, content.adapters)
        save_weights(weights, content.config, folder, dtype=torch.float32)

    def _write_parts(self, folder: Path, tensors: dict[str, Tensor]) -> dict[str, FileRecord]:
        world, state = self._world, folder / STATE_NAME
        try:
            with one_process_is_enough():
                dcp.save(
                    tensors,
                    storage_writer=dcp.FileSystemWriter(state, per_thread_copy_ahead=0),
                    process_group=world.files,
                    no_dist=world.files is None,
                )
        except dcp.CheckpointException as error:  # not an Exception; it holds those of each process
            failure, _ = next(iter(error.failures.values()))
            raise failure from error
        return {
            path.relative_to(folder).as_posix(): FileRecord.of(path)
            for path in sorted(state.glob(f"__{world.rank}_*"))
        }

    def _finish(self, step: Step, content: Content, hashed: Mapping[str, FileRecord]) -> None:
        save_config(content.config, step.folder, eos_id=END_OF_TEXT_ID, pad_id=PAD_ID)
        for name in TOKENIZER_FILES:
            shutil.copyfile(self._plan.inputs["tokenizer"] / name, step.folder / name)
        (step.folder / COURSE_NAME).write_text(json.dumps(content.course, indent=1) + "\n", "utf-8")
        step.finish(
            facts=content.facts,
            ledger=content.ledger,
            documents=content.documents,
            hashed=hashed,
        )


def _use_device(local_rank: int) -> None:
    """Let a thread use the GPU of its process: each begins with the first one."""
    if torch.cuda.is_available():
        torch.cuda.set_device(local_rank)
