"""Those whom `train_systems.py` times: each trains one model on given tokens and times every step.

All start from the same weights, see the same tokens in the same order, and use AdamW with the same
settings. Ours and the Hugging Face Trainer run as their users run them. torchtitan's own loop
refuses a machine without a GPU, so its model, its way of compiling layers and its loss are put
into a plain loop here; nanochat's model and optimizer, which are others, likewise.
"""

import contextlib
import importlib.util
import os
import sys
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from hunmin.model import ModelConfig, Transformer
from hunmin.model.checkpoint import to_hub_config
from hunmin.train import TrainConfig
from hunmin.train.device import find_device

Batches = Callable[[], Iterator[Tensor]]
"""Gives the ids of each step, `(batch, tokens + 1)`, int64, on the CPU."""


@dataclass
class Timing:
    """What one contender came to."""

    seconds: list[float] = field(default_factory=list)
    """Of each step."""
    losses: list[float] = field(default_factory=list)
    """Of each step, in nats a token."""
    flops_per_token: int | None = None
    """Where its model is another than ours."""


@dataclass(frozen=True)
class Task:
    """What all do."""

    shape: ModelConfig
    stage: TrainConfig
    batches: Batches
    corpus: Path
    tokenizer: Path
    folder: Path

    def start(self) -> Transformer:
        """Return the model with the weights all start from."""
        transformer = Transformer(self.shape)
        transformer.initialize(self.stage.seed)
        return transformer


def synchronize() -> None:
    """Wait until the GPU, if there is one, has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def hunmin(task: Task) -> Timing:
    """Time `hunmin train`."""
    from hunmin import train
    from hunmin.train.stepping import Outcome, Stepper

    timing = Timing()
    learn = Stepper.step

    def timed(stepper: Stepper, *data: object, **flags: object) -> Outcome:
        synchronize()
        started = time.perf_counter()
        outcome = learn(stepper, *data, **flags)
        synchronize()
        timing.seconds.append(time.perf_counter() - started)
        timing.losses.append(outcome.loss)
        return outcome

    Stepper.step = timed
    out = task.folder / "run"
    train.run(task.stage, task.shape, corpus=task.corpus, tokenizer=task.tokenizer, out=out)
    return timing


def trainer(task: Task, *, compiled: bool) -> Timing:
    """Time the Hugging Face Trainer."""
    from torch.utils.data import Dataset, Sampler, SequentialSampler
    from transformers import Qwen3Config, Qwen3ForCausalLM, Trainer, TrainerCallback
    from transformers import TrainingArguments as Arguments

    hub = to_hub_config(task.shape, eos_id=0, pad_id=3, dtype="float32")
    model = Qwen3ForCausalLM(Qwen3Config(**hub))
    model.load_state_dict(task.start().state_dict())
    rows = torch.cat(list(task.batches()))
    timing, started = Timing(), [0.0]

    class Rows(Dataset):
        """The sequences of all steps, in order."""

        def __len__(self) -> int:
            return len(rows)

        def __getitem__(self, place: int) -> dict[str, Tensor]:
            # The model moves the labels by one itself, so it predicts one token fewer.
            ids = rows[place, :-1]
            return {"input_ids": ids, "labels": ids}

    class InOrder(Trainer):
        """The Trainer, which otherwise shuffles."""

        def _get_train_sampler(self, *_args: object) -> Sampler:
            return SequentialSampler(Rows())

    class Clock(TrainerCallback):
        """Times each step."""

        def on_step_begin(self, *_args: object, **_more: object) -> None:
            synchronize()
            started[0] = time.perf_counter()

        def on_step_end(self, *_args: object, **_more: object) -> None:
            synchronize()
            timing.seconds.append(time.perf_counter() - started[0])

        def on_log(self, *_args: object, logs: dict[str, float], **_more: object) -> None:
            if "loss" in logs:
                timing.losses.append(logs["loss"])

    optimizer, schedule = adamw(model, task.stage)
    InOrder(
        model=model,
        args=Arguments(
            output_dir=str(task.folder / "hf"),
            max_steps=task.stage.steps,
            per_device_train_batch_size=task.stage.batch_sequences,
            max_grad_norm=task.stage.gradient_norm_max,
            bf16=find_device().bfloat16,
            torch_compile=compiled,
            report_to=[],
            save_strategy="no",
            logging_steps=1,
            disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(),
        ),
        train_dataset=Rows(),
        callbacks=[Clock()],
        optimizers=(optimizer, schedule),
    ).train()
    return timing


def torchtitan(task: Task) -> Timing:
    """Time torchtitan's Qwen3, its layers compiled one by one as it does."""
    with _something_for_triton():
        from torchtitan.components.loss import cross_entropy_loss
        from torchtitan.config.job_config import Compile
        from torchtitan.models.llama4.infra.parallelize import apply_compile
        from torchtitan.models.qwen3.model.args import Qwen3ModelArgs
        from torchtitan.models.qwen3.model.model import Qwen3Model
        from torchtitan.models.qwen3.model.state_dict_adapter import Qwen3StateDictAdapter

    shape = task.shape
    arguments = Qwen3ModelArgs(
        dim=shape.width,
        n_layers=shape.layers,
        n_heads=shape.heads,
        n_kv_heads=shape.key_value_heads,
        vocab_size=shape.vocab_size,
        head_dim=shape.head_width,
        hidden_dim=shape.feed_forward_width,
        norm_eps=shape.norm_epsilon,
        rope_theta=shape.rope_base,
        max_seq_len=shape.context_tokens,
        enable_weight_tying=shape.tied_embeddings,
    )
    model = Qwen3Model(arguments)
    adapter = Qwen3StateDictAdapter(arguments, None)
    model.load_state_dict(adapter.from_hf(dict(task.start().state_dict())), strict=False)
    apply_compile(model, Compile(enable=True, backend="inductor"), ep_enabled=False)
    loss_of = torch.compile(cross_entropy_loss)
    tokens = task.stage.batch_sequences * task.stage.sequence_tokens
    autocast = torch.autocast(
        "cuda" if torch.cuda.is_available() else "cpu",
        torch.bfloat16,
        enabled=find_device().bfloat16,
    )

    def loss(ids: Tensor, targets: Tensor) -> Tensor:
        with autocast:
            return loss_of(model(ids), targets) / tokens

    return _plain_loop(task, model, loss)


@contextlib.contextmanager
def _something_for_triton() -> Iterator[None]:
    """Let torchtitan be imported without Triton, which only its mixtures of experts use."""
    if importlib.util.find_spec("triton") is not None:
        yield
        return
    importlib.import_module("torch._inductor.compile_fx")  # it must not meet what stands there
    names = ("triton", "triton.language")
    sys.modules.update({name: _NoTriton(name) for name in names})
    yield
    for name in names:
        del sys.modules[name]


class _NoTriton(types.ModuleType):
    """Stands where Triton would be: decorators that leave a function alone."""

    __path__: ClassVar[list[str]] = []

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return (lambda function: function) if name == "jit" else _NoTriton(name)


def nanochat(task: Task) -> Timing:
    """Time nanochat's model of the same depth and width, with its optimizer and full windows."""
    os.environ.setdefault("NANOCHAT_DTYPE", "bfloat16" if find_device().bfloat16 else "float32")
    from nanochat.gpt import GPT, GPTConfig

    shape = task.shape
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.device("meta"):
        model = GPT(
            GPTConfig(
                sequence_len=task.stage.sequence_tokens,
                vocab_size=shape.vocab_size,
                n_layer=shape.layers,
                n_head=shape.heads,
                n_kv_head=shape.key_value_heads,
                n_embd=shape.width,
                window_pattern="L",
            )
        )
    model.to_empty(device=device)
    torch.manual_seed(task.stage.seed)
    model.init_weights()
    optimizer = model.setup_optimizer()
    compiled = torch.compile(model, dynamic=False)
    return _plain_loop(task, model, compiled, optimizer, model.estimate_flops())


def _plain_loop(
    task: Task,
    model: nn.Module,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    own_optimizer: torch.optim.Optimizer | None = None,
    flops_per_token: int | None = None,
) -> Timing:
    """Time steps of forward, backward, clipping and update."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    optimizer, schedule = (own_optimizer, None)
    if optimizer is None:
        optimizer, schedule = adamw(model, task.stage)
    timing = Timing(flops_per_token=flops_per_token)
    for rows in task.batches():
        synchronize()
        started = time.perf_counter()
        ids = rows.to(device, non_blocking=True)
        loss = loss_of(ids[:, :-1].contiguous(), ids[:, 1:].contiguous())
        loss.backward()
        if own_optimizer is None:
            nn.utils.clip_grad_norm_(model.parameters(), task.stage.gradient_norm_max)
        optimizer.step()
        if schedule is not None:
            schedule.step()
        optimizer.zero_grad(set_to_none=True)
        synchronize()
        timing.seconds.append(time.perf_counter() - started)
        timing.losses.append(loss.item())
    return timing


def adamw(
    model: nn.Module, stage: TrainConfig
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """Return fused AdamW with our settings, and our schedule."""
    matrices = [one for one in model.parameters() if one.ndim > 1]
    gains = [one for one in model.parameters() if one.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": stage.weight_decay},
        {"params": gains, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=stage.learning_rate, betas=stage.betas, fused=True)
    share = lambda step: stage.learning_rate_at(min(step, stage.steps - 1)) / stage.learning_rate  # noqa: E731
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share)


CONTENDERS: dict[str, Callable[[Task], Timing]] = {
    "hunmin": hunmin,
    "trainer": lambda task: trainer(task, compiled=False),
    "trainer, compiled": lambda task: trainer(task, compiled=True),
    "torchtitan": torchtitan,
    "nanochat": nanochat,
}


def is_installed(who: str) -> bool:
    """Whether a contender's package can be imported."""
    needed = {"hunmin": "torch", "torchtitan": "torchtitan", "nanochat": "nanochat"}
    return importlib.util.find_spec(needed.get(who, "accelerate")) is not None
