"""The tokenizer: byte-level BPE in the format every engine loads, and its files.

The split expression is Llama 3's, word for word, because llama.cpp knows only a fixed list of
them; with `ignore_merges` a piece that is a token is taken whole, as llama.cpp's `llama-bpe`
does. There is no normalizer (text is NFC from the corpus on) and no token at the beginning.
How the merges are learned is in `tokenizer_training`.
"""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split

from hunmin.errors import TokenizerBroken
from hunmin.model.special_tokens import END_OF_TEXT, IM_END, IM_START, PAD, SPECIAL_TOKENS

TOKENIZER_NAME = "tokenizer.json"
TOKENIZER_CONFIG_NAME = "tokenizer_config.json"
CHAT_TEMPLATE_NAME = "chat_template.jinja"
TOKENIZER_FILES = (TOKENIZER_NAME, TOKENIZER_CONFIG_NAME, CHAT_TEMPLATE_NAME)
"""What is copied along into every checkpoint and model."""

SPLIT_EXPRESSION = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Llama 3's, verbatim: `llama-bpe` in llama.cpp."""

VOCAB_SIZE_MULTIPLE = 128
"""Matrix sizes that suit every processor, and even shards."""

BYTE_COUNT = 256


def blank_tokenizer() -> Tokenizer:
    """Return a tokenizer of our kind that has learned nothing yet."""
    tokenizer = Tokenizer(BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = Sequence(
        [
            Split(Regex(SPLIT_EXPRESSION), "isolated"),
            ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = ByteLevelDecoder()
    return tokenizer


def added_specials() -> list[AddedToken]:
    """Return the special tokens in the order of their ids."""
    return [AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS]


def smallest_vocab_size() -> int:
    """Return the size that holds the special tokens, every byte and one batch of merges."""
    return len(SPECIAL_TOKENS) + BYTE_COUNT + VOCAB_SIZE_MULTIPLE


def load_tokenizer(folder: Path) -> Tokenizer:
    """Load the tokenizer of a tokenizer, checkpoint or model folder.

    The tokenizer returned never reads a special token out of text: `<|im_end|>` typed by a person
    becomes ordinary pieces. Special tokens are put in by id (`encode_chat` does it).

    Raises:
        TokenizerBroken: The file is missing, torn, or not a tokenizer of ours.
    """
    path = folder / TOKENIZER_NAME
    try:
        tokenizer = Tokenizer.from_str(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TokenizerBroken(path=path, reason=type(error).__name__) from error
    except Exception as error:  # tokenizers raises Exception itself
        raise TokenizerBroken(path=path, reason="it is not a tokenizer.json") from error
    for token_id, token in enumerate(SPECIAL_TOKENS):
        if tokenizer.token_to_id(token) != token_id:
            raise TokenizerBroken(path=path, reason=f"{token} is not token {token_id}")
    tokenizer.encode_special_tokens = True
    return tokenizer


@cache
def chat_template() -> str:
    """Return the ChatML template, in Jinja, as transformers, vLLM and llama.cpp render it."""
    return files("hunmin.model").joinpath(CHAT_TEMPLATE_NAME).read_text("utf-8")


def tokenizer_config(*, context_tokens: int | None = None) -> dict[str, Any]:
    """Return `tokenizer_config.json`.

    Args:
        context_tokens: The context of the model the tokenizer goes with, where it is known.
    """
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_bos_token": False,
        "add_eos_token": False,
        "added_tokens_decoder": {
            str(token_id): {
                "content": token,
                "lstrip": False,
                "normalized": False,
                "rstrip": False,
                "single_word": False,
                "special": True,
            }
            for token_id, token in enumerate(SPECIAL_TOKENS)
        },
        "additional_special_tokens": [IM_START, END_OF_TEXT],
        "bos_token": None,
        "chat_template": chat_template(),
        "clean_up_tokenization_spaces": False,
        "eos_token": IM_END,
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": context_tokens or 1_000_000_000,
        "pad_token": PAD,
        "unk_token": None,
    }


def write_tokenizer_files(
    folder: Path, tokenizer_json: bytes, *, context_tokens: int | None = None
) -> None:
    """Write the three files of a tokenizer into a folder that a step will make whole."""
    (folder / TOKENIZER_NAME).write_bytes(tokenizer_json)
    config = json.dumps(tokenizer_config(context_tokens=context_tokens), indent=2)
    (folder / TOKENIZER_CONFIG_NAME).write_text(config + "\n", "utf-8")
    (folder / CHAT_TEMPLATE_NAME).write_text(chat_template(), "utf-8")
