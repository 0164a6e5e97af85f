r"""Whether merges that respect morphemes make a better model: bits per byte, beside plain merges.

    pip install 'hunmin[morphemes]'
    python benchmarks/morpheme_merges.py CORPUS WORK
    python benchmarks/morpheme_merges.py CORPUS WORK-LARGE --vocab-size 65536 \
        --mb-per-source 2 --seeds 0

Vocabularies of one size are learned from one slice of a finished corpus: plainly; from text read
twice, once whole and once cut where morphemes meet (`half`: a pair across a border counts half);
from text cut at every border (`never`: no merge leads across); and from text cut only between words
and the particles or endings behind them (`tails`). Encoding is the same for all, and plain.

Then the same small model learns from the slice with each of them, from the same seeds, and is asked
for the held-out text. A model sees the same text in more steps where its tokens are shorter, so
there are two readings: at the same bytes of text, and at the same arithmetic, which is the same
number of steps. A cutting is better than plain merges if every seed says so in both readings.

`--seeds 0` learns the vocabularies and only tells how long their tokens are. What is made under
WORK is kept, so an interrupted run goes on. One JSON line is printed and appended to
`benchmarks/results/morpheme_merges.jsonl`.
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

from morpheme_text import CUTTINGS, find_borders, learn, slice_of
from trigrams import Trigrams

from hunmin import model
from hunmin.evaluation import heldout, scoring
from hunmin.manifest import Manifest
from hunmin.model.corpus_text import documents, shard_paths
from hunmin.steps import write_whole
from hunmin.train import TrainConfig, run

RESULTS = Path(__file__).parent / "results" / "morpheme_merges.jsonl"
SEQUENCE_TOKENS = 128
BATCH_SEQUENCES = 4
FIRST_SEED = 1446
READINGS = ("same bytes", "same FLOPs")
PLAN = heldout.HeldoutPlan(bytes_per_source=20_000)


class Arm(NamedTuple):
    """A vocabulary, and how many steps its models take in each reading."""

    tokenizer: Path
    steps: dict[str, int]


def main() -> None:
    """Learn the vocabularies, train and measure the models, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("work", type=Path)
    others = [name for name in CUTTINGS if name != "plain"]
    parser.add_argument("--cuttings", nargs="+", default=others, choices=others)
    parser.add_argument("--vocab-size", type=int, default=8_192)
    parser.add_argument("--mb-per-source", type=float, default=0.5, help="Of training text.")
    parser.add_argument("--mb-seen", type=float, default=0.6, help="Text a model learns from.")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    corpus = slice_of(
        asked.corpus,
        asked.work / "corpus",
        bytes_per_source_max=int(asked.mb_per_source * 1e6),
    )
    borders = find_borders(corpus, asked.work / "borders.parquet")
    tokenizers = {
        name: learn(
            corpus,
            borders,
            asked.work / f"{name}-{asked.vocab_size}",
            cutting=CUTTINGS[name],
            vocab_size=asked.vocab_size,
        )
        for name in ("plain", *asked.cuttings)
    }
    result = {
        "vocab_size": asked.vocab_size,
        "mb_per_source": asked.mb_per_source,
        "bytes_per_token": lengths(corpus, tokenizers),
        "trigram_bits_per_byte": {
            name: trigram_bits_per_byte(corpus, folder) for name, folder in tokenizers.items()
        },
    }
    if asked.seeds:
        arms = plan(corpus, tokenizers, bytes_seen=asked.mb_seen * 1e6)
        seeds = range(FIRST_SEED, FIRST_SEED + asked.seeds)
        result |= {
            "parameters": model.total_parameters(shape(asked.vocab_size)),
            "tokens_per_step": BATCH_SEQUENCES * SEQUENCE_TOKENS,
            "steps": {name: arm.steps for name, arm in arms.items()},
            "bits_per_byte": measured(corpus, arms, seeds),
        }
    line = json.dumps(result)
    print(line)
    with RESULTS.open("a", encoding="utf-8") as stream:
        stream.write(f"{line}\n")


def lengths(corpus: Path, tokenizers: dict[str, Path]) -> dict[str, float]:
    """Return how many bytes of held-out text a token of each vocabulary stands for."""
    first, *others = tokenizers.values()
    reports = model.tokenizer_report(first, corpus, beside=others)
    return {
        name: part.bytes_per_token
        for name, report in zip(tokenizers, reports, strict=True)
        for part in report.fertility
        if part.group == "all"
    }


def trigram_bits_per_byte(corpus: Path, tokenizer: Path) -> float:
    """Return what a trigram model of the slice needs for a byte of held-out text."""
    loaded = model.load_tokenizer(tokenizer)
    encode = model.bulk_encoder(loaded)
    learned = [document.text for document in documents(shard_paths(corpus, "text"))]
    trigrams = Trigrams(encode(learned), vocab_size=loaded.get_vocab_size())
    asked = [text.text for text in heldout.choose(corpus, PLAN)[0]]
    return sum(map(trigrams.bits, encode(asked))) / sum(len(text.encode()) for text in asked)


def plan(corpus: Path, tokenizers: dict[str, Path], *, bytes_seen: float) -> dict[str, Arm]:
    """Return how many steps a model of each vocabulary takes to see so much text."""
    texts = [document.text for document in documents(shard_paths(corpus, "text"))]
    size = sum(len(text.encode()) for text in texts)
    steps = {}
    for name, folder in tokenizers.items():
        encode = model.bulk_encoder(model.load_tokenizer(folder))
        tokens = sum(len(ids) + 1 for ids in encode(texts))  # one more ends each document
        steps[name] = round(bytes_seen / size * tokens / (BATCH_SEQUENCES * SEQUENCE_TOKENS))
    return {
        name: Arm(folder, dict(zip(READINGS, (steps[name], steps["plain"]), strict=True)))
        for name, folder in tokenizers.items()
    }


def shape(vocab_size: int) -> model.ModelConfig:
    """Return the model: more than half of it is the table of its vocabulary."""
    return model.ModelConfig(
        vocab_size=vocab_size,
        context_tokens=SEQUENCE_TOKENS,
        layers=4,
        width=96,
        heads=3,
        key_value_heads=1,
        head_width=32,
        feed_forward_width=256,
    )


def measured(corpus: Path, arms: dict[str, Arm], seeds: range) -> dict[str, dict[str, list[float]]]:
    """Return bits per byte by reading and cutting, one number for each seed."""
    found = {reading: {name: [] for name in arms} for reading in READINGS}
    for seed in seeds:  # outermost, so that what was interrupted can be told with fewer seeds
        for reading in READINGS:
            for name, arm in arms.items():
                bits = bits_per_byte(corpus, arm.tokenizer, arm.steps[reading], seed)
                found[reading][name].append(bits)
    return found


def bits_per_byte(corpus: Path, tokenizer: Path, steps: int, seed: int) -> float:
    """Train one model, unless that was done, and return its bits per byte of held-out text."""
    folder = tokenizer.with_name(f"{tokenizer.name}-{steps}-steps-{seed}")
    kept = folder.with_suffix(".json")
    if kept.is_file():
        return json.loads(kept.read_text("ascii"))
    config = TrainConfig(
        stage="pretrain",
        steps=steps,
        batch_sequences=BATCH_SEQUENCES,
        sequence_tokens=SEQUENCE_TOKENS,
        optimizer="muon",
        learning_rate=3e-3,
        seed=seed,
        checkpoint_every_steps=steps,
        checkpoints_kept=1,
    )
    vocab_size = Manifest.read(tokenizer).facts["vocab_size"]
    # So short a run would take longer to compile than to train.
    run(
        config,
        shape(vocab_size),
        corpus=corpus,
        tokenizer=tokenizer,
        out=folder,
        compile_wanted=False,
    )
    texts, _ = heldout.choose(corpus, PLAN)
    scored = heldout.measure(scoring.load_scorer(folder / f"step-{steps:06}"), texts, PLAN)
    bits = sum(each.bits for each in scored) / sum(each.text_bytes for each in scored)
    write_whole(kept, json.dumps(bits).encode())
    return bits


if __name__ == "__main__":
    main()
