"""The engines, through the conformance suite, and against each other."""

import asyncio

import pytest

from hunmin.errors import EngineRefused
from hunmin.inference import EmbeddedEngine, Limits, Way, llama_cpp, openvino, transformers
from tests.inference.conformance import EngineConformance, chat, collect, completion, say
from tests.inference.conformance_scores import ScoresConformance, prompt_scores_of, scores_of
from tests.inference.conftest import running
from tests.inference.tiny import PARROT_SAYS

TWO_PLACES = Limits(running_max=2, waiting_max=0)


class _Each(EngineConformance, ScoresConformance):
    """The fixtures, for an engine opened by `open_engine`."""

    score_error = 1e-3
    """By how much a log-probability may differ from the model's in 32 bits."""

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls, parrot, random_model, tmp_path_factory):
        models = {"parrot": parrot, "random": random_model}
        cache = tmp_path_factory.mktemp("cache")
        with running(cls.open_engine(models, cache=cache, threads=1)) as engine:
            yield engine

    @pytest.fixture(scope="class")
    @classmethod
    def small_engine(cls, parrot, tmp_path_factory):
        cache = tmp_path_factory.mktemp("cache")
        engine = cls.open_engine({"parrot": parrot}, cache=cache, threads=1, limits=TWO_PLACES)
        with running(engine):
            yield engine

    @pytest.fixture
    def closed_engine(self, parrot, cache):
        engine = self.open_engine({"parrot": parrot}, cache=cache, threads=1)
        asyncio.run(engine.close())
        return engine

    async def test_a_prompt_is_scored_as_the_model_does(self, engine, offers, random_model):
        offers("prompt_logprobs")
        import torch
        from transformers import AutoModelForCausalLM

        generation = completion(
            "나랏말싸미 듕귁에 달아", model="random", max_tokens=1, logprobs=0, prompt_logprobs=True
        )
        ids = torch.tensor([await engine.encode(generation)])
        model = AutoModelForCausalLM.from_pretrained(random_model, dtype=torch.float32)
        logprobs_TV = torch.log_softmax(model(ids).logits[0], dim=-1)
        expected = logprobs_TV[:-1].gather(-1, ids[0, 1:, None])[:, 0].tolist()

        scores = await prompt_scores_of(engine, generation)
        assert [score.logprob for score in scores[1:]] == pytest.approx(
            expected, abs=self.score_error
        )


class TestOpenVino(_Each):
    open_engine = staticmethod(openvino.open_engine)

    def test_it_runs_in_openvino_itself(self, engine):
        assert engine.host("parrot").facts["backend"] == "openvino"

    async def test_memory_for_one_answer_is_enough_for_eight_in_turn(self, parrot, cache):
        limits = Limits(kv_cache_bytes_max=1)
        engine = openvino.open_engine({"parrot": parrot}, cache=cache, threads=1, limits=limits)
        await engine.start()

        answers = (say(engine, chat(f"{number}번", max_tokens=150)) for number in range(8))

        assert set(await asyncio.gather(*answers)) == {PARROT_SAYS * 25}
        await engine.close()


class TestLlamaCpp(_Each):
    open_engine = staticmethod(llama_cpp.open_engine)
    score_error = 0.1  # its activations are 8 bits

    def test_it_runs_in_llama_cpp_itself(self, engine):
        assert engine.host("parrot").facts["backend"] == "llama.cpp"

    async def test_memory_for_one_answer_is_enough_for_eight_in_turn(self, parrot, cache):
        limits = Limits(kv_cache_bytes_max=1)
        engine = llama_cpp.open_engine({"parrot": parrot}, cache=cache, threads=1, limits=limits)
        await engine.start()

        answers = (say(engine, chat(f"{number}번", max_tokens=150)) for number in range(8))

        assert set(await asyncio.gather(*answers)) == {PARROT_SAYS * 25}
        await engine.close()

    async def test_a_grammar_that_cannot_be_read_harms_nobody(self, engine):
        with pytest.raises(EngineRefused):
            await collect(engine, chat(grammar="root ::= nobody"))

        assert await say(engine, chat(max_tokens=3)) == "훈"


@pytest.fixture(scope="module")
def exact(random_model, tmp_path_factory):
    """OpenVINO without any of its approximations."""
    way = Way(
        "exact",
        openvino.WAYS[0].program,
        {
            "INFERENCE_PRECISION_HINT": "f32",
            "KV_CACHE_PRECISION": "f32",
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0",
        },
    )
    cache = tmp_path_factory.mktemp("cache")
    with running(EmbeddedEngine({"random": random_model}, [way], cache=cache)) as engine:
        yield engine


class TestTransformers(_Each):
    open_engine = staticmethod(transformers.open_engine)

    def test_it_computes_in_32_bits(self, engine):
        assert engine.host("parrot").facts["dtype"] == "float32"

    async def test_both_engines_say_the_same_when_greedy(self, exact, engine):
        for text in ("안녕하세요", "훈민정음은 무엇인가요?", "hello", "1+1=", "가" * 100):
            generation = chat(text, model="random", max_tokens=100)

            assert await say(exact, generation) == await say(engine, generation)

    async def test_both_engines_punish_repetition_alike(self, exact, engine):
        generation = chat(
            model="random",
            max_tokens=60,
            repetition_penalty=1.3,
            presence_penalty=0.4,
            frequency_penalty=0.7,
        )

        assert await say(exact, generation) == await say(engine, generation)

    async def test_both_engines_tell_the_same_probabilities(self, exact, engine):
        for sampling in ({}, {"temperature": 0.01, "seed": 1}):
            asked = chat(model="random", max_tokens=20, logprobs=0, **sampling)
            one, other = await scores_of(exact, asked), await scores_of(engine, asked)

            assert [score.token for score in one] == [score.token for score in other]
            assert [score.logprob for score in one] == pytest.approx(
                [score.logprob for score in other], abs=0.01
            )

    async def test_the_reference_gives_the_tokens_of_generate(self, engine, random_model):
        import torch
        from transformers import AutoModelForCausalLM

        folder = engine.host("random").model
        prompt = folder.encode(chat("안녕하세요", model="random"))
        model = AutoModelForCausalLM.from_pretrained(random_model, dtype=torch.float32)
        model.generation_config.temperature = model.generation_config.top_p = None
        output = model.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=40,
            do_sample=False,
        )[0, len(prompt) :].tolist()
        expected = b"".join(folder.token_bytes[token] for token in output).decode(
            "utf-8", "replace"
        )

        deltas = await collect(engine, chat("안녕하세요", model="random", max_tokens=40))

        assert "".join(delta.text for delta in deltas) == expected
        assert deltas[-1].completion_tokens == len(output)
