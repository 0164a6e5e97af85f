"""The laptop model, and then which of two answers is right: reviews of goods, good or bad.

    hunmin build recipes/preference.py

Expected on two cores: what recipes/laptop.py takes, and a few minutes more. Of the reviews held out
the model then tells nine in ten, where it guessed before (`benchmarks/preference_gain.py`).
"""

import dataclasses
from pathlib import Path

from hunmin.train import Recipe, TrainConfig, load_recipe

HERE = Path(__file__).parent


def recipe() -> Recipe:
    """Return the recipe of the laptop model with a preference stage."""
    return dataclasses.replace(
        load_recipe(HERE / "laptop.py"),
        name="hunmin-laptop-preference",
        preference_sources=HERE.parent / "samples" / "preference.toml",
        preference=TrainConfig(
            stage="preference",
            steps=90,  # about once through the pairs
            batch_sequences=64,
            sequence_tokens=80,
            learning_rate=5e-4,  # a quarter of that of the chat stage
            decay_share=0.8,
            weight_decay=0.0,
            heldout_sequences=800,  # all of the held-out pairs
            checkpoint_every_steps=30,
        ),
    )
