"""The line refuses what would fail hours later, and hands the recipe's wishes on."""

import dataclasses
from pathlib import Path

import pytest

from hunmin import corpus, evaluation, model, train
from hunmin.build import Line, build, line
from hunmin.errors import ModelNameWrong, TaskDataMissing, TaskUnknown, VerifierUnknown
from hunmin.rollouts import VerifierConfig
from hunmin.train import load_recipe


@pytest.fixture
def recipe():
    return load_recipe(Path("recipes/laptop.py"))


@pytest.fixture
def done(monkeypatch):
    """Give what each step was called with; nothing is done."""
    calls = {}

    def stand_in(name):
        return lambda *given, **more: calls.update({name: (given, more)})

    monkeypatch.setattr(corpus, "build", stand_in("corpus"))
    monkeypatch.setattr(model, "train_tokenizer", stand_in("tokenizer"))
    monkeypatch.setattr(train, "run", stand_in("train"))
    monkeypatch.setattr(corpus, "make_canaries", stand_in("canaries"))
    monkeypatch.setattr(evaluation, "run", stand_in("evaluation"))
    monkeypatch.setattr(evaluation, "measure_exposure", stand_in("exposure"))
    monkeypatch.setattr(model, "export", stand_in("export"))
    return calls


def test_a_recipe_says_how_weights_are_stored(recipe, done, tmp_path):
    build(dataclasses.replace(recipe, export_weights="bfloat16"), tmp_path)

    (checkpoint, out), options = done["export"]
    assert checkpoint == Line(tmp_path).chat / "step-000250"
    assert out == Line(tmp_path).model
    assert options["weights"] == "bfloat16"
    assert options["license_id"] == recipe.license


def test_a_name_no_model_can_have_is_refused_before_any_work(recipe, done, tmp_path):
    with pytest.raises(ModelNameWrong):
        build(dataclasses.replace(recipe, name="내 모델"), tmp_path)

    assert not done


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"evaluation_tasks": ("no-such-pack",)}, TaskUnknown),
        ({"evaluation_data": Path("no-such-folder")}, TaskDataMissing),
    ],
)
def test_an_evaluation_that_cannot_be_is_refused_before_training(
    recipe, done, tmp_path, change, error
):
    with pytest.raises(error):
        build(dataclasses.replace(recipe, **change), tmp_path)

    assert set(done) == {"corpus"}


def test_preferences_are_learned_after_chats_from_pairs_of_their_own(done, tmp_path):
    recipe = load_recipe(Path("recipes/preference.py"))

    build(dataclasses.replace(recipe, evaluation_tasks=()), tmp_path)

    (sources, pairs), _ = done["corpus"]
    assert sources.name == "preference.toml"
    (stage, _), options = done["train"]
    assert stage.stage == "preference"
    assert options["base"] == Line(tmp_path).chat / "step-000250"
    assert options["corpus"] == pairs == Line(tmp_path).preference_corpus
    assert done["export"][0][0] == Line(tmp_path).preference / "step-000090"


def test_canaries_are_put_in_measured_and_told_of_where_a_recipe_has_some(recipe, done, tmp_path):
    canaries = corpus.CanaryConfig(seed="one")
    build(dataclasses.replace(recipe, chat=None, canaries=canaries), tmp_path)

    line = Line(tmp_path)
    assert done["canaries"][0] == (canaries, line.canaries)
    assert done["train"][1]["canaries"] == line.canaries
    last = line.pretrain / "step-000350"
    assert done["exposure"][0] == (last, line.canaries, line.exposure)
    assert done["export"][1]["exposure"] == line.exposure


def test_without_canaries_none_are_made_or_measured(recipe, done, tmp_path):
    build(dataclasses.replace(recipe, chat=None), tmp_path)

    assert not {"canaries", "exposure"} & done.keys()
    assert done["train"][1]["canaries"] is None
    assert done["export"][1]["exposure"] is None


def test_judged_answers_are_learned_last_from_prompts_of_their_own(done, monkeypatch, tmp_path):
    recipe = load_recipe(Path("recipes/reinforce.py"))
    last = tmp_path / "reinforce" / "round-12" / "step-000016"
    rounds = []
    monkeypatch.setattr(
        line, "reinforce", lambda recipe, **given: rounds.append((recipe, given)) or last
    )

    build(dataclasses.replace(recipe, evaluation_tasks=()), tmp_path)

    (sources, prompts), _ = done["corpus"]
    assert sources.name == "reinforce.toml"
    assert prompts == Line(tmp_path).reinforce_corpus
    ((asked, given),) = rounds
    assert asked.name == "hunmin-laptop-reinforce"
    assert given == {
        "prompts": prompts,
        "tokenizer": Line(tmp_path).tokenizer,
        "base": Line(tmp_path).chat / "step-000250",
        "out": Line(tmp_path).reinforce,
    }
    assert done["export"][0][0] == last


def test_a_verifier_that_cannot_be_is_refused_before_any_work(done, tmp_path):
    recipe = load_recipe(Path("recipes/reinforce.py"))
    asked = dataclasses.replace(recipe.rollouts, verifiers=(VerifierConfig(name="vibes"),))

    with pytest.raises(VerifierUnknown):
        build(dataclasses.replace(recipe, rollouts=asked), tmp_path)

    assert not done
