"""A small corpus folder with real text in Korean, English and code, made as a step makes one."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hunmin.manifest import SourceRecord
from hunmin.steps import open_step

KOREAN = (
    "훈민정음은 조선의 네 번째 임금 세종이 만든 글자이다. 나라의 말이 중국과 달라 한자와는 서로 "
    "통하지 아니하므로, 어리석은 백성이 말하고자 하는 바가 있어도 마침내 제 뜻을 펴지 못하는 "
    "사람이 많다. 내 이를 가엾게 여겨 새로 스물여덟 글자를 만드니, 사람마다 쉽게 익혀 날로 쓰기에 "
    "편하게 하고자 할 따름이다. 모든 국민은 법 앞에 평등하다. 대한민국의 주권은 국민에게 있고, "
    "모든 권력은 국민으로부터 나온다."
)
ENGLISH = (
    "Because the speech of this country is different from that of China, it does not match the "
    "letters. Among the people there are many who have something they want to say but cannot "
    "express their meaning. I am distressed by this and have newly made twenty-eight letters, "
    "which I wish everyone to learn easily and use conveniently in daily life."
)
CODE = (
    "def tokens_per_second(tokens: int, seconds: float) -> float:\n"
    "    if seconds <= 0:\n        raise ValueError('seconds must be positive')\n"
    "    return tokens / seconds\n"
)

Document = tuple[str, str, str]
"""Id, text and source."""


def sample_documents() -> list[Document]:
    """Return sixty documents of three sources, each different."""
    return [
        (f"{source}-{number}", f"{number}. {text}\n제{number}조 {text[number * 3 :]}", source)
        for number in range(20)
        for source, text in (("korean", KOREAN), ("english", ENGLISH), ("code", CODE))
    ]


def write_shard(path: Path, documents: list[Document]) -> None:
    """Write one shard as a corpus holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ids, texts, sources = zip(*documents, strict=True) if documents else ((), (), ())
    columns = {"id": ids, "text": texts, "source": sources, "license": ["CC0-1.0"] * len(ids)}
    schema = pa.schema([(name, pa.string()) for name in columns])
    pq.write_table(pa.table({name: list(v) for name, v in columns.items()}, schema=schema), path)


MakeCorpus = Callable[..., Path]


@pytest.fixture(scope="session")
def make_corpus(tmp_path_factory) -> MakeCorpus:
    """Return a function that makes a finished corpus folder."""

    def make(documents: list[Document] | None = None, *, shards: int = 1) -> Path:
        documents = sample_documents() if documents is None else documents
        out = tmp_path_factory.mktemp("lab") / "corpus"
        with open_step(out, kind="corpus", name="small", recipe={"seed": 1}) as step:
            for number in range(shards):
                part = documents[number::shards]
                write_shard(step.folder / f"shards/text-{number:05}.parquet", part)
            write_shard(step.folder / "shards/heldout-00000.parquet", documents[:3])
            sources = [
                SourceRecord(
                    name=name,
                    license="CC0-1.0",
                    origin=f"written for the {name} tests",
                    attribution="The authors",
                    documents=sum(source == name for _, _, source in documents),
                    text_bytes=sum(len(t.encode()) for _, t, source in documents if source == name),
                )
                for name in sorted({source for _, _, source in documents})
            ]
            step.finish(facts={"documents": len(documents)}, sources=sources)
        return out

    return make


@pytest.fixture(scope="session")
def corpus(make_corpus) -> Path:
    """Return the small corpus itself."""
    return make_corpus()


@pytest.fixture(scope="session")
def tokenizer_folder(corpus, tmp_path_factory) -> Path:
    """Return a tokenizer of 768 tokens learned from the small corpus."""
    from hunmin import model

    out = tmp_path_factory.mktemp("lab") / "tokenizer"
    model.train_tokenizer(corpus, out, vocab_size=768)
    return out


@pytest.fixture(scope="session")
def make_checkpoint(corpus, tokenizer_folder, tmp_path_factory) -> Callable[..., Path]:
    """Return a function that makes a finished checkpoint of a small model, as a run makes one."""
    from dataclasses import asdict

    import torch

    from hunmin import model

    def make(
        *,
        stage: str = "pretrain",
        base: Path | None = None,
        corpus_folder: Path = corpus,
        dtype: torch.dtype = torch.float32,
        seed: int = 1,
        **shape: object,
    ) -> Path:
        small = {
            "vocab_size": 768,
            "context_tokens": 256,
            "layers": 2,
            "width": 64,
            "heads": 2,
            "key_value_heads": 1,
            "head_width": 32,
            "feed_forward_width": 96,
        }
        config = model.ModelConfig(**(small | shape))
        network = model.Transformer(config)
        network.initialize(seed)
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                # Larger than a fresh model's, so that logits differ by more than rounding.
                parameter.mul_(1.0 if name.endswith("norm.weight") else 8.0)
        out = tmp_path_factory.mktemp("run") / "step-000010"
        inputs = {"corpus": corpus_folder, "tokenizer": tokenizer_folder}
        recipe = {
            "train": {
                "stage": stage,
                "steps": 10,
                "sequence_tokens": 128,
                "learning_rate": 0.001,
            },
            "model": asdict(config),
        }
        with open_step(
            out,
            kind="checkpoint",
            name=f"small/{out.name}",
            recipe=recipe,
            inputs=inputs | ({"base": base} if base else {}),
        ) as step:
            model.save_model(network, step.folder, eos_id=0, pad_id=3, dtype=dtype)
            for name in model.TOKENIZER_FILES:
                (step.folder / name).write_bytes((tokenizer_folder / name).read_bytes())
            step.finish(
                facts={
                    "step": 10,
                    "tokens_seen": 1_280_000,
                    "loss": 2.5,
                    "heldout_loss": 2.75,
                    "device": "CPU, float32, eager",
                    "parameters": sum(p.numel() for p in network.parameters()),
                }
            )
        return out

    return make


@pytest.fixture(scope="session")
def checkpoint(make_checkpoint) -> Path:
    """Return a checkpoint that was pretrained and then trained on chats."""
    return make_checkpoint(stage="chat", base=make_checkpoint())


@pytest.fixture(scope="session")
def with_experts(make_checkpoint) -> Path:
    """Return a checkpoint of a mixture of twelve experts a layer, three of them for a token."""
    return make_checkpoint(feed_forward_width=0, experts=12, experts_per_token=3, expert_width=64)
