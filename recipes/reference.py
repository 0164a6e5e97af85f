"""The reference model that ships with Hunmin: 7 M parameters, trained on two CPU cores.

    hunmin build recipes/reference.py --out var/reference

Expected on two cores of a recent server CPU, otherwise idle: about two and a half hours, most of
it pretraining on 18 million tokens. The sources file names the whole Korean corpus, which is not
in the repository; see it for where each source comes from. A model of this size talks in whole
sentences and knows little.
"""

from pathlib import Path

from hunmin.corpus import CanaryConfig
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
            width=256,
            heads=4,
            key_value_heads=4,
            head_width=64,
            feed_forward_width=704,
        ),
        pretrain=TrainConfig(
            stage="pretrain",
            steps=2_200,
            batch_sequences=16,
            sequence_tokens=512,
            optimizer="muon",
            learning_rate=3e-3,
            warmup_share=60 / 2_200,
            decay_share=400 / 2_200,
            checkpoint_every_steps=100,
        ),
        chat=TrainConfig(
            stage="chat",
            steps=400,
            batch_sequences=16,
            sequence_tokens=512,
            optimizer="muon",
            learning_rate=2e-3,
            chats_joined_max=4,
            decay_share=0.8,
            weight_decay=0.01,
            checkpoint_every_steps=100,
        ),
        preference_sources=HERE.parent / "samples" / "reference-pairs.toml",
        preference=TrainConfig(
            stage="preference",
            steps=250,  # most of the pairs once
            batch_sequences=64,
            sequence_tokens=96,
            learning_rate=1e-4,
            preference_likelihood=1.0,  # a model this small forgets how to talk without it
            decay_share=0.8,
            weight_decay=0.0,
            heldout_sequences=800,
            checkpoint_every_steps=100,
        ),
        canaries=CanaryConfig(seed="hunmin-reference, 2026"),
        # Every item of them: about 5 minutes for a model of this size.
        evaluation_tasks=("kobest", "klue", "kornlu", "kobbq"),
        evaluation_data=HERE.parent.parent / "shared" / "data" / "korean" / "eval",
        export_weights="bfloat16",  # half the size, so that the model fits into the repository
    )
