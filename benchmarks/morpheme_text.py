"""Text with the places where its morphemes meet, and vocabularies whose merges respect them.

Part of `morpheme_merges.py`. Kiwi reads whole documents, so that it knows words by their neighbors.
It is asked while merges are learned and never again: the tokenizers made here encode as all of ours
do, by the split expression and the merges alone.
"""

import os
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from kiwipiepy import Kiwi, Token
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

from hunmin.manifest import Manifest
from hunmin.model.corpus_text import Document, choose_sample, documents, shard_paths
from hunmin.model.morphemes import borders_of, pieces_between
from hunmin.model.tokenizer import added_specials, blank_tokenizer, write_tokenizer_files
from hunmin.model.tokenizer_child import cut_long_runs
from hunmin.model.tokenizer_training import MIN_FREQUENCY
from hunmin.progress import bar
from hunmin.steps import open_step

_TAILS = ("J", "E", "VCP", "XSA", "XSV")
"""Kiwi's tags of what follows a word: particles, endings, the copula, and suffixes like 하다."""


class Borders(NamedTuple):
    """Where, in one text, a morpheme ends and the next one begins."""

    all: list[int]
    tails: list[int]
    """Those between a word and the particles or endings behind it, 학교|에서는."""


class Cutting(NamedTuple):
    """How text is cut while merges are learned from it."""

    whole: int
    """How often the text is read as it is."""
    cut: int
    """How often it is read with pieces cut, so that no merge leads across."""
    tails_only: bool = False
    """Whether it is cut at tails alone."""


CUTTINGS = {
    "plain": Cutting(whole=1, cut=0),
    "half": Cutting(whole=1, cut=1),
    "never": Cutting(whole=0, cut=1),
    "tails": Cutting(whole=0, cut=1, tails_only=True),
}
"""At `half`, a pair of bytes in two morphemes counts half of one inside a morpheme."""


def slice_of(corpus: Path, out: Path, *, bytes_per_source_max: int) -> Path:
    """Make a corpus of so much training text of each source, by lot, and all held-out text."""
    record = Manifest.read(corpus, kind="corpus")
    recipe = {"bytes_per_source_max": bytes_per_source_max}
    with open_step(
        out, kind="corpus", name="slice", recipe=recipe, inputs={"corpus": corpus}
    ) as step:
        if step.finished is not None:
            return out
        sample = choose_sample(corpus, bytes_per_source_max=bytes_per_source_max)
        shards = step.folder / "shards"
        shards.mkdir(exist_ok=True)
        for path in shard_paths(corpus, "text"):
            rows = pq.read_table(path)
            names = zip(rows["id"].to_pylist(), rows["source"].to_pylist(), strict=True)
            taken = [sample.takes(Document(name, "", source)) for name, source in names]
            pq.write_table(rows.filter(pa.array(taken)), shards / path.name)
        for path in shard_paths(corpus, "heldout"):
            shutil.copy(path, shards)
        step.finish(facts={"text_bytes": sample.text_bytes}, sources=record.sources)
    return out


def find_borders(corpus: Path, path: Path) -> list[Borders]:
    """Return the borders of every training document, in order, asking Kiwi unless `path` is there.

    Borders are kept only between two letters: elsewhere the split expression cuts anyway.
    """
    if not path.is_file():
        texts = list(_texts(corpus))
        kiwi = Kiwi(num_workers=1)
        found = []
        with bar("Finding morphemes", total=sum(map(len, texts)) / 1e6, unit="M letters") as shown:
            for text in texts:
                morphemes = kiwi.tokenize(text)
                borders = borders_of(text, morphemes)
                found.append({"all": borders, "tails": tails_of(borders, morphemes)})
                shown.advance(len(text) / 1e6)
        partial = path.with_suffix(".partial")
        pq.write_table(pa.Table.from_pylist(found, schema=_SCHEMA), partial)
        os.replace(partial, path)  # noqa: PTH105 (whole or absent)
    return [Borders(**row) for row in pq.read_table(path).to_pylist()]


_SCHEMA = pa.schema([(name, pa.list_(pa.int32())) for name in Borders._fields])


def tails_of(borders: list[int], morphemes: list[Token]) -> list[int]:
    """Return the borders between a word and the first particle or ending behind it."""
    begins = {
        right.start
        for left, right in pairwise(morphemes)
        if right.tag.startswith(_TAILS) and not left.tag.startswith(_TAILS)
    }
    return [border for border in borders if border in begins]


def learn(
    corpus: Path, borders: list[Borders], out: Path, *, cutting: Cutting, vocab_size: int
) -> Path:
    """Learn a vocabulary from the training text of a corpus; without cuts, that of the product."""
    recipe = {"cutting": cutting._asdict(), "vocab_size": vocab_size}
    with open_step(
        out, kind="tokenizer", name=out.name, recipe=recipe, inputs={"corpus": corpus}
    ) as step:
        if step.finished is not None:
            return out
        tokenizer = blank_tokenizer()
        encoding_split = tokenizer.pre_tokenizer
        # Text comes in pieces already, and only its bytes are still to be spelled.
        tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)
        trainer = BpeTrainer(
            vocab_size=vocab_size,
            min_frequency=MIN_FREQUENCY * (cutting.whole + cutting.cut),
            special_tokens=added_specials(),
            initial_alphabet=sorted(ByteLevel.alphabet()),
            show_progress=False,
        )
        tokenizer.train_from_iterator(_readings(corpus, borders, cutting), trainer)
        tokenizer.pre_tokenizer = encoding_split
        if tokenizer.get_vocab_size() < vocab_size:
            raise SystemExit(f"{out.name}: the text fills {tokenizer.get_vocab_size()} entries.")
        write_tokenizer_files(step.folder, tokenizer.to_str(pretty=True).encode())
        step.finish(facts={"vocab_size": vocab_size})
    return out


def _texts(corpus: Path) -> Iterator[str]:
    """Yield the training text in the runs a vocabulary is learned from."""
    for document in documents(shard_paths(corpus, "text")):
        yield from cut_long_runs(document.text)


def _readings(corpus: Path, borders: list[Borders], cutting: Cutting) -> Iterator[list[str]]:
    with bar("Learning merges", total=len(borders), unit="texts") as shown:
        for text, found in zip(_texts(corpus), borders, strict=True):
            for _ in range(cutting.whole):
                yield list(pieces_between(text, []))
            for _ in range(cutting.cut):
                yield list(pieces_between(text, found.tails if cutting.tails_only else found.all))
            shown.advance(1)
