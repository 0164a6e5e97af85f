"""One stage of training, from a corpus and a tokenizer to a checkpoint.

The loop owns order, loss and checkpoints. It trains on one device; it knows nothing of where text
came from nor of what the model will be used for.
"""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hunmin.errors import LossNotFinite, NothingToTrainOn, OutputExists, WrongInput
from hunmin.ledger import Order
from hunmin.manifest import LedgerRecord, Manifest
from hunmin.model import ModelConfig, Transformer, load_checkpoint
from hunmin.progress import bar
from hunmin.steps import full_disk_said, only_one
from hunmin.train import checkpoints
from hunmin.train.batches import make_batch
from hunmin.train.checkpoints import RunPlan
from hunmin.train.device import Device, SumOfLosses, find_device, prepare_model
from hunmin.train.losses import LossLog, plot
from hunmin.train.optimizers import build_optimizers
from hunmin.train.recipe import TrainConfig
from hunmin.train.stopping import asked_to_stop
from hunmin.train.tokens import Kind, Sequences, prepare

_LOG_EVERY_STEPS = 10


def run(
    config: TrainConfig,
    model_config: ModelConfig,
    *,
    corpus: Path,
    tokenizer: Path,
    out: Path,
    base: Path | None = None,
    compile_wanted: bool = True,
) -> Manifest:
    """Train one stage, or go on with it where an earlier run stopped.

    Args:
        config: The stage.
        model_config: The shape of the model; with `base`, its shape is taken instead.
        corpus: A finished corpus.
        tokenizer: A finished tokenizer.
        out: The run folder: `step-N/` checkpoints, `loss.jsonl`, `loss.svg`.
        base: A checkpoint to start from.
        compile_wanted: Whether to compile the model where that is possible.

    Returns:
        The manifest of the last checkpoint, `out/step-{config.steps}`.

    Raises:
        OutputExists: `out` holds a run with another plan.
        OutputBusy: Another process trains into `out`.
        DiskFull: The disk filled up; the last checkpoint is whole.
        NothingToTrainOn: The corpus has no text of this stage's kind.
        LossNotFinite: The loss became infinite or not a number.
    """
    Manifest.read(corpus, kind="corpus")
    Manifest.read(tokenizer, kind="tokenizer")
    inputs = {"corpus": corpus, "tokenizer": tokenizer}
    if base is not None:
        Manifest.read(base, kind="checkpoint")
        inputs["base"] = base
    plan = RunPlan(
        folder=out.absolute(),
        recipe=_plain({"train": dataclasses.asdict(config), "model": _shape(model_config)}),
        inputs=inputs,
    )
    with full_disk_said(plan.folder), only_one(plan.folder):
        if plan.folder.is_file():
            raise OutputExists(out=plan.folder)
        plan.folder.mkdir(exist_ok=True)
        start = checkpoints.newest(plan)
        if start is not None and start[0] == config.steps:
            return Manifest.read(start[1])
        device = find_device(compile_wanted=compile_wanted)
        return _Run(config, model_config, plan, device).go(start)


class _Run:
    """The parts of one run, put together once."""

    def __init__(
        self, config: TrainConfig, model_config: ModelConfig, plan: RunPlan, device: Device
    ) -> None:
        self.config = config
        self.plan = plan
        self.device = device
        self.sequences = self._sequences("text" if config.stage == "pretrain" else "chat")
        self.order = Order(config.seed, len(self.sequences), config.batch_sequences)
        self.heldout = self._heldout() if config.heldout_sequences else None
        base = plan.inputs.get("base")
        if base is None:
            self.model = Transformer(model_config)
            self.model.initialize(config.seed)
        else:
            self.model = load_checkpoint(base).train()
            if self.model.config != model_config:
                raise WrongInput(folder=base, found="model of another shape", needed="base model")
        self.losses: SumOfLosses = prepare_model(self.model, device)
        self.optimizers = build_optimizers(self.model, config, bfloat16=device.bfloat16)
        self.log = LossLog(plan.folder)

    def _sequences(self, kind: Kind) -> Sequences:
        return prepare(
            self.plan.inputs["corpus"],
            self.plan.inputs["tokenizer"],
            self.plan.folder / "tokens" / kind,
            kind=kind,
            sequence_tokens=self.config.sequence_tokens,
            chats_joined_max=self.config.chats_joined_max if kind == "chat" else 1,
        )

    def _heldout(self) -> Sequences | None:
        """Return the held-out sequences, or None where there is too little such text for one."""
        try:
            return self._sequences("heldout")
        except NothingToTrainOn:
            return None

    def go(self, start: tuple[int, Path] | None) -> Manifest:
        """Train from a checkpoint, or from the beginning, to the end."""
        config = self.config
        first, saved = 0, None
        if start is not None:
            first, saved = start
            checkpoints.restore(saved, self.model, self.optimizers)
        self.log.rewind(first)
        tokens_a_step = config.batch_sequences * config.sequence_tokens
        label = f"{config.stage} {self.plan.folder.name}"
        with (
            asked_to_stop() as stop,
            bar(label, total=config.steps * tokens_a_step, unit="tokens") as shown,
        ):
            shown.start_at(first * tokens_a_step)
            for step in range(first, config.steps):
                loss = self._step(step)
                if not math.isfinite(loss):
                    raise LossNotFinite(step=step, last_good=saved)
                done = step + 1
                shown.advance(tokens_a_step, note=f"step {done} of {config.steps}, loss {loss:.3f}")
                if done % _LOG_EVERY_STEPS == 0 or done == config.steps:
                    rate = config.learning_rate_at(step)
                    self.log.add(step=done, loss=loss, learning_rate=rate)
                ending = done == config.steps or stop.wanted
                if ending or done % config.checkpoint_every_steps == 0:
                    saved = self._checkpoint(done, loss)
                if stop.wanted and done < config.steps:
                    raise KeyboardInterrupt
        return Manifest.read(self.plan.folder_at(config.steps))

    def _step(self, step: int) -> float:
        """Do one optimizer step; return the mean loss of its tokens in nats."""
        config = self.config
        rows = self.order.of_step(step)
        for group in (group for each in self.optimizers for group in each.param_groups):
            group["lr"] = config.learning_rate_at(step)
        micro = config.micro_batch_sequences or config.batch_sequences
        batches = [
            self._batch(self.sequences, rows[i : i + micro]) for i in range(0, len(rows), micro)
        ]
        learned = max(1, sum(int((targets >= 0).sum()) for _, targets, _ in batches))
        total = 0.0
        for ids_BT, targets_BT, segments_BT in batches:
            loss, penalty = self._sum_of_losses(
                ids_BT, targets_BT, segments_BT, penalized=config.z_loss > 0
            )
            ((loss + config.z_loss * penalty) / learned).backward()
            total += loss.item() / learned
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_norm_max)
        if not math.isfinite(norm.item()):
            total = math.nan  # the weights would be no numbers after this step
        for optimizer in self.optimizers:
            if math.isfinite(total):
                optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return total

    def _batch(
        self, sequences: Sequences, rows: NDArray[np.int64]
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        return make_batch(sequences, rows, self.device, documents_apart=self.config.documents_apart)

    def _sum_of_losses(
        self,
        ids_BT: Tensor,
        targets_BT: Tensor,
        segments_BT: Tensor | None,
        *,
        penalized: bool = False,
    ) -> tuple[Tensor, Tensor]:
        with self.device.precision():
            hidden_BTD = self.model.hidden(ids_BT, segments_BT)
            return self.losses(
                hidden_BTD.flatten(0, 1),
                self.model.lm_head.weight,
                targets_BT.flatten(),
                penalized=penalized,
            )

    def _heldout_loss(self) -> float | None:
        if self.heldout is None:
            return None
        rows = np.arange(min(self.config.heldout_sequences, len(self.heldout)))
        micro = self.config.micro_batch_sequences or self.config.batch_sequences
        total = count = 0.0
        with torch.no_grad():
            for i in range(0, len(rows), micro):
                batch = self._batch(self.heldout, rows[i : i + micro])
                total += self._sum_of_losses(*batch)[0].item()
                count += int((batch[1] >= 0).sum())
        return total / count

    def _checkpoint(self, step: int, loss: float) -> Path:
        heldout_loss = self._heldout_loss()
        facts = {
            "loss": loss,
            "tokens_seen": step * self.config.batch_sequences * self.config.sequence_tokens,
            "epochs": step * self.config.batch_sequences / len(self.sequences),
            "parameters": sum(parameter.numel() for parameter in self.model.parameters()),
            "device": self.device.describe(),
            "data": {
                key: value
                for key, value in self.sequences.info.items()
                if key not in {"corpus", "tokenizer", "layout", "documents_sha256"}
            },
        }
        if heldout_loss is not None:
            facts["heldout_loss"] = heldout_loss
            self.log.add(step=step, heldout_loss=heldout_loss)
        checkpoints.save(
            self.plan,
            step,
            self.model,
            self.optimizers,
            facts=facts,
            ledger=LedgerRecord(
                sha256=self.sequences.info["documents_sha256"],
                seed=self.order.seed,
                samples=self.order.samples,
                samples_per_step=self.order.samples_per_step,
                steps=step,
            ),
            documents=self.sequences.documents,
            finished=step == self.config.steps,
        )
        checkpoints.prune(self.plan, kept=self.config.checkpoints_kept)
        plot(self.plan.folder, title=f"{self.plan.folder.name}: {self.config.stage}")
        return self.plan.folder_at(step)


def _shape(config: ModelConfig) -> dict[str, object]:
    return {**dataclasses.asdict(config)}


def _plain(value: dict[str, object]) -> dict[str, object]:
    return json.loads(json.dumps(value))
