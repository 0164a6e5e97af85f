"""The model folders of `engine_speed.py`: random weights in a size that matters, and four bits."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file

from hunmin.model.gguf_writer import GgufDescription, Quantization, write_gguf

SMALL_FILES = (
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
)

SHAPE = {
    "vocab_size": 32_000,
    "hidden_size": 512,
    "num_hidden_layers": 14,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 64,
    "intermediate_size": 1536,
    "max_position_embeddings": 2048,
}
"""60 million weights: larger than the caches of most processors in eight bits."""


def write_random(out: Path, *, like: Path) -> Path:
    """Write a model of `SHAPE` with random weights; its tokenizer is that of another model.

    Tokens that the other one lacks get names nobody's text is cut into.
    """
    out.mkdir()
    _copy_small_files(like, out)
    config = json.loads((like / "config.json").read_text("utf-8")) | SHAPE
    config |= {"num_layers": SHAPE["num_hidden_layers"], "max_window_layers": 0}
    (out / "config.json").write_text(json.dumps(config), "utf-8")
    tokenizer = json.loads((like / "tokenizer.json").read_text("utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    for token in range(max(vocabulary.values()) + 1, SHAPE["vocab_size"]):
        vocabulary[f"unused{token}"] = token
    (out / "tokenizer.json").write_text(json.dumps(tokenizer), "utf-8")
    save_file(_random_weights(), out / "model.safetensors", metadata={"format": "pt"})
    _write_gguf(out, _weights(out), "Q8_0")
    return out


def write_four_bits(folder: Path, out: Path) -> Path:
    """Write a model folder whose GGUF is the same model in four bits; it has no other weights."""
    out.mkdir()
    _copy_small_files(folder, out)
    _write_gguf(out, _weights(folder), "Q4_0")
    return out


def _copy_small_files(source: Path, out: Path) -> None:
    for name in SMALL_FILES:
        shutil.copyfile(source / name, out / name)


def _random_weights() -> dict[str, torch.Tensor]:
    dice = torch.Generator().manual_seed(0)

    def matrix(rows: int, columns: int) -> torch.Tensor:
        return (torch.randn(rows, columns, generator=dice) * 0.03).bfloat16()

    hidden, inner, size = SHAPE["hidden_size"], SHAPE["intermediate_size"], SHAPE["head_dim"]
    heads = size * SHAPE["num_attention_heads"]
    keys = size * SHAPE["num_key_value_heads"]
    weights = {
        "model.embed_tokens.weight": matrix(SHAPE["vocab_size"], hidden),
        "model.norm.weight": torch.ones(hidden).bfloat16(),
    }
    shapes = {
        "self_attn.q_proj": (heads, hidden),
        "self_attn.k_proj": (keys, hidden),
        "self_attn.v_proj": (keys, hidden),
        "self_attn.o_proj": (hidden, heads),
        "mlp.gate_proj": (inner, hidden),
        "mlp.up_proj": (inner, hidden),
        "mlp.down_proj": (hidden, inner),
    }
    norms = {
        "input_layernorm": hidden,
        "post_attention_layernorm": hidden,
        "self_attn.q_norm": size,
        "self_attn.k_norm": size,
    }
    for layer in range(SHAPE["num_hidden_layers"]):
        for name, shape in shapes.items():
            weights[f"model.layers.{layer}.{name}.weight"] = matrix(*shape)
        for name, width in norms.items():
            weights[f"model.layers.{layer}.{name}.weight"] = torch.ones(width).bfloat16()
    return weights


def _weights(folder: Path) -> dict[str, npt.NDArray[np.float32]]:
    state = load_file(folder / "model.safetensors")
    return {
        name: tensor.float().numpy() for name, tensor in state.items() if name != "lm_head.weight"
    }


def _write_gguf(
    out: Path, weights: Mapping[str, npt.NDArray[np.float32]], quantization: Quantization
) -> None:
    write_gguf(
        out / "model.gguf",
        weights=weights,
        config=json.loads((out / "config.json").read_text("utf-8")),
        tokenizer=json.loads((out / "tokenizer.json").read_text("utf-8")),
        chat_template=(out / "chat_template.jinja").read_text("utf-8"),
        description=GgufDescription(
            name=out.name,
            license="not-stated",
            languages=("ko",),
            parameters=sum(weight.size for weight in weights.values()),
            checkpoint_sha256="",
            sampling={},
        ),
        quantization=quantization,
    )
