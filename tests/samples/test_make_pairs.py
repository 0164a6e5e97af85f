"""The preference pairs of the reference model are what KoBEST and ParaKQC say, in other words."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture
def make_pairs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SAMPLES)
    module = importlib.import_module("make_pairs")
    for name in ("make_pairs", "make_sample"):
        monkeypatch.delitem(sys.modules, name)
    return module


def kobest(task: str, asked: str, answered: str) -> dict[str, object]:
    return {
        "id": f"{task}/1",
        "task": task,
        "messages": [
            {"role": "user", "content": asked},
            {"role": "assistant", "content": answered},
        ],
        "source": "here",
        "license": "CC-BY-SA-4.0",
    }


@pytest.mark.parametrize(
    ("task", "asked", "answered", "pair"),
    [
        (
            "kobest_boolq",
            '다음 글을 읽고 질문에 "예" 또는 "아니오"로 답하세요.\n\n글: 낮.\n\n질문: 밤인가?',
            "아니오",
            ("낮.\n\n질문: 밤인가?\n예 또는 아니오로 답하세요.", "아니오", "예"),
        ),
        (
            "kobest_boolq",
            "해가 떴다.\n\n위 내용을 바탕으로 답해 주세요. 낮인가? (예/아니오)",
            "예",
            ("해가 떴다.\n\n질문: 낮인가?\n예 또는 아니오로 답하세요.", "예", "아니오"),
        ),
        (
            "kobest_wic",
            '두 문장에 쓰인 "배"의 뜻이 같은지 판단하세요.\n\n1. [배]를 탔다.\n2. [배]를 먹었다.',
            "다른 뜻으로 쓰였습니다.",
            (
                "문장1: [배]를 탔다.\n문장2: [배]를 먹었다.\n두 문장에서 배의 뜻이 같은가요?",
                "아니오",
                "예",
            ),
        ),
        (
            "kobest_copa",
            "다음 문장의 원인으로 알맞은 것은?\n\n문장: 결과를 들었다.\n1. 시험을 봤다.\n2. 잤다.",
            '1번, "시험을 봤다."',
            ("결과를 들었다. 왜냐하면", "시험을 봤다.", "잤다."),
        ),
        (
            "kobest_copa",
            '"비가 왔다." 이 문장의 결과로 더 그럴듯한 것은 무엇인가요?\n1) 말랐다.\n2) 젖었다.',
            '2번, "젖었다."',
            ("비가 왔다. 그래서", "젖었다.", "말랐다."),
        ),
    ],
)
def test_a_question_of_kobest_becomes_a_pair(
    make_pairs: ModuleType, task: str, asked: str, answered: str, pair: tuple[str, str, str]
):
    (row,) = make_pairs.from_kobest([kobest(task, asked, answered)])

    assert (row["prompt"], row["chosen"], row["rejected"]) == pair
    assert row["license"] == "CC-BY-SA-4.0"


def test_the_wrong_way_a_story_goes_on_is_one_of_the_others(make_pairs: ModuleType):
    asked = (
        "다음 상황에 이어질 가장 자연스러운 문장을 고르세요.\n\n여자가 공을 던진다.\n\n"
        "1. 공이 운다.\n2. 공이 난다.\n3. 공이 잔다.\n4. 공이 논다."
    )
    (row,) = make_pairs.from_kobest([kobest("kobest_hellaswag", asked, "2. 공이 난다.")])

    assert row["chosen"] == "공이 난다."
    assert row["rejected"] in {"공이 운다.", "공이 잔다.", "공이 논다."}


def test_what_is_too_long_or_offers_no_choice_is_left_out(make_pairs: ModuleType):
    long = "가" * 200
    rows = [
        kobest("kobest_sentineg", f"이 리뷰의 감정을 긍정/부정으로 분류해 줘: {long}", "긍정"),
        kobest("kobest_hellaswag", "다음 상황 뒤에 이어질 문장을 써 주세요.\n\n밤.", "잔다."),
    ]

    assert list(make_pairs.from_kobest(rows)) == []


def test_sentences_of_one_group_mean_the_same_and_those_of_two_do_not(make_pairs: ModuleType):
    rows = [
        {
            **kobest("", f"같은 의미를 유지하면서 다시 써 줘.\n{group}의 {place}", f"{group} 다시"),
            "id": f"parakqc/{group}/{place}",
        }
        for group in "01"
        for place in "02"
    ]
    found = list(make_pairs.from_paraphrases(rows))

    assert [row["chosen"] for row in found] == ["예", "아니오"] * 2
    assert found[0]["prompt"].startswith("문장 1: 0의 0\n문장 2: 0 다시\n")
    assert found[1]["prompt"].startswith("문장 1: 0의 2\n문장 2: 1의 2\n")


def test_the_wrong_answer_of_small_talk_is_one_to_something_else(make_pairs: ModuleType):
    rows = [{**kobest("", f"{n}?", f"{n}!"), "id": f"talk/{n}"} for n in range(9)]
    found = list(make_pairs.from_small_talk(rows))

    assert len(found) == len(rows) - 1
    assert all(row["chosen"] == row["prompt"].replace("?", "!") for row in found)
    assert all(row["rejected"] != row["chosen"] for row in found)
