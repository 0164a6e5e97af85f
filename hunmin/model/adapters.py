"""Adapters: small matrices beside the frozen ones of a model, and the folder others load them from.

A linear layer that is adapted adds `scale * B A x` to what it gives; `A` and `B` alone learn. In
the names of parameters, and in the folder, they are `lora_A` and `lora_B`, as in Hugging Face PEFT.

Source:
    Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from hunmin.model.transformer import Transformer

ATTENTION_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj")
LINEAR_LAYERS = (*ATTENTION_LAYERS, "gate_proj", "up_proj", "down_proj")
"""The linear layers of a block, by name."""

ADAPTER_NAME = "adapter"
"""The folder of the adapters inside that of a checkpoint or a model."""
ADAPTER_CONFIG_NAME = "adapter_config.json"
ADAPTER_WEIGHTS_NAME = "adapter_model.safetensors"

_MARK = ".lora_"
_PEFT_PREFIX = "base_model.model."


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterConfig:
    """The adapters of a model."""

    rank: int
    """The inner width of each adapter."""
    alpha: float
    """What an adapter adds is multiplied by `alpha / rank`."""
    layers: tuple[str, ...]
    """Which linear layers of each block are adapted."""

    @property
    def scale(self) -> float:
        """What an adapter's output is multiplied by."""
        return self.alpha / self.rank


class AdaptedLinear(nn.Linear):
    """A frozen linear layer, and beside it two small ones that learn."""

    def __init__(self, frozen: nn.Linear, config: AdapterConfig) -> None:
        super().__init__(frozen.in_features, frozen.out_features, bias=False)
        self.weight = frozen.weight
        self.lora_A = nn.Linear(frozen.in_features, config.rank, bias=False)
        self.lora_B = nn.Linear(config.rank, frozen.out_features, bias=False)
        self.scale = config.scale

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (as PyTorch calls it)
        """Return what the frozen layer gives and the adapter adds."""
        return super().forward(input) + self.lora_B(self.lora_A(input)) * self.scale


def add_adapters(model: Transformer, config: AdapterConfig) -> None:
    """Put adapters, not yet set, into a model, and freeze all else."""
    for block in model.model.layers:
        for name in config.layers:
            parent = block.self_attn if name in ATTENTION_LAYERS else block.mlp
            setattr(parent, name, AdaptedLinear(getattr(parent, name), config))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(is_adapter(name))


def is_adapter(name: str) -> bool:
    """Whether a parameter of that name belongs to an adapter."""
    return _MARK in name


def draw_adapters(model: Transformer, seed: int) -> Iterator[tuple[str, Tensor]]:
    """Yield the adapters at the start of training by name, on the CPU: they add nothing yet.

    `B` is 0 and `A` uniform, as wide as PyTorch makes a linear layer.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if name.endswith(".lora_A.weight"):
            bound = parameter.shape[1] ** -0.5
            yield name, (torch.rand(parameter.shape, generator=generator) * 2 - 1) * bound
        elif is_adapter(name):
            yield name, torch.zeros(parameter.shape)


def merge_adapters(weights: Mapping[str, Tensor], config: AdapterConfig) -> dict[str, Tensor]:
    """Return the weights of the same model without adapters: each adapter is added to its layer."""
    merged: dict[str, Tensor] = {}
    for name, weight in weights.items():
        layer = name.removesuffix(".weight")
        if is_adapter(name):
            continue
        if f"{layer}.lora_A.weight" in weights:
            down, up = (weights[f"{layer}.lora_{part}.weight"] for part in "AB")
            weight = weight + config.scale * (up @ down)  # noqa: PLW2901 (the merged one)
        merged[name] = weight
    return merged


def save_adapters(
    weights: Mapping[str, Tensor], config: AdapterConfig, folder: Path, *, base: str
) -> None:
    """Write the adapters among weights as a folder that Hugging Face PEFT loads.

    Args:
        weights: Whole weights by name, on the CPU; those that are no adapters are passed over.
        config: The adapters.
        folder: The folder to make.
        base: What the adapted model is called, for `base_model_name_or_path`.
    """
    folder.mkdir(exist_ok=True)
    tensors = {
        _PEFT_PREFIX + name: tensor.contiguous()
        for name, tensor in weights.items()
        if is_adapter(name)
    }
    save_file(tensors, folder / ADAPTER_WEIGHTS_NAME, metadata={"format": "pt"})
    (folder / ADAPTER_WEIGHTS_NAME).chmod(0o644)  # safetensors lets nobody but the owner read
    told = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": config.rank,
        "lora_alpha": config.alpha,
        "lora_dropout": 0.0,
        "target_modules": list(config.layers),
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
    }
    (folder / ADAPTER_CONFIG_NAME).write_text(json.dumps(told, indent=2) + "\n", "utf-8")
