"""Tokenizer, transformer, checkpoints and export: what training and inference share.

Names are loaded when first used, so that what needs only the tokenizer loads without torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hunmin.model.bulk import bulk_encoder
    from hunmin.model.chat import encode_chat, encode_chat_with_mask, render_chat
    from hunmin.model.checkpoint import load_checkpoint, save_model
    from hunmin.model.fertility import tokenizer_report
    from hunmin.model.flops import flops_per_token, matmul_parameters, total_parameters
    from hunmin.model.hub_folder import check_model_name, export
    from hunmin.model.sizes import SIZES, shape_of, shape_of_depth
    from hunmin.model.special_tokens import END_OF_TEXT_ID, IM_END_ID, IM_START_ID, PAD_ID
    from hunmin.model.tokenizer import TOKENIZER_FILES, load_tokenizer
    from hunmin.model.tokenizer_training import train_tokenizer
    from hunmin.model.transformer import ModelConfig, Transformer

_HOME = {
    "END_OF_TEXT_ID": "special_tokens",
    "IM_END_ID": "special_tokens",
    "IM_START_ID": "special_tokens",
    "ModelConfig": "transformer",
    "PAD_ID": "special_tokens",
    "SIZES": "sizes",
    "TOKENIZER_FILES": "tokenizer",
    "Transformer": "transformer",
    "bulk_encoder": "bulk",
    "check_model_name": "hub_folder",
    "encode_chat": "chat",
    "encode_chat_with_mask": "chat",
    "export": "hub_folder",
    "flops_per_token": "flops",
    "load_checkpoint": "checkpoint",
    "load_tokenizer": "tokenizer",
    "matmul_parameters": "flops",
    "render_chat": "chat",
    "save_model": "checkpoint",
    "shape_of": "sizes",
    "shape_of_depth": "sizes",
    "tokenizer_report": "fertility",
    "total_parameters": "flops",
    "train_tokenizer": "tokenizer_training",
}
"""The file of the room each public name lives in."""

__all__ = [
    "END_OF_TEXT_ID",
    "IM_END_ID",
    "IM_START_ID",
    "PAD_ID",
    "SIZES",
    "TOKENIZER_FILES",
    "ModelConfig",
    "Transformer",
    "bulk_encoder",
    "check_model_name",
    "encode_chat",
    "encode_chat_with_mask",
    "export",
    "flops_per_token",
    "load_checkpoint",
    "load_tokenizer",
    "matmul_parameters",
    "render_chat",
    "save_model",
    "shape_of",
    "shape_of_depth",
    "tokenizer_report",
    "total_parameters",
    "train_tokenizer",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"hunmin.model.{_HOME[name]}"), name)
