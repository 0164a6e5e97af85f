"""A model on disk: `config.json` and `model.safetensors`, as transformers has them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from hunmin.errors import CheckpointBroken
from hunmin.model.adapters import is_adapter
from hunmin.model.expert_names import each_in_files
from hunmin.model.transformer import ModelConfig, Transformer

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
DENSE, MIXTURE = "Qwen3ForCausalLM", "Qwen3MoeForCausalLM"
STATE_NAME = "state"
"""Of a run that has not ended: weights and optimizers in parts; `hunmin.model.sharded` reads it."""


def to_hub_config(config: ModelConfig, *, eos_id: int, pad_id: int, dtype: str) -> dict[str, Any]:
    """Return the `config.json` of `Qwen3ForCausalLM` or `Qwen3MoeForCausalLM` for this shape."""
    return {
        "architectures": [MIXTURE if config.experts else DENSE],
        "model_type": "qwen3_moe" if config.experts else "qwen3",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": None,
        "eos_token_id": eos_id,
        "pad_token_id": pad_id,
        "dtype": dtype,
        "torch_dtype": dtype,
        "head_dim": config.head_width,
        "hidden_act": "silu",
        "hidden_size": config.width,
        "initializer_range": 0.02,
        "intermediate_size": config.feed_forward_width,
        "max_position_embeddings": config.context_tokens,
        "max_window_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_hidden_layers": config.layers,
        "num_key_value_heads": config.key_value_heads,
        "rms_norm_eps": config.norm_epsilon,
        "rope_scaling": None,
        "rope_theta": config.rope_base,
        "sliding_window": None,
        "tie_word_embeddings": config.tied_embeddings,
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": config.vocab_size,
        **(_hub_experts(config) if config.experts else {}),
    }


def _hub_experts(config: ModelConfig) -> dict[str, Any]:
    """Return what `config.json` tells of experts, in every layer."""
    return {
        "num_experts": config.experts,
        "num_experts_per_tok": config.experts_per_token,
        "moe_intermediate_size": config.expert_width,
        # Of dense layers, and there are none; Qwen's own models give the width of a token.
        "intermediate_size": config.experts_per_token * config.expert_width,
        "norm_topk_prob": True,
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
        "output_router_logits": False,
        "router_aux_loss_coef": 0.001,
    }


def from_hub_config(hub: dict[str, Any]) -> ModelConfig:
    """Return the shape a `config.json` tells of.

    Raises:
        KeyError: It does not tell enough.
        ValueError: It is of a class or a shape that is not ours.
    """
    if hub.get("architectures") not in ([DENSE], [MIXTURE]):
        raise ValueError(f"it is neither a {DENSE} nor a {MIXTURE}")
    rope = hub.get("rope_parameters") or {}
    return ModelConfig(
        vocab_size=hub["vocab_size"],
        context_tokens=hub["max_position_embeddings"],
        layers=hub["num_hidden_layers"],
        width=hub["hidden_size"],
        heads=hub["num_attention_heads"],
        key_value_heads=hub["num_key_value_heads"],
        head_width=hub["head_dim"],
        tied_embeddings=hub["tie_word_embeddings"],
        rope_base=hub.get("rope_theta") or rope["rope_theta"],
        norm_epsilon=hub["rms_norm_eps"],
        **_feed_forward_shape(hub),
    )


def _feed_forward_shape(hub: dict[str, Any]) -> dict[str, int]:
    if hub["architectures"] == [DENSE]:
        return {"feed_forward_width": hub["intermediate_size"]}
    if not hub.get("norm_topk_prob"):
        raise ValueError("the weights of its experts do not sum to 1")
    if hub.get("decoder_sparse_step", 1) != 1 or hub.get("mlp_only_layers"):
        raise ValueError("it has layers without experts")
    return {
        # transformers writes the one name or the other, by its version.
        "experts": hub["num_experts"] if "num_experts" in hub else hub["num_local_experts"],
        "experts_per_token": hub["num_experts_per_tok"],
        "expert_width": hub["moe_intermediate_size"],
    }


def save_model(
    model: Transformer, folder: Path, *, eos_id: int, pad_id: int, dtype: torch.dtype
) -> None:
    """Write `config.json` and `model.safetensors` into a folder that a step will make whole."""
    save_config(model.config, folder, eos_id=eos_id, pad_id=pad_id, dtype=dtype)
    save_weights(model.state_dict(), model.config, folder, dtype=dtype)


def save_config(
    config: ModelConfig,
    folder: Path,
    *,
    eos_id: int,
    pad_id: int,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write `config.json`."""
    name = str(dtype).removeprefix("torch.")
    hub = to_hub_config(config, eos_id=eos_id, pad_id=pad_id, dtype=name)
    (folder / CONFIG_NAME).write_text(json.dumps(hub, indent=2) + "\n", "utf-8")


def save_weights(
    weights: Mapping[str, torch.Tensor], config: ModelConfig, folder: Path, *, dtype: torch.dtype
) -> None:
    """Write `model.safetensors`; a tied head is not stored twice."""
    tensors = {
        name: tensor.detach().to("cpu", dtype).contiguous()
        for name, tensor in each_in_files(weights).items()
        if not (config.tied_embeddings and name == "lm_head.weight")
    }
    save_file(tensors, folder / WEIGHTS_NAME, metadata={"format": "pt"})
    (folder / WEIGHTS_NAME).chmod(0o644)  # safetensors lets nobody but the owner read


def load_checkpoint(folder: Path, *, dtype: torch.dtype = torch.float32) -> Transformer:
    """Load a model for reading: on the CPU, in evaluation mode.

    Raises:
        CheckpointBroken: A file is missing, torn, or does not fit the config.
    """
    try:
        model = Transformer(load_config(folder))
        weights = read_whole_weights(folder)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise CheckpointBroken(folder=folder, reason=f"{type(error).__name__}: {error}") from error
    load_weights(model, weights, folder=folder)
    return model.to(dtype).eval()


def load_config(folder: Path) -> ModelConfig:
    """Return the shape of a stored model.

    Raises:
        CheckpointBroken: `config.json` is missing, torn, or tells of no shape of ours.
    """
    try:
        return from_hub_config(json.loads((folder / CONFIG_NAME).read_text("utf-8")))
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointBroken(folder=folder, reason=f"{type(error).__name__}: {error}") from error


def read_whole_weights(folder: Path) -> dict[str, torch.Tensor]:
    """Return the weights of a checkpoint by name, those of a run that has not ended yet too.

    Raises:
        CheckpointBroken: The parts of one do not hold.
        OSError, SafetensorError: The one file does not.
    """
    if not (folder / WEIGHTS_NAME).exists() and (folder / STATE_NAME).is_dir():
        from hunmin.model.sharded import read_weights  # noqa: PLC0415 (slow to import)

        return read_weights(folder)
    return load_file(folder / WEIGHTS_NAME)


def load_weights(model: Transformer, weights: dict[str, torch.Tensor], *, folder: Path) -> None:
    """Put stored weights into a model of the same shape.

    Raises:
        CheckpointBroken: A name or shape differs.
    """
    if weights and all(is_adapter(name) for name in weights):
        reason = "it holds adapters alone, for its run has not ended; the last one is whole"
        raise CheckpointBroken(folder=folder, reason=reason)
    weights = each_in_files(weights)
    if model.config.tied_embeddings and "model.embed_tokens.weight" in weights:
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    own = each_in_files(model.state_dict())  # the memory of the parameters
    if {name: one.shape for name, one in own.items()} != {
        name: one.shape for name, one in weights.items()
    }:
        raise CheckpointBroken(folder=folder, reason="its weights do not fit its config")
    for name, tensor in own.items():
        tensor.copy_(weights[name])
