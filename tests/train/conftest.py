"""A small real corpus and tokenizer, and a two-layer model, for every test of the room."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from hunmin import model, train
from hunmin.manifest import SourceRecord
from hunmin.steps import open_step
from tests.support.worlds import planned

VERSE = """나라 말씀 중국 달라 문자 서로 통하지 아니할새 어린 백성 이르고자 할 바 있어도
마침내 제 뜻을 능히 펴지 못할 사람이 많으니라 내 이를 위하여 가엾이 여겨 새로 스물여덟 글자를
만드노니 사람마다 하여금 쉽게 익혀 날마다 쓰기 편하게 하고자 할 따름이니라"""
WORDS = VERSE.split()


def sentence(number: int) -> str:
    return " ".join(WORDS[(number * 7 + i * (number % 5 + 1)) % len(WORDS)] for i in range(12))


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("lab") / "corpus"
    texts = [
        {
            "id": f"d{number}",
            "text": "\n".join(sentence(number + i) for i in range(8)) + ".",
            "source": "verses",
            "license": "CC0-1.0",
        }
        for number in range(300)
    ]
    chats = [
        {
            "id": f"c{number}",
            "messages": [
                {"role": "user", "content": sentence(number)},
                {"role": "assistant", "content": sentence(number + 1) + "."},
            ],
            "source": "talk",
            "license": "CC0-1.0",
        }
        for number in range(120)
    ]
    pairs = [
        {
            "id": f"p{number}",
            "prompt": [{"role": "user", "content": sentence(number)}],
            "chosen": sentence(number + 1) + ".",
            "rejected": sentence(number + 2) + " 것이니라",
            "source": "judged",
            "license": "CC0-1.0",
        }
        for number in range(70)
    ]
    pairs[33]["rejected"] *= 9
    with open_step(out, kind="corpus", name="corpus", recipe={"made": "by hand"}) as step:
        (step.folder / "shards").mkdir()
        for name, rows in (
            ("text", texts[10:]),
            ("heldout", texts[:10]),
            ("chat", chats),
            ("preference", pairs[10:]),
            ("preference_heldout", pairs[:10]),
        ):
            table = pa.Table.from_pylist(rows)
            pq.write_table(table, step.folder / "shards" / f"{name}-00000.parquet")
        step.finish(
            facts={"documents": 290},
            sources=[SourceRecord(name="verses", license="CC0-1.0", documents=290)],
        )
    return out


@pytest.fixture(scope="session")
def tokenizer(corpus) -> Path:
    out = corpus.parent / "tokenizer"
    model.train_tokenizer(corpus, out, vocab_size=640)
    return out


@pytest.fixture(scope="session")
def shape() -> model.ModelConfig:
    return model.ModelConfig(
        vocab_size=640,
        context_tokens=64,
        layers=2,
        width=32,
        heads=4,
        key_value_heads=2,
        head_width=16,
        feed_forward_width=64,
    )


@pytest.fixture
def stage() -> train.TrainConfig:
    return train.TrainConfig(
        stage="pretrain",
        steps=12,
        batch_sequences=4,
        sequence_tokens=48,
        learning_rate=3e-3,
        checkpoint_every_steps=4,
        heldout_sequences=4,
    )


@pytest.fixture
def gpu() -> torch.device:
    """Give the machine's NVIDIA GPU, or skip where there is none; its test is marked `gpu`."""
    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU")
    return torch.device("cuda")


@pytest.fixture
def plan(shape, corpus, tokenizer):
    """Give what plans a run of several processes."""

    def plan_one(size, stage, out, shape=shape, **more):
        return planned(size, stage, shape, corpus=corpus, tokenizer=tokenizer, out=out, **more)

    return plan_one
