"""Your own model in fifteen minutes, on two cores, from the sample that ships with Hunmin.

    hunmin build recipes/laptop.py

Expected on two cores: at most 15 minutes. The model answers everyday small talk in Korean in
whole sentences, and knows next to nothing; it is there to see every step work.
"""

from pathlib import Path

from hunmin.model import ModelConfig
from hunmin.train import Recipe, TrainConfig

HERE = Path(__file__).parent


def recipe() -> Recipe:
    """Return the recipe of the laptop model."""
    return Recipe(
        name="hunmin-laptop",
        license="cc-by-sa-4.0",  # the strictest of what it mostly learned from
        sources=HERE.parent / "samples" / "laptop.toml",
        vocab_size=4_096,
        model=ModelConfig(
            vocab_size=4_096,
            context_tokens=256,
            layers=4,
            width=256,
            heads=4,
            key_value_heads=2,
            head_width=64,
            feed_forward_width=704,
        ),
        pretrain=TrainConfig(
            stage="pretrain",
            steps=350,
            batch_sequences=16,
            sequence_tokens=256,
            optimizer="muon",
            learning_rate=3e-3,
            checkpoint_every_steps=100,
        ),
        chat=TrainConfig(
            stage="chat",
            steps=250,
            batch_sequences=16,
            sequence_tokens=256,
            optimizer="muon",
            learning_rate=2e-3,
            chats_joined_max=4,
            decay_share=0.8,
            weight_decay=0.01,
            checkpoint_every_steps=100,
        ),
        evaluation_tasks=("kobest",),
        evaluation_data=HERE.parent / "samples" / "korean" / "eval",
        evaluation_limit=50,
    )
