"""Prompts through the corpus: whole, with or without an answer to verify by, some held out."""

import pytest

from hunmin.errors import SourceUnreadable
from tests.corpus.conftest import chat, paragraph

PROMPTS = '[[source]]\nname="q"\npath="q.jsonl"\nlicense="MIT"\nkind="prompt"\n'


def test_prompts_keep_their_messages_and_the_answer_to_verify_by(build, jsonl):
    asked = chat("안녕?", "안녕하세요.")
    jsonl(
        "q.jsonl",
        [
            {"id": "text", "prompt": "3 더하기 4는?", "answer": "7"},
            {
                "id": "turns",
                "prompt": [*asked, {"role": "user", "content": "나이는?"}],
                "answer": "3",
            },
            {"id": "again", "prompt": "3 더하기 4는?", "answer": "7"},
            {"id": "said", "prompt": asked, "answer": "7"},
            {"id": "number", "prompt": "3 더하기 4는?", "answer": 7},
            {"id": "none", "prompt": "3 더하기 4는?"},
        ],
    )

    built = build(PROMPTS, config={"preference_heldout_share": 0})

    found = {row["id"]: row for row in built.rows("prompt")}
    assert set(found) == {"q:text", "q:turns"}
    assert found["q:text"] == {
        "id": "q:text",
        "prompt": [{"role": "user", "content": "3 더하기 4는?"}],
        "answer": "7",
        "source": "q",
        "license": "MIT",
        "consent": "",
    }
    assert [turn["role"] for turn in found["q:turns"]["prompt"]] == ["user", "assistant", "user"]
    assert built.manifest.facts["prompts"] == 2
    assert built.dropped == {
        "q:again": "exact_duplicate",
        "q:said": "bad_prompt",
        "q:number": "bad_prompt",
        "q:none": "missing_text",
    }


def test_prompts_of_which_only_the_form_is_verified_have_no_answer(build, jsonl):
    jsonl("q.jsonl", [{"id": f"{n}", "prompt": f"{n}은 어떤 수?"} for n in range(60)])

    built = build(PROMPTS + 'answer_column=""\n')

    asked, heldout = built.rows("prompt"), built.rows("prompt_heldout")
    assert {row["answer"] for row in asked + heldout} == {""}
    assert len(asked) + len(heldout) == 60
    assert built.manifest.facts["heldout_prompts"] == len(heldout) > 0
    assert not {row["id"] for row in asked} & {row["id"] for row in heldout}
    with pytest.raises(SourceUnreadable, match='no column "answer"'):
        build(PROMPTS, out="other")


def test_prompts_whose_expected_answer_would_be_masked_are_dropped_for_no_answer_would_match(
    build, jsonl
):
    jsonl(
        "q.jsonl",
        [
            {"id": "asked", "prompt": "010-1234-5678은 몇 자리인가요?", "answer": "11"},
            {"id": "expected", "prompt": "가람의 전화번호는?", "answer": "010-1234-5678"},
        ],
    )

    built = build(PROMPTS, config={"preference_heldout_share": 0})

    (row,) = built.rows("prompt")
    assert (row["id"], row["prompt"][0]["content"]) == ("q:asked", "<전화번호>은 몇 자리인가요?")
    assert built.dropped == {"q:expected": "bad_prompt"}
    whole = {"preference_heldout_share": 0, "mask_personal_data": False}
    assert len(build(PROMPTS, config=whole, out="unmasked").rows("prompt")) == 2


def test_prompts_that_hold_an_evaluation_item_are_dropped(build, jsonl):
    item = paragraph(7, 2)
    jsonl("eval.jsonl", [{"id": "e1", "question": item}])
    jsonl(
        "q.jsonl",
        [{"id": "1", "prompt": item, "answer": "네"}, {"id": "2", "prompt": "왜?", "answer": "네"}],
    )

    built = build(PROMPTS + '[decontaminate]\npaths = ["eval.jsonl"]\n')

    assert built.dropped == {"q:1": "contaminated"}
