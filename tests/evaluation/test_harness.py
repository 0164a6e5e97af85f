"""Our adapter inside lm-evaluation-harness, beside the harness's own for transformers."""

import pytest

from hunmin.errors import TaskBroken
from hunmin.evaluation.harness import HarnessModel, run_task
from hunmin.evaluation.packs import load_task, read_pack
from hunmin.evaluation.scoring import load_scorer

from lm_eval.api.instance import Instance  # isort: skip (after the adapter has set it off-line)
from lm_eval.models.huggingface import HFLM  # isort: skip

TOLERANCE = 1e-4


@pytest.fixture(scope="session")
def theirs(checkpoint) -> HFLM:
    return HFLM(
        pretrained=str(checkpoint),
        device="cpu",
        dtype="float32",
        batch_size=4,
        max_length=64,
        prefix_token_id=0,
    )


@pytest.mark.parametrize("task", ["yes_or_no", "endings"])
def test_likelihoods_and_accuracies_are_those_of_the_harness_own_adapter(
    scorer, theirs, make_pack, task
):
    (file,) = read_pack(make_pack(task), None)
    picks = list(range(40))

    ours = run_task(HarnessModel(scorer, label=task), load_task(file), picks=picks, chat=False)
    other = run_task(theirs, load_task(file), picks=picks, chat=False)

    for one, two in zip(ours.samples, other.samples, strict=True):
        assert one["arguments"] == two["arguments"]
        for ((likelihood, greedy),), ((expected, expected_greedy),) in zip(
            one["resps"], two["resps"], strict=True
        ):
            assert likelihood == pytest.approx(expected, abs=TOLERANCE)
            assert greedy == expected_greedy
        assert one["acc"] == two["acc"]


def _request(kind: str, *arguments: object) -> Instance:
    return Instance(request_type=kind, doc={}, arguments=arguments, idx=0)


def test_whole_texts_score_as_in_the_harness_own_adapter(scorer, theirs):
    texts = ["나랏말싸미", "사람마다 쉽게 익혀 날로 쓰기에 " * 30]
    requests = [_request("loglikelihood_rolling", text) for text in texts]

    ours = HarnessModel(scorer).loglikelihood_rolling(requests)

    assert ours == pytest.approx(theirs.loglikelihood_rolling(requests), abs=1e-3)


def test_greedy_texts_are_those_of_the_harness_own_adapter(scorer, theirs):
    settings = {"until": ["다"], "max_gen_toks": 12, "do_sample": False}
    requests = [
        _request("generate_until", prompt, settings)
        for prompt in ("나랏말싸미 중국과", "사람마다", "글자를 만드니 " * 20)
    ]

    ours = HarnessModel(scorer).generate_until(requests)

    assert ours == theirs.generate_until(requests)


def test_a_context_that_is_empty_is_the_start_of_a_document(scorer, theirs):
    requests = [_request("loglikelihood", "", "백성이")]

    (ours,) = HarnessModel(scorer).loglikelihood(requests)

    assert ours[0] == pytest.approx(theirs.loglikelihood(requests)[0][0], abs=TOLERANCE)


def test_a_chat_prompt_goes_through_the_models_template(scorer, make_pack):
    (file,) = read_pack(make_pack("endings"), None)
    model = HarnessModel(scorer, label="endings", chat=True)

    outcome = run_task(model, load_task(file), picks=[0, 1], chat=True)

    prompt, _ = outcome.samples[0]["arguments"][0]
    assert prompt.startswith("<|im_start|>user\n문장: ")
    assert prompt.endswith("<|im_end|>\n<|im_start|>assistant\n")
    assert model.tok_encode(prompt)[0] == 1


def test_items_are_those_that_were_picked(scorer, make_pack):
    (file,) = read_pack(make_pack("endings"), None)
    model = HarnessModel(scorer, label="endings")

    outcome = run_task(model, load_task(file), picks=[30, 3, 7], chat=False)

    assert [sample["doc"]["id"] for sample in outcome.samples] == ["e3", "e7", "e30"]


def test_a_task_that_samples_is_refused(scorer, make_pack):
    pack = make_pack("writing")
    text = (pack / "writing.yaml").read_text("utf-8").replace("do_sample: false", "do_sample: true")
    (pack / "writing.yaml").write_text(text, "utf-8")
    (file,) = read_pack(pack, None)

    with pytest.raises(TaskBroken, match="greedy"):
        run_task(HarnessModel(scorer), load_task(file), picks=[0], chat=False)


def test_a_prompt_that_fails_on_an_item_is_one_clear_error(scorer, make_pack):
    pack = make_pack("endings")
    with (pack / "endings.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('{"id": "late", "context": "글", "choices": ["가"], "answer": 3}\n')
    text = (pack / "endings.yaml").read_text("utf-8")
    template = '"문장: {{context}}{{choices[1].strip()}}"'
    (pack / "endings.yaml").write_text(text.replace('"문장: {{context}}"', template), "utf-8")
    (file,) = read_pack(pack, None)

    with pytest.raises(TaskBroken, match="endings"):
        run_task(HarnessModel(scorer), load_task(file), picks=[40], chat=False)


def test_the_harness_draws_and_logs_nothing(scorer, make_pack, capsys, caplog):
    (file,) = read_pack(make_pack("endings"), None)

    run_task(HarnessModel(scorer, label="endings"), load_task(file), picks=[0, 1], chat=False)

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [line for line in shown.err.splitlines() if "endings:" in line]
    assert not caplog.records


def test_an_answer_longer_than_the_context_is_refused(make_checkpoint, make_pack):
    scorer = load_scorer(make_checkpoint(seed=5, context_tokens=4))
    (file,) = read_pack(make_pack("endings"), None)

    with pytest.raises(TaskBroken, match="do not fit"):
        run_task(HarnessModel(scorer, label="endings"), load_task(file), picks=[0], chat=False)
