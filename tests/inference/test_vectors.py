"""Texts become vectors, by a model folder of this machine."""

import json
import math

import pytest
import torch
from transformers import AutoModel

from hunmin.errors import ContextTooLong, EngineRefused, ModelFolderBroken, TokenUnknown
from hunmin.inference import openvino
from hunmin.inference.folder import POOLING_NAME, ModelFolder
from hunmin.plugins import Generation, Sampling
from tests.inference.conformance import chat, collect
from tests.inference.conftest import running
from tests.inference.tiny import CONTEXT_TOKENS, write_vectors


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give the folder of a model of vectors."""
    return write_vectors(tmp_path_factory.mktemp("models") / "vectors")


@pytest.fixture(scope="module")
def engine(folder, tmp_path_factory):
    """Give an engine of answers that finds a model of vectors."""
    cache = tmp_path_factory.mktemp("cache")
    with running(openvino.open_engine({"vectors": folder}, cache=cache, threads=1)) as engine:
        yield engine


def texts(*inputs) -> Generation:
    return Generation("r", "vectors", Sampling(max_tokens=0), embed=inputs)


def expected(folder, tokens: list[int]) -> list[float]:
    """Return the vector of a text that is alone in its batch."""
    model = AutoModel.from_pretrained(folder, dtype=torch.float32)
    with torch.inference_mode():
        mean_H = model(torch.tensor([tokens])).last_hidden_state[0].mean(dim=0)
    return (mean_H / mean_H.norm()).tolist()


async def test_each_text_is_the_mean_of_its_last_layer_and_of_length_1(engine, folder):
    asked = texts("훈민정음", "나랏말싸미 듕귁에 달아 " * 5, (300, 301, 302), "훈민정음")
    [delta] = await collect(engine, asked)
    [card] = engine.models()

    assert card.capabilities == {"embedding"}
    assert delta.finish_reason == "stop"
    assert delta.completion_tokens == 0
    encode = engine.host("vectors").model.encode
    prompts = [encode(Generation("", "", Sampling(1), prompt=text)) for text in asked.embed[:2]]
    assert delta.prompt_tokens == 2 * len(prompts[0]) + len(prompts[1]) + 3
    assert delta.prompt_tokens == await engine.count_prompt_tokens(asked)
    for vector, tokens in zip(delta.vectors, [*prompts, [300, 301, 302], prompts[0]], strict=True):
        assert math.hypot(*vector) == pytest.approx(1)
        assert vector == pytest.approx(expected(folder, tokens), abs=1e-4)


async def test_more_texts_than_the_engine_has_places_are_answered_in_order(engine):
    inputs = [(300 + number,) for number in range(100)]

    [delta] = await collect(engine, texts(*inputs))
    [last] = await collect(engine, texts(inputs[-1]))

    assert len(set(delta.vectors)) == 100
    assert delta.vectors[-1] == pytest.approx(last.vectors[0], abs=1e-5)


async def test_a_text_that_does_not_fit_is_refused_and_one_that_just_does_is_not(engine):
    [delta] = await collect(engine, texts((300,) * CONTEXT_TOKENS))
    assert delta.prompt_tokens == CONTEXT_TOKENS
    for ask in (collect(engine, texts("!", (300,) * (CONTEXT_TOKENS + 1))),
                engine.count_prompt_tokens(texts("가나다 " * 100_000))):  # fmt: skip
        with pytest.raises(ContextTooLong):
            await ask
    with pytest.raises(TokenUnknown):
        await collect(engine, texts((10**6,)))


async def test_it_answers_nothing_and_a_model_that_answers_has_no_vectors(
    engine, random_model, cache
):
    with pytest.raises(EngineRefused):
        await collect(engine, chat(model="vectors"))
    other = openvino.open_engine({"vectors": random_model}, cache=cache, threads=1)
    with pytest.raises(EngineRefused):
        await collect(other, texts("!"))
    await other.close()


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"pooling_mode_cls_token": True},
        {"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True},
        {"pooling_mode_mean_tokens": False},
    ],
)
def test_a_folder_that_asks_for_another_vector_is_refused(folder, tmp_path, said):
    for path in folder.iterdir():
        if path.is_file():
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / POOLING_NAME).parent.mkdir()
    (tmp_path / POOLING_NAME).write_text(json.dumps(said))

    with pytest.raises(ModelFolderBroken):
        ModelFolder("vectors", tmp_path)
