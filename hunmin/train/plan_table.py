"""The plans of several sizes side by side, as text for people and as plain JSON for programs."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hunmin.model import ModelConfig
from hunmin.train.budget import GPUS, Budget
from hunmin.train.recipe import TrainConfig


@dataclass(frozen=True, slots=True)
class Plan:
    """A size, the training that belongs to it, and what that takes."""

    size: str
    shape: ModelConfig
    stage: TrainConfig
    budget: Budget


def as_json(plans: Sequence[Plan], *, gpus: int, mfu: float) -> list[dict[str, Any]]:
    """Return every number of the plans."""
    return [
        {
            "size": plan.size,
            "model": dataclasses.asdict(plan.shape),
            "pretrain": dataclasses.asdict(plan.stage),
            "budget": dataclasses.asdict(plan.budget),
            "gpus": gpus,
            "mfu": mfu,
            "gpu_hours": {gpu: plan.budget.gpu_hours(gpu, mfu=mfu) for gpu in GPUS},
        }
        for plan in plans
    ]


def as_text(plans: Sequence[Plan], *, gpus: int, mfu: float) -> str:
    """Return a table with a column for each plan."""
    columns = [_column(plan, gpus=gpus, mfu=mfu) for plan in plans]
    heads = [head for head, _ in columns[0]]
    texts = [[text for _, text in column] for column in columns]
    first = max(map(len, heads))
    widths = [max(map(len, column)) for column in texts]
    lines = []
    for head, *row in zip(heads, *texts, strict=True):
        cells = [text.rjust(width) for text, width in zip(row, widths, strict=True)]
        lines.append("   ".join([head.ljust(first), *cells]).rstrip())
    return "\n".join(lines)


_GAP = ("", "")


def _column(plan: Plan, *, gpus: int, mfu: float) -> list[tuple[str, str]]:
    """Return what stands in each row, behind the head of the row."""
    shape, stage, budget = plan.shape, plan.stage, plan.budget
    hours = [(gpu, budget.gpu_hours(gpu, mfu=mfu)) for gpu in GPUS]
    return [
        ("size", plan.size),
        ("layers x width", f"{shape.layers} x {shape.width:,}"),
        ("heads / key-value heads", f"{shape.heads} / {shape.key_value_heads}"),
        ("feed-forward width", f"{shape.feed_forward_width:,}"),
        ("vocabulary", f"{shape.vocab_size:,}"),
        ("sequence, tokens", f"{stage.sequence_tokens:,}"),
        _GAP,
        ("parameters", _short(budget.parameters)),
        ("  in the embedding", _short(budget.embedding_parameters)),
        ("  in matrix products", _short(budget.matmul_parameters)),
        ("  active for a token", _short(budget.active_parameters)),
        ("FLOPs a token", f"{budget.flops_per_token:.3g}"),
        ("tokens", _short(budget.tokens)),
        ("FLOPs in all", f"{budget.flops:.3g}"),
        _GAP,
        ("steps", f"{stage.steps:,}"),
        ("tokens a step", f"{stage.batch_sequences * stage.sequence_tokens:,}"),
        ("learning rate", f"{stage.learning_rate:.2e}"),
        ("weight decay", f"{stage.weight_decay:.3f}"),
        _GAP,
        (f"weights and optimizer, a GPU of {gpus}", _gigabytes(budget.state_bytes / gpus)),
        ("checkpoint to go on from", _gigabytes(budget.checkpoint_bytes)),
        ("finished model, float32", _gigabytes(budget.model_bytes)),
        _GAP,
        *((f"GPU-hours, {name} at {mfu:.0%} MFU", f"{each:,.1f}") for name, each in hours),
        *((f"time on {gpus} {name}", _time(each / gpus)) for name, each in hours),
    ]


def _short(count: float) -> str:
    """Return a count with three digits and a letter."""
    for letter, size in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {letter}"
    return f"{count:g}"


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.3g} GB"


def _time(hours: float) -> str:
    if hours >= 48:  # noqa: PLR2004 (two days)
        return f"{hours / 24:,.1f} days"
    return f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.1f} min"
