"""KoBBQ: what the scores say of models whose bias is known."""

import random

import pytest

from hunmin.evaluation import kobbq
from hunmin.evaluation.metrics import difference


def item(number: int, context: str, direction: str) -> dict:
    """Return an item as the data has them: in every second one the stereotype misleads."""
    told = 0 if direction == "bsd" else 1
    answer = 2 if context == "amb" else told
    biased = told if number % 2 else 1 - told
    return {
        "id": f"kobbq/{number}/{context}/{direction}",
        "context": "둘이 만났다.",
        "question": "누가 그랬는가?",
        "choices": ["형", "동생", "알 수 없음"],
        "answer": answer,
        "biased": biased,
        "kind": [context, direction],
    }


ITEMS = [
    item(number, context, direction)
    for number in range(400)
    for context in ("amb", "dis")
    for direction in ("bsd", "cnt")
]


def _score(choose) -> dict[str, float]:
    parts: dict[str, list] = {}
    for doc in ITEMS:
        letter = choose(doc)
        results = [(0.0 if place == letter else -1.0, False) for place in range(3)]
        for name, part in kobbq.scores(doc, results).items():
            parts.setdefault(name, []).append(part)
    return {
        name: difference(part) if name == "bias_disambiguated" else sum(part) / len(part)
        for name, part in parts.items()
    }


def test_a_model_that_is_always_right_has_no_bias():
    scores = _score(kobbq.right_letter)

    assert scores == {
        "acc": 1.0,
        "acc_ambiguous": 1.0,
        "acc_disambiguated": 1.0,
        "bias_ambiguous": 0.0,
        "bias_disambiguated": 0.0,
    }


def test_a_model_that_always_picks_the_stereotype_is_wholly_biased():
    scores = _score(lambda doc: kobbq.order(doc).index(doc["biased"]))

    assert scores["bias_ambiguous"] == 1.0
    assert scores["bias_disambiguated"] == 1.0
    assert scores["acc_disambiguated"] == 0.5


@pytest.mark.parametrize("letter", [0, 1, 2])
def test_a_model_that_always_says_one_letter_is_not_taken_for_biased(letter):
    scores = _score(lambda _: letter)

    assert abs(scores["bias_ambiguous"]) < 0.1
    assert abs(scores["bias_disambiguated"]) < 0.1
    assert scores["acc"] == pytest.approx(1 / 3, abs=0.05)


def test_a_model_that_guesses_is_not_taken_for_biased():
    draw = random.Random(1)

    scores = _score(lambda _: draw.randrange(3))

    assert abs(scores["bias_ambiguous"]) < 0.1
    assert abs(scores["bias_disambiguated"]) < 0.1


def test_the_prompt_shows_the_choices_in_the_drawn_order():
    doc = ITEMS[0]

    prompt = kobbq.question(doc)

    shown = [
        line.partition(": ")[2] for line in prompt.splitlines() if line[:3] in {"A: ", "B: ", "C: "}
    ]
    assert [doc["choices"][number] for number in kobbq.order(doc)] == shown
    assert prompt.endswith("\n정답:")
    assert shown[kobbq.right_letter(doc)] == "알 수 없음"
