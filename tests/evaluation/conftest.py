"""A small real corpus, tokenizer and two-layer checkpoint, and a pack of tasks about them."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

from hunmin import model
from hunmin.evaluation.scoring import Scorer, load_scorer
from hunmin.manifest import SourceRecord
from hunmin.model.tokenizer import added_specials, blank_tokenizer, write_tokenizer_files
from hunmin.steps import open_step

TEXT = (
    "나랏말싸미 중국과 달라 한자와는 서로 통하지 아니하므로, 어리석은 백성이 말하고자 하는 바가 "
    "있어도 마침내 제 뜻을 펴지 못하는 사람이 많다. 내 이를 가엾게 여겨 새로 스물여덟 글자를 "
    "만드니 사람마다 쉽게 익혀 날로 쓰기에 편하게 하고자 할 따름이다."
)
WORDS = TEXT.replace(",", "").replace(".", "").split()


def sentence(number: int, *, words: int = 8) -> str:
    """Return one of many different sentences."""
    return " ".join(WORDS[(number * 7 + i * (number % 5 + 1)) % len(WORDS)] for i in range(words))


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Let tiny models run on one thread: two would mostly wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


MakeCheckpoint = Callable[..., Path]


@pytest.fixture(scope="session")
def make_checkpoint(tmp_path_factory) -> MakeCheckpoint:
    """Return a function that makes a finished checkpoint of a random model."""
    tokenizer = blank_tokenizer()
    trainer = BpeTrainer(
        vocab_size=640,
        special_tokens=added_specials(),
        initial_alphabet=sorted(ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([TEXT, *map(sentence, range(50))], trainer)

    def make(*, seed: int = 1, context_tokens: int = 64, vocab_size: int = 640) -> Path:
        transformer = model.Transformer(
            model.ModelConfig(
                vocab_size=vocab_size,
                context_tokens=context_tokens,
                layers=2,
                width=32,
                heads=4,
                key_value_heads=2,
                head_width=16,
                feed_forward_width=64,
            )
        )
        transformer.initialize(seed)
        with torch.no_grad():  # as fresh weights are so small that every token is as likely
            for parameter in transformer.parameters():
                parameter.mul_(4 if parameter.ndim > 1 else 1)
        out = tmp_path_factory.mktemp("lab") / f"step-{seed:06}"
        recipe = {"seed": seed}
        with open_step(out, kind="checkpoint", name=f"tiny-{seed}", recipe=recipe) as step:
            model.save_model(
                transformer,
                step.folder,
                eos_id=model.IM_END_ID,
                pad_id=model.PAD_ID,
                dtype=torch.float32,
            )
            write_tokenizer_files(step.folder, tokenizer.to_str().encode())
            step.finish(facts={})
        return out

    return make


@pytest.fixture(scope="session")
def checkpoint(make_checkpoint) -> Path:
    return make_checkpoint()


@pytest.fixture(scope="session")
def scorer(checkpoint) -> Scorer:
    return load_scorer(checkpoint)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    """Return a corpus that holds out twelve documents of two sources, some of many contexts."""
    out = tmp_path_factory.mktemp("lab") / "corpus"
    documents = [
        {
            "id": f"d{number}",
            "text": "\n".join(sentence(number + i) for i in range(number + 1)),
            "source": "verses" if number % 3 else "laws",
            "license": "CC0-1.0",
        }
        for number in range(12)
    ]
    with open_step(out, kind="corpus", name="corpus", recipe={"made": "by hand"}) as step:
        (step.folder / "shards").mkdir()
        table = pa.Table.from_pylist(documents)
        pq.write_table(table, step.folder / "shards/heldout-00000.parquet")
        step.finish(facts={}, sources=[SourceRecord(name="verses", license="CC0-1.0")])
    return out


YES_OR_NO = """\
task: yes_or_no
dataset_path: json
dataset_kwargs:
  data_files:
    validation: yes_or_no.jsonl
output_type: multiple_choice
validation_split: validation
doc_to_text: "{{context}} 질문: {{question}} 답변: "
doc_to_target: answer
doc_to_choice: ["아니오", "예"]
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
  - metric: f1
    aggregation: !function hunmin.evaluation.metrics.macro_f1
    higher_is_better: true
metadata:
  version: 1.0
  title_ko: 예와 아니오
  title_en: Yes and no
  primary: acc
"""

ENDINGS = """\
task: endings
dataset_path: json
dataset_kwargs:
  data_files:
    test: endings.jsonl
output_type: multiple_choice
test_split: test
doc_to_text: "문장: {{context}}"
doc_to_target: answer
doc_to_choice: choices
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
  - metric: acc_norm
    aggregation: mean
    higher_is_better: true
metadata: {version: 1.0, primary: acc_norm}
"""

WRITING = """\
task: writing
dataset_path: json
dataset_kwargs:
  data_files:
    validation: endings.jsonl
output_type: generate_until
validation_split: validation
doc_to_text: "{{context}}\\n"
doc_to_target: "{{choices[answer]}}"
process_results: !function grading.grade
generation_kwargs: {until: ["다"], max_gen_toks: 8, do_sample: false}
metric_list:
  - metric: chrf
    aggregation: !function hunmin.evaluation.metrics.chrf
    higher_is_better: true
metadata: {version: 1.0}
"""

GRADING = """\
def grade(doc, results):
    return {"chrf": (doc["choices"][doc["answer"]], results[0])}
"""


def write_lines(path: Path, rows: list[dict]) -> None:
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def write_pack(folder: Path, *names: str, items: int = 40) -> Path:
    """Write a pack, or some of its tasks, with its data beside the task files."""
    folder.mkdir(exist_ok=True)
    files = {"yes_or_no": YES_OR_NO, "endings": ENDINGS, "writing": WRITING}
    for task in names or files:
        (folder / f"{task}.yaml").write_text(files[task], "utf-8")
    (folder / "grading.py").write_text(GRADING, "utf-8")
    write_lines(
        folder / "yes_or_no.jsonl",
        [
            {
                "id": f"y{n}",
                "context": sentence(n, words=4 + n % 20),
                "question": f"{WORDS[n % 20]}인가?",
                "answer": n % 2,
            }
            for n in range(items)
        ],
    )
    write_lines(
        folder / "endings.jsonl",
        [
            {
                "id": f"e{n}",
                "context": sentence(n),
                "choices": [sentence(n + k, words=2 + k) for k in range(1, 5)],
                "answer": n * 7 % 4,
            }
            for n in range(items)
        ],
    )
    return folder


MakePack = Callable[..., Path]


@pytest.fixture
def make_pack(tmp_path) -> MakePack:
    """Return a function that writes a pack into the test's own folder."""
    return partial(write_pack, tmp_path / "pack")
