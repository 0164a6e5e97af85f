"""The laptop model, and then reviews of goods, good or bad, learned from its own answers.

    hunmin build recipes/reinforce.py

Each round the model answers some prompts several times, a verifier compares the answers with the
right one, and the model learns from those that were better than others to the same prompt.
How far it comes is partly chance: two seeds ended at 0.82 and 0.71 of held-out prompts.
Expected on two cores: what recipes/laptop.py takes, and about a quarter of an hour more
(`benchmarks/reinforce_gain.py`).
"""

import dataclasses
from pathlib import Path

from hunmin.rollouts import RolloutsConfig, VerifierConfig
from hunmin.train import Recipe, TrainConfig, load_recipe

HERE = Path(__file__).parent


def recipe() -> Recipe:
    """Return the recipe of the laptop model with rounds of judged answers."""
    return dataclasses.replace(
        load_recipe(HERE / "laptop.py"),
        name="hunmin-laptop-reinforce",
        reinforce_sources=HERE.parent / "samples" / "reinforce.toml",
        rollouts=RolloutsConfig(
            rounds=12,  # about once through the prompts
            prompts=256,
            answers=4,
            answer_tokens_max=8,
            heldout_prompts=400,  # all there are
            verifiers=(
                VerifierConfig(name="label", options={"labels": ["긍정", "부정"]}),
                # Nothing beside the label: what else is said was not asked for.
                VerifierConfig(name="length", weight=0.1, options={"chars_max": 2}),
            ),
        ),
        reinforce=TrainConfig(
            stage="reinforce",
            steps=16,
            batch_sequences=64,
            sequence_tokens=80,
            group_answers=4,
            learning_rate=2e-4,
            warmup_share=0.0,
            decay_share=0.0,  # a round goes on where the last one stopped
            weight_decay=0.0,
            heldout_sequences=0,
            checkpoint_every_steps=16,
        ),
    )
