"""What engines must do that tell how probable tokens are, favor some, or obey a grammar.

Each test asks the engine's card first: what it does not offer, the gateway refuses.
"""

import asyncio
import json
import re

import jsonschema
import pytest

from hunmin import grammars
from hunmin.errors import SamplingWrong, TokenUnknown
from hunmin.plugins import Generation, Sampling
from tests.inference.conformance import chat, collect, completion, say
from tests.inference.tiny import PARROT_SAYS

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 5},
        "age": {"type": ["integer", "null"]},
        "likes": {"type": "array", "items": {"enum": ["책", "산"]}, "minItems": 1, "maxItems": 2},
    },
    "required": ["name", "likes"],
    "additionalProperties": False,
}


BRACKETS = """
root ::= "(" root ")" | "[" root "]" | letter
letter ::= "훈" | "민"
"""


def by_tokens(ids, *, model="parrot", **changes) -> Generation:
    values = {"max_tokens": 24, "temperature": 0.0} | changes
    return Generation("r3", model, Sampling(**values), prompt_ids=tuple(ids))


def text_of(scores) -> bytes:
    return b"".join(score.text for score in scores)


async def scores_of(engine, generation) -> list:
    return [score for delta in await collect(engine, generation) for score in delta.scores]


async def prompt_scores_of(engine, generation) -> list:
    first, *rest = await collect(engine, generation)
    assert not any(delta.prompt_scores for delta in rest)
    return list(first.prompt_scores)


class ScoresConformance:
    """Inherit beside `EngineConformance`."""

    @pytest.fixture
    def offers(self, engine):
        """Skip a test where the engine does not offer what it is about."""

        def offers(capability: str) -> None:
            if capability not in engine.models()[0].capabilities:
                pytest.skip(f"this engine offers no {capability}")

        return offers

    async def test_nothing_is_told_of_tokens_unless_asked(self, engine):
        deltas = await collect(engine, chat(max_tokens=6))

        assert not any(delta.scores or delta.prompt_scores for delta in deltas)

    async def test_every_token_is_told_with_its_probability(self, engine, offers):
        offers("logprobs")
        deltas = await collect(engine, chat(max_tokens=8, logprobs=0))

        scores = [score for delta in deltas for score in delta.scores]
        assert len(scores) == deltas[-1].completion_tokens == 8
        assert text_of(scores) == (PARROT_SAYS * 2).encode()[:8]
        assert all(score.logprob <= 0 and score.top == () for score in scores)

    async def test_the_token_that_ends_an_answer_is_told_by_its_name(self, engine, offers):
        offers("logprobs")
        [score] = await scores_of(engine, completion("!", logprobs=0))

        assert score.text == b"<|im_end|>"

    @pytest.mark.parametrize("text", ["훈민정음은 무엇인가요?", "a", "가나다 " * 20])
    async def test_every_token_of_a_prompt_is_told_again_and_again(self, engine, offers, text):
        offers("prompt_logprobs")
        generation = completion(
            text, model="random", max_tokens=2, logprobs=0, prompt_logprobs=True
        )

        first = await prompt_scores_of(engine, generation)
        again = await prompt_scores_of(engine, generation)

        assert text_of(first) == text.encode()
        assert [score.token for score in first] == list(await engine.encode(generation))
        assert first[0].logprob is None
        assert all(score.logprob < 0 for score in first[1:])
        assert [score.logprob for score in again[1:]] == pytest.approx(
            [score.logprob for score in first[1:]], abs=0.02
        )

    async def test_the_probability_of_a_prompt_does_not_depend_on_the_sampling(
        self, engine, offers
    ):
        offers("prompt_logprobs")
        text = "훈민정음 해례본"
        asked = {"model": "random", "max_tokens": 2, "logprobs": 0, "prompt_logprobs": True}
        plain = await prompt_scores_of(engine, completion(text, **asked))
        other = await prompt_scores_of(
            engine, completion(text, **asked, temperature=1.5, top_k=2, seed=3)
        )

        assert [score.logprob for score in other[1:]] == pytest.approx(
            [score.logprob for score in plain[1:]], abs=0.02
        )

    async def test_the_most_probable_tokens_are_told_in_order(self, engine, offers):
        offers("top_logprobs")
        told = "prompt_logprobs" in engine.models()[0].capabilities
        generation = completion(
            "훈민", model="random", max_tokens=5, logprobs=4, prompt_logprobs=told
        )
        deltas = await collect(engine, generation)

        scores = [score for delta in deltas for score in delta.scores]
        prompt = deltas[0].prompt_scores
        assert len(scores) == 5
        for score in (*scores, *prompt[1:]):
            values = [other.logprob for other in score.top]
            assert len(values) == 4
            assert values == sorted(values, reverse=True)
            assert score.logprob <= values[0]
        assert [score.top[0].token for score in scores] == [score.token for score in scores]

    async def test_a_token_may_be_favored_or_forbidden(self, engine, offers):
        offers("logit_bias")
        [favored] = await engine.encode(completion("!"))
        asked = {"model": "random", "max_tokens": 4, "logprobs": 0}
        plain = await scores_of(engine, chat(**asked))
        forbidden = tuple((score.token, -100.0) for score in plain)

        only = await scores_of(engine, chat(**asked, logit_bias=((favored, 100.0),)))
        without = await scores_of(engine, chat(**asked, logit_bias=forbidden))

        assert {score.token for score in only} == {favored}
        assert {score.token for score in without}.isdisjoint(score.token for score in plain)

    @pytest.mark.parametrize(
        ("schema", "read"),
        [
            ({"enum": ["네", "아니요", 'a"b\\c']}, str),
            ({"type": "integer"}, int),
            ({"type": "array", "items": {"type": "boolean"}, "maxItems": 3}, list),
            (PERSON, dict),
        ],
    )
    async def test_an_answer_keeps_to_a_json_schema(self, engine, offers, schema, read):
        offers("grammar")
        grammar = grammars.of_json_schema(schema)
        whole = 0
        for seed in range(4):
            asked = chat(
                model="random", max_tokens=150, temperature=1.5, seed=seed, grammar=grammar
            )
            deltas = await collect(engine, asked)
            if deltas[-1].finish_reason == "length":
                continue  # cut off, as any answer may be
            text = "".join(delta.text for delta in deltas)
            assert isinstance(json.loads(text), read)
            jsonschema.validate(json.loads(text), schema)
            whole += 1
        assert whole > 0

    @pytest.mark.parametrize(
        ("pattern", "grammar"),
        [
            (r"[가-힣]{2,6}", grammars.of_regex(r"[가-힣]{2,6}")),
            (r"(01[016]-)?\d{4}-\d{4}", grammars.of_regex(r"(01[016]-)?\d{4}-\d{4}")),
            (r"[^가a]{3}.", grammars.of_regex(r"[^가a]{3}.")),
            (r"(서울|서초|[가-힣]{3}|\S)\d", grammars.of_regex(r"(서울|서초|[가-힣]{3}|\S)\d")),
            (r"[(\[a-]*[훈민][)\]]*", grammars.of_ebnf(BRACKETS)),
        ],
    )
    async def test_an_answer_keeps_to_what_a_client_wrote(self, engine, offers, pattern, grammar):
        offers("grammar")
        whole = 0
        for seed in range(12):
            deltas = await collect(
                engine,
                chat(
                    model="random", max_tokens=60, temperature=1.5, seed=seed, grammar=grammar,
                    stop=("정음",), logprobs=0,
                ),
            )  # fmt: skip
            text = "".join(delta.text for delta in deltas)
            assert sum(len(delta.scores) for delta in deltas) == deltas[-1].completion_tokens
            if deltas[-1].finish_reason == "length":
                continue  # cut off, as any answer may be
            assert re.fullmatch(pattern, text, re.ASCII)
            assert all("\ufffd" not in delta.text for delta in deltas)
            whole += 1
        assert whole > 0

    async def test_answers_with_and_without_a_grammar_do_not_disturb_one_another(
        self, engine, offers
    ):
        offers("grammar")
        texts = await asyncio.gather(
            say(engine, chat(max_tokens=24)),
            say(engine, chat(grammar=grammars.of_choices(["민훈", "가"]))),
            say(engine, chat(max_tokens=24)),
            say(engine, chat(grammar=grammars.of_any_object())),
        )

        assert texts[0] == texts[2] == PARROT_SAYS * 4
        assert texts[1] in {"민훈", "가"}
        assert texts[3].startswith("{")

    async def test_a_bias_that_is_no_number_is_refused(self, engine):
        with pytest.raises(SamplingWrong) as refusal:
            await collect(engine, chat(logit_bias=((5, float("nan")),)))

        assert refusal.value.name == "logit_bias"

    async def test_tokens_are_continued_as_their_text_is(self, engine):
        ids = await engine.encode(completion("훈민정음"))
        generation = by_tokens(ids, model="random")

        assert await engine.count_prompt_tokens(generation) == len(ids)
        assert await say(engine, generation) == await say(
            engine, completion("훈민정음", model="random")
        )

    async def test_what_tokens_stand_for_is_told(self, engine):
        text = "훈민정음, 1446 <|im_end|>"
        tokens = await engine.encode(completion(text))

        assert b"".join(await engine.decode("parrot", tokens)) == text.encode()
        assert await engine.decode("parrot", [2]) == [b"<|im_end|>"]

    @pytest.mark.parametrize("number", [-1, 1024, 10**12])
    async def test_a_token_the_model_does_not_have_is_refused(self, engine, number):
        with pytest.raises(TokenUnknown) as refusal:
            await engine.count_prompt_tokens(by_tokens([5, number]))
        assert refusal.value.param == "prompt"
        with pytest.raises(TokenUnknown):
            await engine.decode("parrot", [number])
        with pytest.raises(TokenUnknown) as refusal:
            await engine.count_prompt_tokens(chat(logit_bias=((number, 1.0),)))
        assert refusal.value.param == "logit_bias"
