"""Preference pairs through the corpus: whole, clean, and never both learned and measured on."""

import pytest

from hunmin.errors import SourceUnreadable
from tests.corpus.conftest import chat, paragraph

PAIRS = '[[source]]\nname="p"\npath="p.jsonl"\nlicense="MIT"\nkind="preference"\n'


def test_preference_pairs_keep_their_prompt_and_both_answers(build, jsonl):
    asked = chat("안녕?", "안녕하세요.")
    said = {"role": "assistant", "content": "몰라. 010-1234-5678"}
    jsonl(
        "p.jsonl",
        [
            {"id": "text", "prompt": "이름은?", "chosen": "훈민입니다.", "rejected": "몰라."},
            {
                "id": "turns",
                "prompt": [*asked, {"role": "user", "content": "전화번호는?"}],
                "chosen": [{"role": "assistant", "content": "말씀드릴 수 없습니다."}],
                "rejected": [said],
            },
            {"id": "again", "prompt": "이름은?", "chosen": "훈민입니다.", "rejected": "몰라."},
            {"id": "same", "prompt": "이름은?", "chosen": "몰라.", "rejected": " 몰라."},
            {"id": "empty", "prompt": "이름은?", "chosen": "훈민입니다.", "rejected": ""},
            {"id": "asked", "prompt": asked, "chosen": "훈민입니다.", "rejected": "몰라."},
            {"id": "two", "prompt": "이름은?", "chosen": asked, "rejected": "몰라."},
            {"id": "none", "prompt": "이름은?", "chosen": "훈민입니다."},
        ],
    )

    built = build(PAIRS, config={"preference_heldout_share": 0})

    found = {row["id"]: row for row in built.rows("preference")}
    assert set(found) == {"p:text", "p:turns"}
    assert found["p:text"] == {
        "id": "p:text",
        "prompt": [{"role": "user", "content": "이름은?"}],
        "chosen": "훈민입니다.",
        "rejected": "몰라.",
        "source": "p",
        "license": "MIT",
        "consent": "",
    }
    assert [turn["role"] for turn in found["p:turns"]["prompt"]] == ["user", "assistant", "user"]
    assert found["p:turns"]["rejected"] == "몰라. <전화번호>"
    assert built.manifest.facts["preferences"] == 2
    assert built.manifest.sources[0].documents == 2
    bad = {"same", "empty", "asked", "two"}
    assert built.dropped == {
        **{f"p:{name}": "bad_pair" for name in bad},
        "p:again": "exact_duplicate",
        "p:none": "missing_text",
    }


def test_pairs_of_one_prompt_are_held_out_together(build, jsonl):
    jsonl(
        "p.jsonl",
        [
            {"id": f"{n}-{m}", "question": f"{n}은?", "chosen": f"답 {m}", "rejected": "몰라"}
            for n in range(200)
            for m in range(3)
        ],
    )

    built = build(PAIRS + 'prompt_column="question"\n')

    prompts = [
        {row["prompt"][0]["content"] for row in built.rows(split)}
        for split in ("preference", "preference_heldout")
    ]
    assert not prompts[0] & prompts[1]
    assert 8 <= len(prompts[1]) <= 40, "about a tenth"
    assert built.manifest.facts["heldout_preferences"] == 3 * len(prompts[1])
    assert built.manifest.facts["preferences"] == 600 - 3 * len(prompts[1])


def test_pairs_whose_columns_are_called_otherwise_are_not_passed_over(build, jsonl):
    jsonl("p.jsonl", [{"id": "1", "prompt": "이름은?", "good": "훈민입니다.", "bad": "몰라."}])

    with pytest.raises(SourceUnreadable, match='no column "chosen"'):
        build(PAIRS)


def test_pairs_that_hold_an_evaluation_item_are_dropped(build, jsonl):
    item = paragraph(7, 2)
    jsonl("eval.jsonl", [{"id": "e1", "question": item}])
    pair = {"chosen": "네.", "rejected": "아니오."}
    jsonl("p.jsonl", [{"id": "1", "prompt": item, **pair}, {"id": "2", "prompt": "왜?", **pair}])

    built = build(PAIRS + '[decontaminate]\npaths = ["eval.jsonl"]\n')

    assert built.dropped == {"p:1": "contaminated"}
