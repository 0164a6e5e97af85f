"""What every engine must do. A test class of an engine inherits from `EngineConformance`.

Three models are needed: the parrot, whose words are known (`tests.inference.tiny`), a model with
random weights, and the parrot once more in an engine with two places and no waiting room.
"""

import asyncio
import os
import signal
import time

import pytest

from hunmin.errors import (
    ContextTooLong,
    EngineCrashed,
    EngineFull,
    EngineNotReady,
    HunminError,
    ModelNotServed,
    SamplingWrong,
)
from hunmin.plugins import Delta, Engine, Generation, Message, Sampling
from tests.inference.tiny import CONTEXT_TOKENS, ENDS_AT_ONCE, PARROT_SAYS

GREEDY = Sampling(max_tokens=24, temperature=0.0)


def chat(text="안녕?", *, model="parrot", sampling=GREEDY, tenant="", **changes) -> Generation:
    values = {field: getattr(sampling, field) for field in Sampling.__slots__} | changes
    return Generation(
        request_id="r1",
        model=model,
        sampling=Sampling(**values),
        tenant=tenant,
        messages=(Message("user", text),),
    )


def completion(prompt, *, model="parrot", **changes) -> Generation:
    values = {"max_tokens": 24, "temperature": 0.0} | changes
    return Generation("r2", model, Sampling(**values), prompt=prompt)


async def collect(engine: Engine, generation: Generation) -> list[Delta]:
    return [delta async for delta in engine.stream(generation)]


async def say(engine: Engine, generation: Generation) -> str:
    return "".join(delta.text for delta in await collect(engine, generation))


async def until_healthy(
    engine: Engine, model: str | None = None, *, seconds: float = 200.0
) -> None:
    deadline = time.monotonic() + seconds
    while not engine.healthy(model):
        assert time.monotonic() < deadline, "the engine did not come back"
        await asyncio.sleep(0.05)


class EngineConformance:
    """Inherit, and give the fixtures `engine` (both models) and `small_engine` (two places)."""

    kill_while_answering = True
    """Whether `engine.host(model).process_id` is a process a test may kill."""

    def test_it_is_an_engine_and_says_what_it_serves(self, engine):
        assert isinstance(engine, Engine)
        assert engine.healthy()
        assert engine.healthy("parrot")
        cards = {card.id: card for card in engine.models()}
        assert set(cards) == {"parrot", "random"}
        card = cards["parrot"]
        assert card.context_tokens == CONTEXT_TOKENS
        assert card.folder is not None
        assert card.created_at > 0
        assert card.state == "ready"
        assert {"chat", "completion", "seed", "stop", "penalties"} <= card.capabilities
        assert card.defaults == {"temperature": 0.6, "top_p": 0.8}

    async def test_an_answer_comes_in_pieces_and_only_the_last_says_why_it_ended(self, engine):
        deltas = await collect(engine, chat())

        assert len(deltas) > 2
        assert [delta.finish_reason for delta in deltas[:-1]] == [None] * (len(deltas) - 1)
        assert deltas[-1].finish_reason == "length"
        assert "".join(delta.text for delta in deltas) == PARROT_SAYS * 4

    async def test_a_syllable_never_arrives_in_two_pieces(self, engine):
        deltas = await collect(engine, chat())

        assert all(set(delta.text) <= set(PARROT_SAYS) for delta in deltas)
        assert next(delta.completion_tokens for delta in deltas if delta.text) == 3

    async def test_counts_are_exact(self, engine):
        generation = chat(max_tokens=7)

        last = (await collect(engine, generation))[-1]

        assert last.prompt_tokens == await engine.count_prompt_tokens(generation)
        assert last.completion_tokens == 7

    async def test_a_syllable_cut_off_by_the_limit_is_one_replacement_character(self, engine):
        deltas = await collect(engine, chat(max_tokens=4))

        assert "".join(delta.text for delta in deltas) == "훈�"
        assert deltas[-1].finish_reason == "length"

    async def test_random_bytes_stay_text(self, engine):
        texts = [
            await say(engine, chat(model="random", temperature=1.5, top_p=1.0, seed=seed))
            for seed in range(6)
        ]

        assert any("�" in text for text in texts)
        assert all(text.encode().decode() == text for text in texts)

    async def test_an_answer_ends_where_the_model_ends_it(self, engine):
        deltas = await collect(engine, completion(ENDS_AT_ONCE))

        assert [(delta.text, delta.finish_reason) for delta in deltas] == [("", "stop")]
        assert deltas[-1].completion_tokens == 1

    async def test_a_stop_string_across_tokens_ends_the_answer_and_does_not_show(self, engine):
        deltas = await collect(engine, chat(stop=("민훈",)))

        assert "".join(delta.text for delta in deltas) == "훈"
        assert deltas[-1].finish_reason == "stop"
        assert deltas[-1].completion_tokens == 9  # three syllables of three tokens

    async def test_the_stop_string_that_is_complete_first_counts(self, engine):
        assert await say(engine, chat(stop=("민훈민훈", "민훈민", "X"))) == "훈"

    async def test_what_only_began_a_stop_string_is_shown(self, engine):
        text = await say(engine, chat(max_tokens=6, stop=("민훈민정음",)))

        assert text == PARROT_SAYS

    async def test_the_same_seed_says_the_same_and_others_differ(self, engine):
        def generation(seed):
            return chat(model="random", temperature=1.2, top_p=0.95, seed=seed)

        texts = [await say(engine, generation(seed)) for seed in (1, 1, 2, 2**62 + 1, -1)]

        assert texts[0] == texts[1]
        assert len(set(texts)) == 4

    async def test_without_a_seed_answers_differ(self, engine):
        def generation():
            return chat(model="random", temperature=1.5, top_p=1.0)

        assert await say(engine, generation()) != await say(engine, generation())

    async def test_temperature_zero_is_greedy_whatever_the_seed(self, engine):
        texts = {await say(engine, chat(model="random", seed=seed)) for seed in (None, 1, 2)}

        assert len(texts) == 1

    @pytest.mark.parametrize("narrow", [{"top_k": 1}, {"top_p": 0.0}])
    async def test_a_choice_of_one_is_greedy(self, engine, narrow):
        greedy = await say(engine, chat(model="random"))

        assert await say(engine, chat(model="random", temperature=1.5, **narrow)) == greedy

    @pytest.mark.parametrize(
        "penalty",
        [{"frequency_penalty": 2.0}, {"presence_penalty": 2.0}, {"repetition_penalty": 2.0}],
    )
    async def test_penalties_change_what_is_said(self, engine, penalty):
        plain = await say(engine, chat(model="random", max_tokens=60))

        assert await say(engine, chat(model="random", max_tokens=60, **penalty)) != plain

    async def test_a_prompt_that_leaves_no_room_is_refused_with_its_counts(self, engine):
        generation = chat("훈민정음 " * 200)

        with pytest.raises(ContextTooLong) as refusal:
            await collect(engine, generation)

        assert refusal.value.prompt_tokens == await engine.count_prompt_tokens(generation)
        assert refusal.value.context_tokens == CONTEXT_TOKENS

    async def test_an_answer_ends_with_the_context(self, engine):
        last = (await collect(engine, chat(max_tokens=10_000)))[-1]

        assert last.finish_reason == "length"
        assert last.prompt_tokens + last.completion_tokens == CONTEXT_TOKENS

    async def test_an_empty_text_is_continued_too(self, engine):
        assert await engine.count_prompt_tokens(completion("")) == 1
        assert await say(engine, completion("", max_tokens=6)) == PARROT_SAYS

    async def test_special_tokens_typed_by_a_person_are_only_text(self, engine):
        typed = await engine.count_prompt_tokens(chat("<|im_end|>"))

        assert typed > await engine.count_prompt_tokens(chat("a")) + 3
        assert await engine.count_prompt_tokens(completion("<|im_end|>")) > 3

    @pytest.mark.parametrize(
        "text", ["\ud800", "\x00", "a" * 100, "🇰🇷", "\u1112\u116e\u11ab", "\u202e"]
    )
    async def test_strange_text_is_answered(self, engine, text):
        assert await say(engine, chat(text, max_tokens=3)) == "훈"

    async def test_a_million_characters_are_refused_and_hold_nothing_up(self, engine):
        slow = asyncio.create_task(collect(engine, chat("가나다라 " * 200_000)))
        await asyncio.sleep(0)

        assert await asyncio.wait_for(say(engine, chat(max_tokens=6)), 20) == PARROT_SAYS
        with pytest.raises(ContextTooLong):
            await slow

    @pytest.mark.parametrize(
        "wrong",
        [
            {"max_tokens": 0},
            {"max_tokens": -1},
            {"temperature": -0.1},
            {"temperature": float("nan")},
            {"temperature": float("inf")},
            {"top_p": 1.1},
            {"top_p": float("nan")},
            {"top_k": -1},
            {"repetition_penalty": 0.0},
            {"presence_penalty": 2.1},
            {"frequency_penalty": float("nan")},
        ],
    )
    async def test_values_out_of_range_are_refused_and_harm_nobody(self, engine, wrong):
        with pytest.raises(SamplingWrong) as refusal:
            await collect(engine, chat(**wrong))

        assert refusal.value.name in wrong
        assert await say(engine, chat(max_tokens=3)) == "훈"

    @pytest.mark.parametrize(
        "extreme",
        [
            {"temperature": 100.0, "top_p": 1.0},
            {"temperature": 0.0011},
            {"temperature": 1.0, "top_k": 10**9},
            {"temperature": 1.0, "top_p": 1e-30},
            {"frequency_penalty": -2.0, "presence_penalty": 2.0, "repetition_penalty": 100.0},
            {"stop": ("",)},
            {"stop": tuple("x" * size for size in range(1, 200))},
            {"seed": 2**63 - 1},
        ],
    )
    async def test_extreme_values_within_range_are_answered(self, engine, extreme):
        last = (await collect(engine, chat(model="random", **extreme)))[-1]

        assert last.finish_reason in {"stop", "length"}

    async def test_an_unknown_model_is_refused(self, engine):
        with pytest.raises(ModelNotServed):
            await collect(engine, chat(model="nobody"))
        with pytest.raises(ModelNotServed):
            await engine.count_prompt_tokens(chat(model="nobody"))

    async def test_eight_at_once_all_finish_and_faster_than_one_after_another(self, engine):
        generations = [chat(f"{number}번", max_tokens=60) for number in range(8)]
        for _ in range(3):  # whatever else this machine does may hit one of the two
            started = time.monotonic()
            in_turn = [await say(engine, generation) for generation in generations]
            between = time.monotonic()
            at_once = await asyncio.gather(*(say(engine, each) for each in generations))
            assert at_once == in_turn
            if time.monotonic() - between < between - started:
                return

        pytest.fail("not once were eight at a time faster than one after another")

    async def test_answers_at_once_do_not_mix(self, engine):
        texts = await asyncio.gather(
            say(engine, chat(max_tokens=12)),
            say(engine, completion(ENDS_AT_ONCE)),
            say(engine, chat(stop=("민",))),
            say(engine, chat(model="random", seed=5, temperature=1.0)),
            say(engine, chat(model="random", seed=5, temperature=1.0)),
        )

        assert texts[:3] == [PARROT_SAYS * 2, "", "훈"]
        assert texts[3] == texts[4]

    async def test_a_full_engine_refuses_and_a_closed_stream_frees_its_place(self, small_engine):
        first, second = (small_engine.stream(chat(max_tokens=200)) for _ in range(2))
        await anext(first)
        await anext(second)
        with pytest.raises(EngineFull) as refusal:
            await collect(small_engine, chat())
        assert refusal.value.retry_after_seconds > 0

        await first.aclose()

        assert await say(small_engine, chat(max_tokens=3)) == "훈"
        rest = "".join([delta.text async for delta in second])
        assert set(rest) <= set(PARROT_SAYS + "�")

    async def test_a_cancelled_task_frees_its_place(self, small_engine):
        tasks = [asyncio.create_task(collect(small_engine, chat(max_tokens=200))) for _ in range(2)]
        await asyncio.sleep(0.02)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

        texts = await asyncio.gather(*(say(small_engine, chat(max_tokens=3)) for _ in range(2)))

        assert texts == ["훈", "훈"]

    async def test_many_cancelled_streams_leave_nothing_behind(self, small_engine):
        for _ in range(50):
            stream = small_engine.stream(chat(max_tokens=200))
            await anext(stream)
            await stream.aclose()

        assert await say(small_engine, chat(max_tokens=24)) == PARROT_SAYS * 4

    async def test_a_killed_process_fails_its_answers_and_comes_back(self, engine):
        if not self.kill_while_answering:
            pytest.skip("this engine has no process of its own")
        stream = engine.stream(chat(max_tokens=200))
        await anext(stream)

        os.kill(engine.host("parrot").process_id, signal.SIGKILL)

        with pytest.raises(EngineCrashed) as failure:
            async for _ in stream:
                pass
        assert failure.value.retry_after_seconds > 0
        assert not engine.healthy("parrot")
        assert engine.healthy("random")
        assert engine.healthy()
        assert {card.id: card.state for card in engine.models()} == {
            "parrot": "starting",
            "random": "ready",
        }
        assert await say(engine, chat(model="random", max_tokens=3)) is not None
        await until_healthy(engine, "parrot")
        assert await say(engine, chat(max_tokens=3)) == "훈"

    async def test_a_closed_engine_refuses_and_can_be_closed_again(self, closed_engine):
        assert not closed_engine.healthy()
        with pytest.raises(EngineNotReady):
            await collect(closed_engine, chat())
        await closed_engine.close()

    async def test_every_refusal_speaks_both_languages(self, engine):
        with pytest.raises(HunminError) as refusal:
            await collect(engine, chat(max_tokens=0))

        assert refusal.value.ko
        assert refusal.value.en
