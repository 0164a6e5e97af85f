"""Bits per byte on text the model never saw: how well it knows the language, whatever its tokens.

The bits the model needs for a document are the negative base-2 logarithms of the probabilities of
all its tokens, the first predicted from the token that stands between documents; divided by its
UTF-8 bytes they can be compared between models with different tokenizers. The end of a document
has no bytes and is not counted. Lower is better; a model that knows nothing but bytes needs 8.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hunmin.errors import HeldoutMissing
from hunmin.evaluation.results import HeldoutResult, SourceResult
from hunmin.evaluation.scoring import Scorer, Span, windows
from hunmin.model import END_OF_TEXT_ID
from hunmin.model.corpus_text import documents, shard_paths
from hunmin.progress import bar

_CHUNK_BYTES = 50_000
"""Text scored together: full batches, and the most an interruption costs."""


@dataclass(frozen=True, slots=True)
class HeldoutPlan:
    """How much held-out text is scored, and how documents longer than the context are read."""

    bytes_per_source: int | None = 100_000
    """At most so much text of each source; None is all of it. The last document is cut."""
    stride: int | None = None
    """Newly scored tokens a window. None is half the context: each token of a long document is
    then predicted from at least that much."""

    def stride_tokens(self, context_tokens: int) -> int:
        """Return the newly scored tokens of a window for a model with this context."""
        return min(self.stride or max(1, context_tokens // 2), context_tokens)


@dataclass(frozen=True, slots=True)
class Text:
    """A held-out document, or the beginning of one."""

    id: str
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class DocumentBits:
    """What the model needed for one document."""

    id: str
    source: str
    text_bytes: int
    tokens: int
    bits: float


def choose(corpus: Path, plan: HeldoutPlan) -> tuple[list[Text], dict[str, int]]:
    """Return the texts to score, and the bytes of all held-out text by source.

    Documents come in the order of the shards, which the corpus has shuffled.

    Raises:
        HeldoutMissing: The corpus has no held-out text.
    """
    totals: dict[str, int] = defaultdict(int)
    chosen = []
    for document in documents(shard_paths(corpus, "heldout")):
        content = document.text.encode()
        room = len(content)
        if plan.bytes_per_source is not None:
            room = min(room, plan.bytes_per_source - totals[document.source])
        totals[document.source] += len(content)
        if room > 0:
            text = content[:room].decode(errors="ignore")
            chosen.append(Text(document.id, document.source, text))
    chosen = [text for text in chosen if text.text]
    if not chosen:
        raise HeldoutMissing(corpus=corpus)
    return chosen, dict(totals)


def measure(scorer: Scorer, texts: Sequence[Text], plan: HeldoutPlan) -> list[DocumentBits]:
    """Return the bits the model needs for each text."""
    stride = plan.stride_tokens(scorer.context_tokens)
    spans: list[Span] = []
    owners: list[int] = []
    tokens = [scorer.encode(text.text) for text in texts]
    for owner, sequence in enumerate(tokens):
        cut = windows(
            sequence, prefix=END_OF_TEXT_ID, context_tokens=scorer.context_tokens, stride=stride
        )
        for span in cut:
            spans.append(span)
            owners.append(owner)
    bits = [0.0] * len(texts)
    for owner, score in zip(owners, scorer.score(spans), strict=True):
        bits[owner] -= score.log_probability / math.log(2)
    return [
        DocumentBits(text.id, text.source, len(text.text.encode()), len(tokens[index]), bits[index])
        for index, text in enumerate(texts)
    ]


def measure_resuming(
    scorer: Scorer, texts: Sequence[Text], plan: HeldoutPlan, *, done_file: Path
) -> list[DocumentBits]:
    """Return the bits of each text, keeping what is done in a file and beginning from it."""
    done = _read_done(done_file)
    total = sum(len(text.text.encode()) for text in texts)
    with bar("held-out text", total=total / 1000, unit="kB") as shown:
        shown.start_at(sum(item.text_bytes for item in done) / 1000)
        for chunk in _chunks(texts[len(done) :]):
            measured = measure(scorer, chunk, plan)
            with done_file.open("a", encoding="utf-8") as stream:
                stream.writelines(f"{json.dumps(asdict(item))}\n" for item in measured)
            done += measured
            note = f"{summarize(done).bits_per_byte:.3f} bits per byte"
            shown.advance(sum(item.text_bytes for item in measured) / 1000, note=note)
    return done


def _read_done(path: Path) -> list[DocumentBits]:
    """Read finished documents; drop a last line that a kill tore."""
    if not path.is_file():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return [DocumentBits(**json.loads(line)) for line in lines]


def _chunks(texts: Sequence[Text]) -> Iterator[list[Text]]:
    chunk: list[Text] = []
    size = 0
    for text in texts:
        chunk.append(text)
        size += len(text.text.encode())
        if size >= _CHUNK_BYTES:
            yield chunk
            chunk = []
            size = 0
    if chunk:
        yield chunk


def summarize(
    items: Iterable[DocumentBits], *, totals: dict[str, int] | None = None, stride: int = 0
) -> HeldoutResult:
    """Return bits per byte by source and overall.

    Overall, each source weighs as many bytes as the corpus holds out of it; where all of the text
    was scored, this is simply all bits over all bytes.

    Args:
        items: Scored documents.
        totals: Bytes of held-out text by source; without them, what was scored.
        stride: How the documents were read, for the record.
    """
    everything = list(items)
    by_source: dict[str, list[DocumentBits]] = defaultdict(list)
    for item in everything:
        by_source[item.source].append(item)
    sources = {name: _summarize_source(group) for name, group in sorted(by_source.items())}
    held = totals or {name: result.text_bytes for name, result in sources.items()}
    whole = sum(held[name] for name in sources)
    share = {name: held[name] / whole for name in sources}
    return HeldoutResult(
        bits_per_byte=sum(share[name] * result.bits_per_byte for name, result in sources.items()),
        stderr=_combined_error(sources, share, everything),
        documents=len(everything),
        text_bytes=sum(result.text_bytes for result in sources.values()),
        tokens=sum(result.tokens for result in sources.values()),
        text_bytes_held_out=whole,
        stride_tokens=stride,
        by_source=sources,
    )


def _combined_error(
    sources: Mapping[str, SourceResult],
    share: Mapping[str, float],
    everything: Sequence[DocumentBits],
) -> float | None:
    """Return the error of the weighed sum; of all as one source, where one has one document."""
    errors = {name: source.stderr for name, source in sources.items()}
    known = {name: error for name, error in errors.items() if error is not None}
    if len(known) < len(errors):
        return _ratio(everything)[1]
    return math.sqrt(sum((share[name] * error) ** 2 for name, error in known.items()))


def _summarize_source(group: Sequence[DocumentBits]) -> SourceResult:
    ratio, stderr = _ratio(group)
    return SourceResult(
        bits_per_byte=ratio,
        stderr=stderr,
        documents=len(group),
        text_bytes=sum(item.text_bytes for item in group),
        tokens=sum(item.tokens for item in group),
    )


def _ratio(group: Sequence[DocumentBits]) -> tuple[float, float | None]:
    """Return bits over bytes and its standard error, documents being drawn whole.

    Source:
        Cochran, "Sampling Techniques", 1977, section 2.11: the error of a ratio.
    """
    bits = np.array([item.bits for item in group])
    sizes = np.array([item.text_bytes for item in group], dtype=np.float64)
    ratio = float(bits.sum() / sizes.sum())
    if len(group) == 1:
        return ratio, None
    spread = ((bits - ratio * sizes) ** 2).sum() / (len(group) - 1)
    return ratio, float(math.sqrt(spread / len(group)) / sizes.mean())
