"""Much running text into tokens, fast: the same ids as the tokenizer gives, several times sooner.

`tiktoken` runs the vocabulary of our tokenizer. It merges the adjacent pieces whose joined bytes
have the lowest id; `tokenizers` merges the pair that stands first in its list. For a vocabulary
learned by us these are the same pair: every token has one merge, in the order of the ids, so
whatever its pieces are when its turn comes, they were its pieces when it was learned. Whether a
vocabulary is of that kind is checked; any other is left to `tokenizers`.
"""

import json
import os
import re
from collections.abc import Callable, Sequence
from typing import Any

import tiktoken
from tokenizers import Tokenizer

from hunmin.model.special_tokens import SPECIAL_COUNT
from hunmin.model.tokenizer import BYTE_COUNT, SPLIT_EXPRESSION

EncodeTexts = Callable[[Sequence[str]], list[list[int]]]

_LONG_RUN = re.compile(r"(?<!\S)\S{2000}|(?<!\s)\s{2000}")
"""What tiktoken takes very long for, or all of its stack; `tokenizers` does not."""


def bulk_encoder(tokenizer: Tokenizer) -> EncodeTexts:
    """Return a function from texts to their token ids, without special tokens, on every core.

    Special tokens in the texts are encoded as plain text.
    """

    def encode(texts: Sequence[str]) -> list[list[int]]:
        tokenizer.encode_special_tokens = True
        encoded = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [each.ids for each in encoded]

    encoding = _same_in_tiktoken(json.loads(tokenizer.to_str()))
    return encode if encoding is None else _faster(encoding, encode)


def _faster(encoding: tiktoken.Encoding, slower: EncodeTexts) -> EncodeTexts:
    threads = os.cpu_count() or 1

    def encode(texts: Sequence[str]) -> list[list[int]]:
        long = {place for place, text in enumerate(texts) if _LONG_RUN.search(text)}
        others = [text for place, text in enumerate(texts) if place not in long]
        ids = iter(encoding.encode_ordinary_batch(others, num_threads=threads))
        return [
            slower([text])[0] if place in long else next(ids) for place, text in enumerate(texts)
        ]

    return encode


def _same_in_tiktoken(plain: dict[str, Any]) -> tiktoken.Encoding | None:
    """Return the vocabulary of a `tokenizer.json` in tiktoken, or None where ids could differ."""
    model, splitting = plain["model"], plain["pre_tokenizer"].get("pretokenizers", [{}])
    vocabulary: dict[str, int] = model["vocab"]
    first = SPECIAL_COUNT + BYTE_COUNT
    merged = [vocabulary.get("".join(pair)) for pair in model["merges"]]
    if (
        not model["ignore_merges"]
        or plain["normalizer"] is not None
        or splitting[0].get("pattern") != {"Regex": SPLIT_EXPRESSION}
        or merged != list(range(first, len(vocabulary)))
    ):
        return None
    byte_of = byte_alphabet()
    ranks = {
        bytes(byte_of[letter] for letter in token): token_id
        for token, token_id in vocabulary.items()
        if token_id >= SPECIAL_COUNT
    }
    return tiktoken.Encoding(
        "hunmin", pat_str=SPLIT_EXPRESSION, mergeable_ranks=ranks, special_tokens={}
    )


def byte_alphabet() -> dict[str, int]:
    """Return the byte each letter of byte-level BPE stands for, as GPT-2 laid them out."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(BYTE_COUNT) if byte not in printable]
    letters = {chr(byte): byte for byte in printable}
    return letters | {chr(BYTE_COUNT + place): byte for place, byte in enumerate(others)}
