"""Where a document goes: which split, how many copies, where in the order. Pure.

All of it depends on the seed and the document's id alone, never on threads, runners or files.
"""

from hunmin.corpus.config import CorpusConfig
from hunmin.corpus.ngrams import stable_hash
from hunmin.corpus.sources import Source

SPLITS = (
    "text", "heldout", "chat", "preference", "preference_heldout", "prompt", "prompt_heldout",
)  # fmt: skip
HASH_BITS = 63


def place(
    doc_id: str, *, source: Source, config: CorpusConfig, family: str | None = None
) -> tuple[str, int, int]:
    """Return a document's split, its number of copies (0: not drawn) and its place in the order.

    Args:
        doc_id: Its id.
        source: Where it came from.
        config: Seed and shares.
        family: Of a preference pair or a prompt, the words of the prompt: those of one prompt are
            held out, or learned, together.
    """
    seed = str(config.seed)
    order = copy_order(doc_id, 0, config=config)
    if source.kind == "chat":
        split = "chat"
    elif source.kind in {"preference", "prompt"}:
        luck = stable_hash(seed, "heldout", family or doc_id)
        if luck < config.preference_heldout_share * 2**HASH_BITS:
            return f"{source.kind}_heldout", 1, order
        split = source.kind
    elif stable_hash(seed, "heldout", doc_id) < config.heldout_share * 2**HASH_BITS:
        return "heldout", 1, order
    else:
        split = "text"
    copies = int(source.weight)
    if (rest := source.weight - copies) > 0:
        copies += stable_hash(seed, "draw", doc_id) < rest * 2**HASH_BITS
    return split, copies, order


def copy_order(doc_id: str, copy: int, *, config: CorpusConfig) -> int:
    """Return the place in the order of one copy of a document, counted from 0."""
    return stable_hash(str(config.seed), "order", doc_id, str(copy))


def shard_range(index: int, shards: int) -> tuple[int, int]:
    """Return the first and the last place of one of `shards` equal parts of the order."""
    first = -(-(index << HASH_BITS) // shards)
    after = -(-((index + 1) << HASH_BITS) // shards)
    return first, after - 1
