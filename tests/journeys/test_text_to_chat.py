"""From text to a chat: the whole line in a tiny size, then a conversation over HTTP.

The commands are run as a person runs them, in processes of their own. The model learns six
sentences by heart, so what it answers tells whether every hop kept them whole.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.support import forked

PAIRS = {
    "훈민정음은 누가 만들었어?": "세종대왕이 만들었어요.",
    "나라의 주인은 누구야?": "국민이 나라의 주인이에요.",
    "오늘 날씨 어때?": "맑고 바람이 조금 불어요.",
    "고마워": "천만에요, 또 물어보세요.",
    "수도는 어디야?": "서울이 수도예요.",
    "몇 시에 열어?": "아침 아홉 시에 열어요.",
}

RECIPE = """
from pathlib import Path
from hunmin.model import ModelConfig
from hunmin.train import Recipe, TrainConfig

def recipe():
    stage = dict(batch_sequences=8, sequence_tokens=64, heldout_sequences=0, decay_share=0.3)
    return Recipe(
        name="tiny-journey",
        sources=Path(__file__).parent / "sources.toml",
        vocab_size=640,
        model=ModelConfig(
            vocab_size=640, context_tokens=128, layers=2, width=64, heads=2, key_value_heads=2,
            head_width=32, feed_forward_width=128,
        ),
        pretrain=TrainConfig(stage="pretrain", steps=20, learning_rate=3e-3, **stage),
        chat=TrainConfig(stage="chat", steps=150, learning_rate=1e-2, **stage),
    )
"""

SOURCES = """
[[source]]
name = "preface"
path = "preface.jsonl"
license = "CC0-1.0"
origin = "Written for this test"
quality = false

[[source]]
name = "talk"
kind = "chat"
path = "talk.jsonl"
license = "CC0-1.0"
weight = 4.0
origin = "Written for this test"
"""


ENVIRONMENT = {"LC_ALL": "C.UTF-8", "CXX": "none", "OMP_NUM_THREADS": "1"}


def hunmin(*arguments: object, cwd: Path) -> str:
    """Run a command as a person does; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "hunmin", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, float]:
    """Build the tiny model; give the folder of the line, and how long it took."""
    folder = tmp_path_factory.mktemp("journey")
    documents = [
        {"id": f"p{number}", "text": f"{number}번째 이야기. {question} {answer}\n" * 4}
        for number in range(40)
        for question, answer in PAIRS.items()
    ]
    documents = [{**row, "id": f"d{i}"} for i, row in enumerate(documents)]
    chats = [
        {
            "id": f"c{number}",
            "messages": [
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer},
            ],
        }
        for number, (question, answer) in enumerate(PAIRS.items())
    ]
    for name, rows in (("preface", documents), ("talk", chats)):
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), "utf-8")
    (folder / "sources.toml").write_text(SOURCES, "utf-8")
    (folder / "recipe.py").write_text(RECIPE, "utf-8")
    began = time.monotonic()
    hunmin("build", "recipe.py", "--out", "line", cwd=folder)
    return folder, time.monotonic() - began


@pytest.fixture(scope="module")
def line(built) -> Path:
    """Give the folder of the line."""
    return built[0]


@pytest.fixture(scope="module")
def build_seconds(built) -> float:
    """Give how long the line took as a command, which loads everything first."""
    return built[1]


@pytest.fixture(scope="module")
def service(line) -> Iterator[tuple[str, str]]:
    """Serve the model as `hunmin demo` does; give its address and a key."""
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "hunmin", "demo", "--no-browser", "--port", "0"),
            *("--data", "data", "--model", "line/model"),
        ],
        cwd=line,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    address = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
    assert address is not None
    wait_until_healthy(address[0])
    key = hunmin("key", "create", "journey", "--data", "data", cwd=line).splitlines()[-1]
    yield address[0], key
    server.send_signal(signal.SIGINT)
    server.stdout.close()
    assert server.wait(timeout=30) == 0


def wait_until_healthy(address: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:  # noqa: S310
                if json.load(answer)["status"] == "ok":
                    return
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail("the service did not become ready in a minute")


def test_the_model_learned_what_the_text_said_and_says_it_over_http(service):
    address, key = service
    client = openai.OpenAI(base_url=f"{address}/v1", api_key=key)
    model = client.models.list().data[0].id

    answers = {
        question: client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": question}], temperature=0
        )
        .choices[0]
        .message.content
        for question in PAIRS
    }

    right = [question for question, answer in PAIRS.items() if answers[question].strip() == answer]
    assert len(right) >= 5, answers


def test_a_streamed_answer_is_the_same_text_in_whole_characters(service):
    address, key = service
    client = openai.OpenAI(base_url=f"{address}/v1", api_key=key)
    model = client.models.list().data[0].id
    asked = {"model": model, "messages": [{"role": "user", "content": "고마워"}], "temperature": 0}

    whole = client.chat.completions.create(**asked).choices[0].message.content
    pieces = [
        chunk.choices[0].delta.content or ""
        for chunk in client.chat.completions.create(stream=True, **asked)
        if chunk.choices
    ]

    assert "".join(pieces) == whole
    assert not any("\ufffd" in piece for piece in pieces)


def test_the_trace_leads_from_the_model_to_the_licenses(line):
    tree = hunmin("trace", "line/model", "--json", cwd=line)

    assert "CC0-1.0" in tree
    for kind in ("model", "checkpoint", "tokenizer", "corpus"):
        assert f'"{kind}"' in tree


def test_building_again_does_nothing_again(line):
    before = {path: path.stat().st_mtime_ns for path in (line / "line").rglob("*.json")}
    started = time.monotonic()

    hunmin("build", "recipe.py", "--out", "line", cwd=line)

    assert {path: path.stat().st_mtime_ns for path in (line / "line").rglob("*.json")} == before
    assert time.monotonic() - started < 60


def test_a_build_killed_at_any_moment_and_run_again_ends_in_the_same_bytes(
    line, build_seconds, monkeypatch
):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    build = (forked.run_hunmin, line, "build", "recipe.py", "--out", "killed")
    moments = random.Random(1)  # they differ with the machine's speed all the same
    kills = 0

    for _ in range(6):
        with forked.started(*build) as program:
            program.join(moments.uniform(0.02, 0.12) * build_seconds)
            kills += program.is_alive()
    forked.call(*build)

    assert kills >= 2
    for name in ("tokenizer.json", "model.safetensors"):
        assert (line / "killed/model" / name).read_bytes() == (
            line / "line/model" / name
        ).read_bytes(), name
