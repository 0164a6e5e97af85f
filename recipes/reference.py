"""The reference model that ships with Hunmin: 10 M parameters, trained on two CPU cores.

    hunmin build recipes/reference.py --out var/reference

Expected on two cores of a recent server CPU: about 2 hours, most of it pretraining on 12 million
tokens. The sources file names the whole Korean corpus, which is not in the repository; see it for
where each source comes from. A model of this size talks in whole sentences and knows little.
"""

from pathlib import Path

from hunmin.model import ModelConfig
from hunmin.train import Recipe, TrainConfig

HERE = Path(__file__).parent


def recipe() -> Recipe:
    """Return the recipe of the reference model."""
    return Recipe(
        name="hunmin-reference",
        license="cc-by-sa-4.0",  # the strictest of what it mostly learned from
        sources=HERE.parent / "samples" / "reference.toml",
        vocab_size=8_192,
        model=ModelConfig(
            vocab_size=8_192,
            context_tokens=512,
            layers=6,
            width=320,
            heads=5,
            key_value_heads=5,
            head_width=64,
            feed_forward_width=896,
        ),
        pretrain=TrainConfig(
            stage="pretrain",
            steps=1_500,
            batch_sequences=16,
            sequence_tokens=512,
            learning_rate=2e-3,
            checkpoint_every_steps=100,
        ),
        chat=TrainConfig(
            stage="chat",
            steps=600,
            batch_sequences=16,
            sequence_tokens=512,
            learning_rate=1e-3,
            chats_joined_max=4,
            decay_share=0.8,
            weight_decay=0.01,
            checkpoint_every_steps=100,
        ),
        # Every item of them: about 5 minutes for a model of this size.
        evaluation_tasks=("kobest", "klue", "kornlu", "kobbq"),
        evaluation_data=HERE.parent.parent / "shared" / "data" / "korean" / "eval",
        export_weights="bfloat16",  # half the size, so that the model fits into the repository
    )
