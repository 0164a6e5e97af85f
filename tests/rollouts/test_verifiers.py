"""What an answer is worth: each verifier by what it asks for, and where it refuses."""

import json
from importlib.metadata import EntryPoint

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hunmin import plugins
from hunmin.errors import VerifierUnknown, VerifierWrong
from hunmin.plugins import GivenAnswer, Verdict
from hunmin.rollouts import VerifierConfig, make_verifier, verifier_names

OBJECT = {"type": "object", "required": ["이름"], "properties": {"이름": {"type": "string"}}}

FEELINGS = {"labels": ["긍정", "부정"]}


def judged(name, text, expected="", *, finished=True, **options):
    verify = make_verifier(VerifierConfig(name=name, options=options))
    return verify(GivenAnswer(text, expected, tokens=9, finished=finished))


@pytest.mark.parametrize(
    ("name", "options", "text", "expected", "score"),
    [
        ("exact", {}, " 서울\n입니다 ", "서울 입니다", 1),
        ("exact", {}, "가나", "가나", 1),  # decomposed
        ("exact", {}, "서울.", "서울", 0),
        ("label", FEELINGS, "긍정입니다.", "긍정", 1),
        ("label", FEELINGS, "부정", "긍정", 0),
        ("label", FEELINGS, "긍정 또는 부정", "긍정", 0),
        ("label", FEELINGS, "글쎄요", "긍정", 0),
        ("label", {"labels": ["긍정", "매우 긍정"]}, "매우 긍정", "매우 긍정", 1),
        ("label", {"labels": ["긍정", "매우 긍정"]}, "매우 긍정", "긍정", 0),
        ("number", {}, "12에 30을 더하면 1,042.50", "1042.5", 1),
        ("number", {}, "답은 −3입니다", "-3", 1),
        ("number", {}, "x=-3", "-3", 1),
        ("number", {}, "3-5", "5", 1),
        ("number", {}, "2026-10-09", "9", 1),
        ("number", {}, "5", "6", 0),
        ("number", {"tolerance": 1}, "5", "6", 1),
        ("number", {}, "모릅니다", "6", 0),
        ("number", {}, "6", "여섯", 0),
        ("pattern", {"pattern": r"(요|니다)\.$"}, "그렇습니다. ", "", 1),
        ("pattern", {"pattern": r"(요|니다)\.$"}, "그렇다.", "", 0),
        ("pattern", {"pattern": "[가-힣]+", "whole": True}, "한글 only", "", 0),
        ("hangul", {}, "한글 한글!", "", 1),
        ("hangul", {}, "한글 ab", "", 0.5),
        ("hangul", {"share_min": 0.5}, "한글 ab", "", 1),
        ("hangul", {}, "123", "", 0),
        ("length", {"chars_max": 3}, "네 네 네", "", 0),
        ("length", {"chars_min": 2, "chars_max": 3}, " 네네 ", "", 1),
        ("length", {"chars_min": 3}, "네", "", 0),
        ("json", {"schema": OBJECT}, '{"이름": "훈민"}', "", 1),
        ("json", {"schema": OBJECT}, '{"이름": 1}', "", 0),
        ("json", {}, "{", "", 0),
        ("json", {}, "[" * 100_000, "", 0),
    ],
)
def test_an_answer_is_worth_what_its_verifier_says(name, options, text, expected, score):
    verdict = judged(name, text, expected, **options)

    assert verdict.score == pytest.approx(score)
    assert verdict.reason


def test_an_answer_that_was_cut_has_not_finished():
    assert judged("finished", "네", finished=True).score == 1
    assert judged("finished", "네", finished=False).score == 0


OPTIONS = {
    "label": FEELINGS,
    "pattern": {"pattern": "요"},
    "length": {"chars_max": 5},
    "json": {"schema": OBJECT},
}

ALL = [
    make_verifier(VerifierConfig(name=name, options=OPTIONS.get(name, {})))
    for name in ("exact", "finished", "hangul", "json", "label", "length", "number", "pattern")
]


@given(st.text(max_size=40), st.text(max_size=10), st.booleans())
def test_whatever_is_said_every_verifier_gives_the_same_score_from_0_to_1(text, expected, ended):
    answer = GivenAnswer(text, expected, tokens=9, finished=ended)
    for verify in ALL:
        assert verify(answer) == verify(answer)
        assert 0 <= verify(answer).score <= 1


@settings(max_examples=40)
@given(st.integers(-(10**12), 10**12), st.text(alphabet="가나다 ,.", max_size=9))
def test_a_number_is_found_whatever_stands_before_it(number, before):
    assert judged("number", f"{before} {number:,}", str(number)).score == 1


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("label", {}),
        ("label", {"labels": ["긍정"]}),
        ("pattern", {"pattern": "("}),
        ("hangul", {"share_min": 0}),
        ("length", {"chars_min": 5, "chars_max": 2}),
        ("number", {"tolerance": -1}),
        ("json", {"schema": {"type": "thing"}}),
        ("exact", {"loudly": True}),
    ],
)
def test_options_that_make_no_sense_are_refused_by_the_verifiers_name(name, options):
    with pytest.raises(VerifierWrong, match=f'"{name}"'):
        judged(name, "", **options)


def test_a_verifier_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(VerifierUnknown, match="exact.*pattern"):
        judged("vibes", "")


def test_a_schema_elsewhere_is_not_fetched():
    verify = {"name": "json", "text": json.dumps("네")}

    with pytest.raises(Exception, match="Unresolvable"):
        judged(**verify, schema={"$ref": "https://schema.invalid/x"})


def shouts(*, mark):
    return lambda given: Verdict(float(given.text.endswith(mark)), "loud or not")


def test_another_package_brings_a_verifier_but_takes_no_name_of_ours(monkeypatch):
    points = [
        EntryPoint(name, "tests.rollouts.test_verifiers:shouts", plugins.VERIFIER_GROUP)
        for name in ("shouts", "exact")
    ]
    monkeypatch.setattr(
        plugins,
        "entry_points",
        lambda name=None, **_: [one for one in points if name in {None, one.name}],
    )
    monkeypatch.setattr(EntryPoint, "load", lambda _: shouts)

    assert judged("shouts", "네!", mark="!").score == 1
    assert "shouts" in verifier_names()
    assert judged("exact", "네", "네").score == 1


def test_a_verifier_that_cannot_be_loaded_is_named(monkeypatch):
    point = EntryPoint("torn", "tests.rollouts.nowhere:torn", plugins.VERIFIER_GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda **_: [point])

    with pytest.raises(VerifierWrong, match="torn.*nowhere"):
        judged("torn", "")
