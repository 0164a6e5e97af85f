"""How prompts are answered and answers judged, as frozen values of a recipe."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Split = Literal["prompt", "prompt_heldout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierConfig:
    """One verifier, by name, with what it takes."""

    name: str
    weight: float = 1.0
    """What its score, from 0 to 1, is multiplied by; the reward is the sum over all verifiers."""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One drawing of answers: which prompts, how many answers to each, by which dice."""

    split: Split
    first: int
    """The number of the first prompt; after the last one the first comes again."""
    prompts: int
    """None comes twice in one drawing, so there may be fewer."""
    answers: int
    """Answers to each prompt: the size of a group."""
    answer_tokens_max: int
    greedy: bool
    """Whether each token is the likeliest one. Otherwise it is drawn as the model has it: no
    temperature, no nucleus, for what is drawn must be what learns."""
    answers_at_once: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutsConfig:
    """Rounds of asking, judging and learning."""

    rounds: int
    prompts: int
    """Prompts of a round; the next round goes on with those behind them."""
    answers: int
    """Answers to each prompt: the size of a group."""
    answer_tokens_max: int
    """An answer that has not ended after so many tokens is cut."""
    verifiers: tuple[VerifierConfig, ...]
    heldout_prompts: int = 0
    """Held-out prompts each round's model is asked, one greedy answer to each; they are never
    learned from."""
    passes_max: float = 1.0
    """A round takes no more steps than so many passes over the groups it can learn from."""
    answers_at_once: int = 128
    """Answers generated side by side; more take more memory."""
    seed: int = 1446

    def __post_init__(self) -> None:
        least = min(self.rounds, self.prompts, self.answer_tokens_max, self.answers_at_once)
        if least < 1:
            raise ValueError(
                "rounds, prompts, answer_tokens_max and answers_at_once must be at least 1"
            )
        if self.answers < 2:  # noqa: PLR2004 (one answer is better or worse than none)
            raise ValueError("answers must be at least 2: they are compared with one another")
        if self.heldout_prompts < 0 or self.passes_max <= 0:
            raise ValueError("heldout_prompts must not be negative, and passes_max be above 0")
        if not self.verifiers:
            raise ValueError("verifiers are needed: they say what an answer is worth")

    def draw(self, number: int) -> Draw:
        """Return the drawing of a round, counted from 1."""
        return Draw(
            split="prompt",
            first=(number - 1) * self.prompts,
            prompts=self.prompts,
            answers=self.answers,
            answer_tokens_max=self.answer_tokens_max,
            greedy=False,
            answers_at_once=self.answers_at_once,
            seed=self.seed + number,
        )

    def heldout_draw(self) -> Draw:
        """Return the one drawing that every round's model is measured by."""
        return Draw(
            split="prompt_heldout",
            first=0,
            prompts=self.heldout_prompts,
            answers=1,
            answer_tokens_max=self.answer_tokens_max,
            greedy=True,
            answers_at_once=self.answers_at_once,
            seed=self.seed,
        )
