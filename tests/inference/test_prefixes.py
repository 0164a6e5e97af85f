"""What is remembered of prompts, and for whom."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hunmin.inference import (
    Limits,
    llama_cpp_backend,
    openvino_backend,
    transformers,
    transformers_backend,
)
from hunmin.inference.backend import Opening, Request
from hunmin.inference.folder import ModelFolder
from hunmin.inference.prefixes import BLOCK_TOKENS, Prefixes
from hunmin.inference.requests import request_of
from tests.inference.conformance import chat, collect
from tests.inference.conftest import running
from tests.inference.tiny import CONTEXT_TOKENS

LONG = "훈민정음 " * 12
PROMPT = list(range(300, 300 + 6 * BLOCK_TOKENS + 5))
STEP_TOKENS = 16

TOKENS = st.lists(st.integers(0, 1), max_size=9).map(
    lambda bits: [bit for bit in bits for _ in range(BLOCK_TOKENS // 2)]
)
"""Tokens that often begin alike: half a block at a time is the same."""


@given(
    st.lists(st.tuples(st.sampled_from("ab"), TOKENS), max_size=12),
    st.integers(0, 6),
)
def test_only_what_the_same_group_kept_and_begins_alike_is_found(kept, blocks_max):
    prefixes = Prefixes(blocks_max=blocks_max)
    seen = {"a": set(), "b": set()}

    for group, tokens in kept:
        found = prefixes.find(group, tokens)
        beginnings = [
            tuple(tokens[:end]) for end in range(BLOCK_TOKENS, len(tokens) + 1, BLOCK_TOKENS)
        ]
        assert [tuple(block.tolist()) for block in found] == beginnings[: len(found)]
        assert set(beginnings[: len(found)]) <= seen[group]

        prefixes.keep(group, tokens, lambda _, end, of=tokens: torch.tensor(of[:end]))
        seen[group] |= set(beginnings)
        assert len(prefixes) <= blocks_max
        assert len(prefixes.find(group, tokens)) == min(len(beginnings), blocks_max)


def test_what_was_used_longest_ago_is_forgotten_first():
    prefixes = Prefixes(blocks_max=3)
    one, two = [1] * BLOCK_TOKENS, [2] * BLOCK_TOKENS
    for tokens in (one, two, one, [3] * 2 * BLOCK_TOKENS):
        prefixes.keep("a", tokens, lambda *_: torch.zeros(1))

    assert len(prefixes.find("a", one)) == 1
    assert not prefixes.find("a", two)


def opened(module, folder, prefix_cache):
    options = {"INFERENCE_PRECISION_HINT": "f32"} if module is openvino_backend else {}
    limits = Limits(batch_tokens_max=STEP_TOKENS)
    opening = Opening(folder, options, 1, CONTEXT_TOKENS, limits, prefix_cache)
    return module.open_backend(opening)


def steps_to_the_first_token(backend, request_id, group) -> int:
    """Work on the prompt alone; steps tell, whatever else this machine does."""
    backend.add(Request(request_id, PROMPT, 1, stop_ids=[], seed=0, cache_group=group))
    steps = 0
    while backend.busy():
        backend.step()
        steps += 1
    return steps


@pytest.mark.parametrize(
    ("module", "prefix_cache", "again", "for_another"),
    [
        (transformers_backend, "tenant", "soon", "as if new"),
        (transformers_backend, "shared", "soon", "soon"),
        (llama_cpp_backend, "tenant", "soon", "as if new"),
        (llama_cpp_backend, "shared", "soon", "soon"),
        (openvino_backend, "tenant", "as if new", "as if new"),
        (openvino_backend, "shared", "soon", "soon"),
    ],
)
def test_what_one_tenant_asked_makes_nobody_elses_answer_come_sooner(
    random_model, module, prefix_cache, again, for_another
):
    backend = opened(module, random_model, prefix_cache)
    one, other = ("", "") if prefix_cache == "shared" else ("one", "other")

    new = steps_to_the_first_token(backend, 1, one)
    steps = {
        "again": steps_to_the_first_token(backend, 2, one),
        "for_another": steps_to_the_first_token(backend, 3, other),
    }

    assert new >= len(PROMPT) / STEP_TOKENS
    expected = {"soon": 1, "as if new": new}
    assert steps == {"again": expected[again], "for_another": expected[for_another]}


@pytest.fixture(scope="module")
def engine(random_model, tmp_path_factory):
    """Give the fallback, which counts what it remembers; each test asks for tenants of its own."""
    cache = tmp_path_factory.mktemp("cache")
    engine = transformers.open_engine({"random": random_model}, cache=cache, threads=1)
    with running(engine):
        yield engine


async def ask(engine, tenant, text=LONG, **sampling) -> tuple[str, int]:
    generation = chat(text, model="random", tenant=tenant, max_tokens=8, **sampling)
    deltas = await collect(engine, generation)
    assert len({delta.cached_tokens for delta in deltas}) == 1
    return "".join(delta.text for delta in deltas), deltas[-1].cached_tokens


async def test_a_tenant_gains_by_its_own_prompts_alone_and_answers_stay_the_same(engine):
    answer, first = await ask(engine, "one")
    prompt_tokens = await engine.count_prompt_tokens(chat(LONG, model="random"))
    remembered = (prompt_tokens - 1) // BLOCK_TOKENS * BLOCK_TOKENS

    assert first == 0
    assert remembered > 0
    assert await ask(engine, "one") == (answer, remembered)
    assert await ask(engine, "other") == (answer, 0)
    assert await ask(engine, "") == (answer, 0)
    assert await ask(engine, "") == (answer, 0)

    otherwise = LONG[: len(LONG) // 2] + "그러나 " + LONG
    answer, cached = await ask(engine, "one", otherwise)
    assert 0 < cached < remembered
    assert await ask(engine, "new", otherwise) == (answer, 0)


@pytest.mark.parametrize(
    ("prefix_cache", "tenant", "group"),
    [
        ("tenant", "one", "one"),
        ("tenant", "", None),
        ("shared", "one", ""),
        ("shared", "", ""),
        ("off", "one", None),
    ],
)
def test_requests_are_grouped_as_was_said(random_model, prefix_cache, tenant, group):
    model = ModelFolder("random", random_model)
    asked = request_of(chat(tenant=tenant), [1], model, room=8, prefix_cache=prefix_cache)

    assert asked["cache_group"] == group


async def test_probabilities_of_a_prompt_are_told_also_of_one_seen_before(engine):
    asked = chat(
        LONG, model="random", tenant="scored", max_tokens=1, logprobs=0, prompt_logprobs=True
    )

    first, again = [(await collect(engine, asked))[0].prompt_scores for _ in range(2)]

    assert [score.token for score in first] == [score.token for score in again]
    assert [score.logprob for score in first[1:]] == pytest.approx(
        [score.logprob for score in again[1:]], abs=1e-5
    )
