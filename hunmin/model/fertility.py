"""How well a vocabulary fits a corpus: fertility by source and language, and what lies unused.

Measured on held-out text, which no vocabulary was learned from. Models are never compared by
loss per token across vocabularies, only in bits per byte; this report is about length.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict
from tokenizers import Tokenizer

from hunmin.errors import CorpusEmpty, TokenizerBroken
from hunmin.manifest import Manifest
from hunmin.model.corpus_text import documents, shard_paths
from hunmin.model.script import is_hangul, paragraphs, script_of
from hunmin.model.tokenizer import TOKENIZER_NAME
from hunmin.progress import Bar, bar

BYTES_PER_SOURCE_MAX = 5_000_000
_BATCH = 512
_BROKEN = "\N{REPLACEMENT CHARACTER}"


class Fertility(BaseModel):
    """How one vocabulary cuts one part of the text."""

    model_config = ConfigDict(frozen=True)

    group: str
    """`all`, `source` or `language`."""
    name: str
    text_bytes: int
    tokens: int
    bytes_per_token: float
    characters_per_token: float
    tokens_per_word: float
    """A word is what stands between white space: in Korean, an eojeol."""
    partial_token_share: float
    """Share of tokens that are less than a whole character: the byte fallback."""


class TokenizerReport(BaseModel):
    """How one vocabulary fits a corpus."""

    model_config = ConfigDict(frozen=True)

    tokenizer: str
    vocab_size: int
    hangul_tokens: int
    """Tokens that are Hangul alone, a space before it allowed."""
    unused_share: float
    """Share of the tokens, special ones left out, that the text never used."""
    fertility: list[Fertility]


class Piece(BaseModel):
    """A paragraph of held-out text, and the groups it counts for."""

    text: str
    source: str
    language: str


def tokenizer_report(
    tokenizer: Path,
    corpus: Path,
    *,
    beside: list[Path] | None = None,
    bytes_per_source_max: int = BYTES_PER_SOURCE_MAX,
) -> list[TokenizerReport]:
    """Measure a tokenizer, and others beside it, on the held-out text of a corpus.

    Args:
        tokenizer: A tokenizer, checkpoint or model folder, or a `tokenizer.json`.
        corpus: A finished corpus folder. Where nothing is held out, its training text is used.
        beside: Other folders or `tokenizer.json` files, of any maker.
        bytes_per_source_max: How much text of each source is read.

    Raises:
        TokenizerBroken: A file is not a tokenizer.
        CorpusEmpty: The corpus has no text.
    """
    Manifest.read(corpus, kind="corpus")
    loaded = [(str(path), _load(path)) for path in [tokenizer, *(beside or [])]]
    pieces = list(_pieces(corpus, bytes_per_source_max))
    if not pieces:
        raise CorpusEmpty(corpus=corpus)
    total = sum(len(piece.text) for piece in pieces) * len(loaded)
    with bar("Encoding", total=total / 1e6, unit="M characters") as shown:
        return [_measure(name, each, pieces, shown) for name, each in loaded]


def _load(path: Path) -> Tokenizer:
    path = path / TOKENIZER_NAME if path.is_dir() else path
    try:
        tokenizer = Tokenizer.from_str(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TokenizerBroken(path=path, reason=type(error).__name__) from error
    except Exception as error:  # tokenizers raises Exception itself
        raise TokenizerBroken(path=path, reason="it is not a tokenizer.json") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def _pieces(corpus: Path, bytes_per_source_max: int) -> Iterator[Piece]:
    read: dict[str, int] = defaultdict(int)
    for part in ("heldout", "text"):
        for document in documents(shard_paths(corpus, part)):
            if read[document.source] >= bytes_per_source_max:
                continue
            read[document.source] += len(document.text.encode())
            for text in paragraphs(document.text):
                yield Piece(text=text, source=document.source, language=script_of(text))
        if sum(read.values()):
            return


class _Tally:
    """Counts for one group, added up piece by piece."""

    def __init__(self) -> None:
        self.text_bytes = self.characters = self.words = self.tokens = self.partial = 0

    def add(self, text: str, *, tokens: int, partial: int) -> None:
        self.text_bytes += len(text.encode())
        self.characters += len(text)
        self.words += len(text.split())
        self.tokens += tokens
        self.partial += partial

    def fertility(self, group: str, name: str) -> Fertility:
        tokens = max(self.tokens, 1)
        return Fertility(
            group=group,
            name=name,
            text_bytes=self.text_bytes,
            tokens=self.tokens,
            bytes_per_token=round(self.text_bytes / tokens, 3),
            characters_per_token=round(self.characters / tokens, 3),
            tokens_per_word=round(self.tokens / max(self.words, 1), 3),
            partial_token_share=round(self.partial / tokens, 4),
        )


def _measure(name: str, tokenizer: Tokenizer, pieces: list[Piece], shown: Bar) -> TokenizerReport:
    size = tokenizer.get_vocab_size()
    texts = [tokenizer.decode([token_id], skip_special_tokens=False) for token_id in range(size)]
    partial = np.array([_BROKEN in text for text in texts])
    used = np.zeros(size, dtype=bool)
    tallies: dict[tuple[str, str], _Tally] = defaultdict(_Tally)
    for start in range(0, len(pieces), _BATCH):
        batch = pieces[start : start + _BATCH]
        encoded = tokenizer.encode_batch_fast([p.text for p in batch], add_special_tokens=False)
        for piece, encoding in zip(batch, encoded, strict=True):
            ids = np.array(encoding.ids, dtype=np.int64)
            used[ids] = True
            broken = int(partial[ids].sum())
            for key in (("all", ""), ("source", piece.source), ("language", piece.language)):
                tallies[key].add(piece.text, tokens=len(ids), partial=broken)
        shown.advance(sum(len(piece.text) for piece in batch) / 1e6)
    special = set(tokenizer.get_added_tokens_decoder())
    ordinary = np.array([token_id not in special for token_id in range(size)])
    return TokenizerReport(
        tokenizer=name,
        vocab_size=size,
        hangul_tokens=sum(is_hangul(text.removeprefix(" ")) for text in texts),
        unused_share=round(float((~used & ordinary).sum() / ordinary.sum()), 4),
        fertility=[tallies[key].fertility(*key) for key in sorted(tallies)],
    )
