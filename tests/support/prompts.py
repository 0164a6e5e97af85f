"""Prompts, and a small model that has learned nothing, for tests of answers and rewards."""

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from hunmin import model
from hunmin.ledger import DocumentsTable
from hunmin.manifest import LedgerRecord, SourceRecord
from hunmin.model.tokenizer import TOKENIZER_FILES
from hunmin.steps import open_step

VERSE = """나라 말씀 중국 달라 문자 서로 통하지 아니할새 어린 백성 이르고자 할 바 있어도
마침내 제 뜻을 능히 펴지 못할 사람이 많으니라 내 이를 위하여 가엾이 여겨 새로 스물여덟 글자를
만드노니 사람마다 하여금 쉽게 익혀 날마다 쓰기 편하게 하고자 할 따름이니라"""
WORDS = VERSE.split()

SHAPE = model.ModelConfig(
    vocab_size=640,
    context_tokens=64,
    layers=2,
    width=32,
    heads=4,
    key_value_heads=2,
    head_width=16,
    feed_forward_width=64,
)


def prompt_row(number: int) -> dict[str, object]:
    """Return one prompt, with an answer to compare with and its rights."""
    asked = " ".join(WORDS[(number * 5 + i * (number % 4 + 1)) % len(WORDS)] for i in range(3))
    return {
        "id": f"asked:{number}",
        "prompt": [{"role": "user", "content": f"{asked} {number}"}],
        "answer": WORDS[number % len(WORDS)],
        "source": "asked",
        "license": "CC-BY-4.0",
        "consent": f"consent-{number}",
    }


def write_prompts(out: Path, *, prompts: int = 20, heldout: int = 6) -> Path:
    """Write a corpus of prompts, and some text for a tokenizer to learn from."""
    rights = {"source": "verses", "license": "CC0-1.0"}
    texts = [
        {"id": f"t{n}", "text": " ".join(WORDS[n * i % len(WORDS)] for i in range(60)), **rights}
        for n in range(60)
    ]
    rows = [prompt_row(number) for number in range(prompts + heldout)]
    sources = [
        SourceRecord(name="verses", license="CC0-1.0", documents=len(texts)),
        SourceRecord(name="asked", license="CC-BY-4.0", documents=len(rows)),
    ]
    with open_step(out, kind="corpus", name=out.name, recipe={"made": "by hand"}) as step:
        (step.folder / "shards").mkdir()
        for name, some in (
            ("text", texts),
            ("prompt", rows[:prompts]),
            ("prompt_heldout", rows[prompts:]),
        ):
            path = step.folder / "shards" / f"{name}-00000.parquet"
            pq.write_table(pa.Table.from_pylist(some), path)
        step.finish(facts={"documents": len(texts)}, sources=sources)
    return out


def write_tokenizer(corpus: Path, out: Path) -> Path:
    """Write a tokenizer of the corpus."""
    model.train_tokenizer(corpus, out, vocab_size=SHAPE.vocab_size)
    return out


def write_model(tokenizer: Path, out: Path, *, seed: int = 1, inputs: dict | None = None) -> Path:
    """Write a checkpoint whose weights are what training begins with."""
    transformer = model.Transformer(SHAPE)
    transformer.initialize(seed)
    with open_step(
        out,
        kind="checkpoint",
        name=f"chat/{out.name}",
        recipe={"train": {"stage": "chat"}, "model": dataclasses.asdict(SHAPE), "seed": seed},
        inputs={"tokenizer": tokenizer, **(inputs or {})},
    ) as step:
        model.save_model(transformer, step.folder, eos_id=2, pad_id=3, dtype=torch.float32)
        for name in TOKENIZER_FILES:
            (step.folder / name).write_bytes((tokenizer / name).read_bytes())
        none = np.empty(0, np.int64)
        seen = out.with_suffix(".parquet")
        sha256 = DocumentsTable().write(seen, first_samples_D=none, samples_D=none)
        record = LedgerRecord(sha256=sha256, seed=0, samples=1, samples_per_step=1, steps=0)
        step.finish(facts={"stage": "chat", "step": 1}, ledger=record, documents=seen)
    return out
