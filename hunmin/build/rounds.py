"""Rounds of asking, judging and learning, each a chain of steps that is gone on with anywhere."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hunmin import rollouts, train
from hunmin.build.telling import tell, told

if TYPE_CHECKING:
    from hunmin.rollouts import RolloutsConfig
    from hunmin.train import Recipe, TrainConfig  # it loads torch


@dataclass(frozen=True, slots=True)
class Round:
    """Where each step of one round puts its output; round 0 only measures the base."""

    folder: Path
    number: int

    def _at(self, name: str) -> Path:
        return self.folder / f"{name}-{self.number:02}"

    @property
    def rollouts(self) -> Path:
        """The answers."""
        return self._at("rollouts")

    @property
    def rewards(self) -> Path:
        """The answers, judged."""
        return self._at("rewards")

    @property
    def run(self) -> Path:
        """What was learned from them."""
        return self._at("round")

    @property
    def heldout_rollouts(self) -> Path:
        """What the round's model answers to held-out prompts."""
        return self._at("heldout-rollouts")

    @property
    def heldout_rewards(self) -> Path:
        """The same, judged."""
        return self._at("heldout-rewards")


def reinforce(recipe: "Recipe", *, prompts: Path, tokenizer: Path, base: Path, out: Path) -> Path:
    """Let a model learn from its own answers, round after round, and return the last checkpoint.

    A round teaches nothing in which all answers to each prompt are worth the same, or are too long
    for the stage where they are not; it is the last.

    Args:
        recipe: With `reinforce` and `rollouts`.
        prompts: A corpus with prompts.
        tokenizer: A finished tokenizer.
        base: The checkpoint to start from; where a reference model is wanted, that too.
        out: The folder of all rounds.
    """
    config, asked = recipe.reinforce, recipe.rollouts
    assert config is not None, "whoever calls has looked"
    assert asked is not None, "a recipe has both or none"
    reference = base if config.reinforce_kl > 0 else None
    _measure(Round(out, 0), prompts, base, asked)
    for number in range(1, asked.rounds + 1):
        here = Round(out, number)
        with told(f"round {number} of {asked.rounds}: answers"):
            draw = asked.draw(number)
            rollouts.generate(prompts, base, here.rollouts, draw=draw, reference=reference)
        facts = rollouts.score(here.rollouts, here.rewards, verifiers=asked.verifiers).facts
        stage = _as_long_as_it_teaches(config, asked, here.rewards)
        if stage is None:
            tell(
                f"round {number} of {asked.rounds} teaches nothing and is the last: rewards differ "
                f"in {facts['groups_with_spread']} groups, and none fits into sequence_tokens"
            )
            break
        with told(f"round {number} of {asked.rounds}: learning"):
            train.run(
                stage,
                recipe.model,
                corpus=here.rewards,
                tokenizer=tokenizer,
                out=here.run,
                base=base,
            )
        base = here.run / f"step-{stage.steps:06}"
        _measure(here, prompts, base, asked)
    return base


def _as_long_as_it_teaches(
    config: "TrainConfig", asked: "RolloutsConfig", rewards: Path
) -> "TrainConfig | None":
    """Return the stage with as many steps as its groups are good for; None where that is none."""
    groups = train.learnable_groups(rewards, config.sequence_tokens) * asked.passes_max
    steps = min(config.steps, math.ceil(groups / config.samples_per_step))
    return dataclasses.replace(config, steps=steps) if steps else None


def _measure(here: Round, prompts: Path, model: Path, asked: "RolloutsConfig") -> None:
    """Have a round's model answer held-out prompts, where the recipe wants that."""
    if asked.heldout_prompts:
        with told(f"round {here.number} of {asked.rounds}: held-out prompts"):
            draw = asked.heldout_draw()
            rollouts.generate(prompts, model, here.heldout_rollouts, draw=draw)
            rollouts.score(here.heldout_rollouts, here.heldout_rewards, verifiers=asked.verifiers)
