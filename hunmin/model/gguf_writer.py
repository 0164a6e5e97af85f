"""A model as one GGUF file, for llama.cpp, Ollama, LM Studio and OpenVINO GenAI.

The layout is llama.cpp's architecture `qwen3`, or `qwen3moe` for a model with experts; tensor data
is written one tensor at a time.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gguf
import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType, TokenType

from hunmin.model.special_tokens import END_OF_TEXT_ID, IM_END_ID, PAD_ID, SPECIAL_COUNT

Quantization = Literal["Q8_0", "Q4_0", "F16"]

_FILE_TYPES = {
    "Q8_0": LlamaFileType.MOSTLY_Q8_0,
    "Q4_0": LlamaFileType.MOSTLY_Q4_0,
    "F16": LlamaFileType.MOSTLY_F16,
}
_BLOCK = 32
"""Q8_0 and Q4_0 store 32 neighbors of a row with one scale; rows of other lengths stay F16."""

_OUTER = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
}
_INNER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "mlp.gate": "ffn_gate_inp",
    "mlp.experts.gate_proj": "ffn_gate_exps",
    "mlp.experts.up_proj": "ffn_up_exps",
    "mlp.experts.down_proj": "ffn_down_exps",
}
_EXPERT = re.compile(r"mlp\.experts\.(\d+)")
_VOCABULARY = ("token_embd.weight", "output.weight")
_ROUTER, _EXPERTS = "ffn_gate_inp.weight", "_exps.weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufDescription:
    """What a GGUF file says of itself beside its weights."""

    name: str
    license: str
    languages: tuple[str, ...]
    parameters: int
    checkpoint_sha256: str
    """SHA-256 of the checkpoint's manifest: the way back to runs, corpora and licenses."""
    sampling: Mapping[str, Any]
    """`temperature`, `top_p` and `repetition_penalty`, where the model has defaults."""


def gguf_name(name: str) -> str:
    """Return the GGUF name of a parameter of `Qwen3ForCausalLM` or `Qwen3MoeForCausalLM`.

    Parameters of a layer's experts that are alike share a name: in the file they are one tensor.
    """
    stem = name.removesuffix(".weight")
    if stem in _OUTER:
        return f"{_OUTER[stem]}.weight"
    _, _, layer, inner = stem.split(".", 3)  # model.layers.N.…
    return f"blk.{layer}.{_INNER[_EXPERT.sub('mlp.experts', inner)]}.weight"


def write_gguf(
    path: Path,
    *,
    weights: Mapping[str, npt.NDArray[np.float32]],
    config: Mapping[str, Any],
    tokenizer: Mapping[str, Any],
    chat_template: str,
    description: GgufDescription,
    quantization: Quantization,
) -> None:
    """Write a model into one file.

    Args:
        path: The file to write; a step makes it whole.
        weights: Parameters by their name in transformers, float32; a tied head left out.
        config: The plain `config.json`.
        tokenizer: The plain `tokenizer.json`.
        chat_template: The Jinja chat template.
        description: What the file says of itself.
        quantization: `Q8_0` (8 bits and a scale), `Q4_0` (4 bits and a scale; embeddings and head
            in 8, as the words are chosen there) or `F16`, for matrices; vectors are F32.
    """
    writer = GGUFWriter(path, "qwen3moe" if "num_experts" in config else "qwen3")
    try:
        _add_description(writer, description, quantization)
        _add_shape(writer, config)
        _add_tokenizer(writer, tokenizer, chat_template)
        tensors = _tensors(weights)
        kinds: dict[str, GGMLQuantizationType] = {}
        for name, parts in tensors.items():
            shape = _shape(name, parts)
            kinds[name] = tensor_type(name, shape, quantization)
            block, block_bytes = gguf.GGML_QUANT_SIZES[kinds[name]]
            writer.add_tensor_info(
                name,
                shape,
                parts[0].dtype,
                math.prod(shape) // block * block_bytes,
                raw_dtype=kinds[name],
            )
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for name, parts in tensors.items():
            whole = np.stack(parts).reshape(_shape(name, parts))
            writer.write_tensor_data(gguf.quants.quantize(whole, kinds[name]))
    finally:
        writer.close()


def _tensors(
    weights: Mapping[str, npt.NDArray[np.float32]],
) -> dict[str, list[npt.NDArray[np.float32]]]:
    """Return the tensors of the file by name, one of experts as the list of its parts in order."""
    tensors: dict[str, list[npt.NDArray[np.float32]]] = {}
    for name in sorted(weights, key=_expert_number):
        tensors.setdefault(gguf_name(name), []).append(weights[name])
    return tensors


def _expert_number(name: str) -> int:
    """Return the number of the expert a parameter belongs to; -1 for all others."""
    found = _EXPERT.search(name)
    return -1 if found is None else int(found[1])


def _shape(name: str, parts: list[npt.NDArray[np.float32]]) -> tuple[int, ...]:
    """Return the shape of a tensor of the file: experts are counted by a dimension of their own."""
    shape = parts[0].shape
    return (len(parts), *shape) if name.endswith(_EXPERTS) else shape


def tensor_type(
    name: str, shape: tuple[int, ...], quantization: Quantization
) -> GGMLQuantizationType:
    """Return how a tensor is stored: vectors whole, matrices as asked where their rows allow it.

    Args:
        name: Its name in the file (`gguf_name`).
        shape: Its shape, rows last but one.
        quantization: What was asked for.
    """
    if len(shape) == 1 or name.endswith(_ROUTER):  # a router is small, and a choice hangs on it
        return GGMLQuantizationType.F32
    if quantization == "F16" or shape[-1] % _BLOCK:
        return GGMLQuantizationType.F16
    if quantization == "Q4_0" and name not in _VOCABULARY:
        return GGMLQuantizationType.Q4_0
    return GGMLQuantizationType.Q8_0


def _add_description(
    writer: GGUFWriter, description: GgufDescription, quantization: Quantization
) -> None:
    writer.add_type("model")
    writer.add_name(description.name)
    writer.add_size_label(f"{description.parameters / 1e6:.0f}M")
    writer.add_license(description.license)
    writer.add_languages(list(description.languages))
    writer.add_tags(["text-generation", "hunmin"])
    writer.add_file_type(_FILE_TYPES[quantization])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_string("hunmin.checkpoint.manifest_sha256", description.checkpoint_sha256)
    sampling = description.sampling
    if "temperature" in sampling:
        writer.add_sampling_temp(sampling["temperature"])
    if "top_p" in sampling:
        writer.add_sampling_top_p(sampling["top_p"])
    if "repetition_penalty" in sampling:
        writer.add_sampling_penalty_repeat(sampling["repetition_penalty"])


def _add_shape(writer: GGUFWriter, config: Mapping[str, Any]) -> None:
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    if "num_experts" in config:
        writer.add_expert_count(config["num_experts"])
        writer.add_expert_used_count(config["num_experts_per_tok"])
        writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])


def _add_tokenizer(writer: GGUFWriter, tokenizer: Mapping[str, Any], chat_template: str) -> None:
    vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    kinds = [TokenType.CONTROL] * SPECIAL_COUNT
    kinds += [TokenType.NORMAL] * (len(tokens) - SPECIAL_COUNT)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(pair) for pair in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(END_OF_TEXT_ID)  # without one, llama.cpp takes token 11
    writer.add_eos_token_id(IM_END_ID)
    writer.add_eot_token_id(IM_END_ID)
    writer.add_pad_token_id(PAD_ID)
    writer.add_add_bos_token(value=False)
    writer.add_add_eos_token(value=False)
    writer.add_chat_template(chat_template)
