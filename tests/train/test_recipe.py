"""Recipes are checked where they are read, and the learning rate goes as it says."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.errors import RecipeBroken
from hunmin.train import TrainConfig, load_recipe


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("def recipe(: pass", "SyntaxError"),
        ("x = 1", "AttributeError"),
        ("def recipe(): return 1", "does not return"),
        ("def recipe(): raise SystemExit(3)", "SystemExit"),
        ("import nothing_like_this", "ModuleNotFoundError"),
    ],
)
def test_a_recipe_that_fails_is_named_with_its_reason(tmp_path, content, reason):
    path = tmp_path / "mine.py"
    path.write_text(content, "utf-8")

    with pytest.raises(RecipeBroken, match=reason):
        load_recipe(path)


def test_a_recipe_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RecipeBroken, match="no such file"):
        load_recipe(tmp_path / "none.py")


@pytest.mark.parametrize("name", ["laptop", "reference"])
def test_the_recipes_that_ship_are_good(name):
    recipe = load_recipe(Path("recipes") / f"{name}.py")

    assert recipe.sources.is_file()
    assert recipe.chat is not None


def test_weights_are_stored_in_a_way_there_is():
    recipe = load_recipe(Path("recipes/laptop.py"))

    assert dataclasses.replace(recipe, export_weights="bfloat16").export_weights == "bfloat16"
    with pytest.raises(ValueError, match="export_weights"):
        dataclasses.replace(recipe, export_weights="bf16")


def test_the_sources_of_a_tokenizer_are_balanced_from_0_to_1():
    recipe = load_recipe(Path("recipes/laptop.py"))

    assert dataclasses.replace(recipe, tokenizer_balance=1.0).tokenizer_balance == 1.0
    with pytest.raises(ValueError, match="tokenizer_balance"):
        dataclasses.replace(recipe, tokenizer_balance=1.5)


@given(
    steps=st.integers(1, 5000),
    warmup=st.floats(0, 0.3),
    decay=st.floats(0, 1),
)
def test_the_learning_rate_rises_stays_and_falls_within_its_bounds(steps, warmup, decay):
    config = TrainConfig(
        stage="pretrain",
        steps=steps,
        batch_sequences=1,
        sequence_tokens=1,
        learning_rate=1.0,
        warmup_share=warmup,
        decay_share=decay,
    )
    rates = [config.learning_rate_at(step) for step in range(steps)]
    top = rates.index(max(rates))

    assert all(0 < rate <= 1 for rate in rates)
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)


@pytest.mark.parametrize(
    "wrong",
    [{"steps": 0}, {"batch_sequences": 6, "micro_batch_sequences": 4}, {"balance_loss": -0.1}],
)
def test_impossible_stages_are_refused(wrong):
    with pytest.raises(ValueError, match="steps|multiple|negative"):
        TrainConfig(
            **{
                "stage": "pretrain",
                "steps": 1,
                "batch_sequences": 1,
                "sequence_tokens": 1,
                "learning_rate": 1.0,
                **wrong,
            }
        )
