"""The reference model, which is trained, says the same in both engines."""

import asyncio
from pathlib import Path

import pytest

from hunmin.inference import openvino, transformers
from tests.inference.conformance import chat, say
from tests.inference.conftest import running

FOLDER = Path(__file__).parents[2] / "models" / "reference"

QUESTIONS = (
    "안녕하세요?",
    "너는 누구야?",
    "훈민이 무슨 뜻이야?",
    "여행 가고 싶다",
    "공부하기 싫어",
    "대한민국의 수도는 어디야?",
)

ALIKE_MIN = 4
"""Of six answers. One engine reads 8-bit weights, the other those they were rounded from: where
two tokens are about equally probable they may part, and are both right."""


async def answers(engine) -> list[str]:
    asked = (chat(text, model="reference", max_tokens=48) for text in QUESTIONS)
    return await asyncio.gather(*(say(engine, generation) for generation in asked))


@pytest.fixture(scope="module")
def in_openvino(tmp_path_factory):
    """Give the answers of the engine that serves people, all asked at once."""
    cache = tmp_path_factory.mktemp("cache")
    with running(openvino.open_engine({"reference": FOLDER}, cache=cache, threads=1)) as engine:
        assert engine.host("reference").facts["backend"] == "openvino"
        return asyncio.run(answers(engine))


def test_both_engines_give_the_same_greedy_answers(in_openvino, tmp_path):
    models = {"reference": FOLDER}
    with running(transformers.open_engine(models, cache=tmp_path, threads=1)) as engine:
        exact = asyncio.run(answers(engine))

    alike = [one for one, other in zip(in_openvino, exact, strict=True) if one == other]
    assert len(alike) >= ALIKE_MIN, list(zip(in_openvino, exact, strict=True))


def test_it_answers_in_whole_korean_words(in_openvino):
    for answer in in_openvino:
        assert any("가" <= letter <= "힣" for letter in answer)
        assert "�" not in answer
