"""What a training run is: frozen values, built by a recipe file in plain Python.

A recipe is a file with a function `recipe()` that returns a `Recipe`. It is code, so a number can
be derived from another and told why; what it returns is data, so it is written whole into the
manifest of everything made with it.
"""

import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from hunmin.corpus import CanaryConfig
from hunmin.errors import RecipeBroken
from hunmin.model import ModelConfig
from hunmin.model.adapters import ATTENTION_LAYERS, LINEAR_LAYERS, AdapterConfig
from hunmin.rollouts import RolloutsConfig

Stage = Literal["pretrain", "chat", "preference", "reinforce"]

Mean = Literal["tokens", "answers"]

OptimizerName = Literal["adamw", "muon"]

ExportWeights = Literal["as-trained", "float32", "bfloat16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One stage of training."""

    stage: Stage
    """`pretrain`: next token on running text. `chat`: on the assistant's turns of chats only.
    `preference`: of two answers, the chosen one rather than the rejected one. `reinforce`: of the
    model's own answers, those with more reward than others to the same prompt."""
    steps: int
    """Optimizer steps in all."""
    batch_sequences: int
    """Sequences in one optimizer step. A preference pair has two, a group `group_answers`."""
    sequence_tokens: int
    learning_rate: float
    """The highest learning rate, reached after the warm-up."""
    chats_joined_max: int = 1
    """Up to this many chats follow one another as one conversation, so that a model taught with
    single questions learns to answer the last one. Only the chat stage looks at it."""
    preference_beta: float = 0.1
    """How much a nat away from the reference model counts: small values let the model go far from
    it. Only the preference stage looks at it."""
    preference_likelihood: float = 0.0
    """Weight of the chosen answer's own loss, a mean over its tokens, beside that of the pair;
    1 is usual. Pairs alone let an answer become rarer as long as the other one does so faster."""
    group_answers: int = 1
    """Answers in each group. Only the reinforce stage looks at it, and at the fields that begin
    with its name."""
    reinforce_scaled: bool = False
    """Whether what an answer is better than its group is divided by the group's deviation, as GRPO
    does. Dr. GRPO does not: it makes prompts loud whose answers are nearly all worth the same."""
    reinforce_clip_low: float = 0.2
    """A token that shall become rarer is no longer pushed when it is rarer by so large a share."""
    reinforce_clip_high: float = 0.28
    """Likewise for one that shall become likelier; more than below keeps rare ones alive (DAPO)."""
    reinforce_mean: Mean = "tokens"
    """Whether the loss is a mean over tokens, so that long answers count more (DAPO), or over
    answers, of each the mean over its tokens (GRPO)."""
    reinforce_kl: float = 0.0
    """Weight of the divergence from the reference model; above 0, rollouts must have asked one."""
    lora_rank: int = 0
    """Above 0, the weights of the base are frozen, and adapters of this inner width learn beside
    its linear layers."""
    lora_alpha: float = 16.0
    """What adapters add is multiplied by `lora_alpha / lora_rank`."""
    lora_layers: tuple[str, ...] = LINEAR_LAYERS
    """Which linear layers have adapters."""
    micro_batch_sequences: int = 0
    """Sequences that go through the model at once; 0 takes the whole batch."""
    warmup_share: float = 0.02
    """Share of the steps in which the learning rate rises."""
    decay_share: float = 0.4
    """Share of the steps at the end in which it falls linearly to a tenth."""
    optimizer: OptimizerName = "adamw"
    """`muon` learns the matrices of the layers with Muon, and all else with AdamW still; both go by
    the one learning rate."""
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)
    gradient_norm_max: float = 1.0
    z_loss: float = 0.0
    """Weight of the squared log of the softmax's sum, which keeps logits small; 1e-5 is usual."""
    balance_loss: float = 1e-3
    """Weight of the unevenness of the choice of experts; only a model with experts has one."""
    router_z_loss: float = 0.0
    """Weight of the same square as in `z_loss`, of the routers' logits; 1e-3 is usual."""
    documents_apart: bool = False
    """Whether running text is masked so that no document sees the one before it in its sequence."""
    seed: int = 1446
    """1446 is the year Hunminjeongeum was proclaimed."""
    checkpoint_every_steps: int = 200
    checkpoints_kept: int = 2
    heldout_sequences: int = 32
    """Held-out sequences whose loss is measured at each checkpoint."""

    @property
    def adapters(self) -> AdapterConfig | None:
        """The adapters that learn; None where every weight does."""
        if not self.lora_rank:
            return None
        return AdapterConfig(
            rank=self.lora_rank, alpha=self.lora_alpha, layers=tuple(self.lora_layers)
        )

    @property
    def sequences_per_sample(self) -> int:
        """How many sequences one sample of the data's order has: a pair, or a group, is one."""
        return {"preference": 2, "reinforce": self.group_answers}.get(self.stage, 1)

    @property
    def tokens_per_step(self) -> int:
        """How many tokens go through the model in one step, padding included."""
        return self.batch_sequences * self.sequence_tokens

    @property
    def samples_per_step(self) -> int:
        """How many samples of the data's order one step learns from."""
        return self.batch_sequences // self.sequences_per_sample

    def __post_init__(self) -> None:
        micro = self.micro_batch_sequences or self.batch_sequences
        if self.batch_sequences % micro:
            raise ValueError("batch_sequences must be a multiple of micro_batch_sequences")
        if self.optimizer not in get_args(OptimizerName):
            raise ValueError(f"optimizer must be one of {', '.join(get_args(OptimizerName))}")
        if self.checkpoints_kept < 1 or self.checkpoint_every_steps < 1:
            raise ValueError("checkpoints_kept and checkpoint_every_steps must be at least 1")
        if min(self.z_loss, self.balance_loss, self.router_z_loss) < 0:
            raise ValueError("z_loss, balance_loss and router_z_loss must not be negative")
        if self.preference_beta <= 0:
            raise ValueError("preference_beta must be above 0")
        if self.preference_likelihood < 0:
            raise ValueError("preference_likelihood must not be negative")
        self._check_reinforce()
        each = self.sequences_per_sample
        if self.batch_sequences % each or micro % each:
            raise ValueError(
                f"batch_sequences and micro_batch_sequences must be multiples of {each}: the "
                "sequences of a pair, or a group, stay together"
            )
        self._check_adapters()
        least = min(self.steps, self.batch_sequences, self.sequence_tokens, self.chats_joined_max)
        if least < 1:
            raise ValueError(
                "steps, batch_sequences, sequence_tokens and chats_joined_max must be at least 1"
            )

    def _check_reinforce(self) -> None:
        if self.stage == "reinforce" and self.group_answers < 2:  # noqa: PLR2004 (compared)
            raise ValueError("group_answers must be at least 2: they are compared with one another")
        if not (0 < self.reinforce_clip_low < 1 and self.reinforce_clip_high > 0):
            raise ValueError(
                "reinforce_clip_low must lie between 0 and 1, and the high one above 0"
            )
        if self.reinforce_mean not in get_args(Mean):
            raise ValueError(f"reinforce_mean must be one of {', '.join(get_args(Mean))}")
        if self.reinforce_kl < 0:
            raise ValueError("reinforce_kl must not be negative")

    def _check_adapters(self) -> None:
        if self.lora_rank < 0 or self.lora_alpha <= 0:
            raise ValueError("lora_rank must not be negative, and lora_alpha must be above 0")
        if not self.lora_layers or set(self.lora_layers) - set(LINEAR_LAYERS):
            raise ValueError(f"lora_layers must be some of {', '.join(LINEAR_LAYERS)}")
        if self.lora_rank and (self.optimizer != "adamw" or self.stage == "pretrain"):
            raise ValueError("adapters learn with adamw, and not in the pretrain stage")

    def learning_rate_at(self, step: int) -> float:
        """Return the learning rate of a step: warm-up, plateau, linear fall to a tenth.

        Source:
            Hu et al., "MiniCPM", 2024 (warmup-stable-decay).
        """
        warmup = max(1, round(self.steps * self.warmup_share))
        decay = max(1, round(self.steps * self.decay_share))
        rising = min(1.0, (step + 1) / warmup)
        falling = min(1.0, (self.steps - step) / decay)
        return self.learning_rate * rising * (0.1 + 0.9 * falling)

    def learns_alike(self, other: "TrainConfig", *, until: int) -> bool:
        """Whether a run of the other stage would be the same up to a step, if not to its end.

        They may differ in length. Before the learning rate falls nothing in a run depends on it.
        """
        lengths = ("steps", "warmup_share", "decay_share")
        same = {name: getattr(other, name) for name in lengths}
        return replace(self, **same) == other and all(
            self.learning_rate_at(step) == other.learning_rate_at(step) for step in range(until)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The whole line from sources to a model one can chat with."""

    name: str
    """Letters, digits and hyphens; the name the model is served by."""
    sources: Path
    """The sources file of the corpus."""
    vocab_size: int
    model: ModelConfig
    pretrain: TrainConfig
    chat: TrainConfig | None = None
    preference: TrainConfig | None = None
    preference_sources: Path | None = None
    """The sources file of the preference pairs, where they are a corpus of their own."""
    canaries: CanaryConfig | None = None
    """Sentences with random numbers put into the running text, and how much of them the model
    memorizes is told on its card. None puts nothing in."""
    reinforce: TrainConfig | None = None
    """What each round of `rollouts` learns, in at most so many steps."""
    rollouts: RolloutsConfig | None = None
    """How many rounds, and how prompts are answered and answers judged in each."""
    reinforce_sources: Path | None = None
    """The sources file of the prompts, where they are a corpus of their own."""
    evaluation_tasks: tuple[str, ...] = ()
    evaluation_data: Path | None = None
    evaluation_limit: int | None = None
    """Items of each task at most."""
    tokenizer_balance: float = 0.0
    """How far the tokenizer brings small sources to the weight of the largest, 0 to 1."""
    tokenizer_morphemes: bool = False
    """Whether the tokenizer's merges are learned inside the morphemes that Kiwi finds."""
    license: str = "not-stated"
    """The license its maker gives the model, as SPDX writes it; nothing is granted unasked."""
    export_weights: ExportWeights = "as-trained"
    """How the model's `model.safetensors` stores them: `bfloat16` is half the size."""

    def __post_init__(self) -> None:
        if self.export_weights not in get_args(ExportWeights):
            raise ValueError(f"export_weights must be one of {', '.join(get_args(ExportWeights))}")
        stages = (self.pretrain, self.chat, self.preference, self.reinforce)
        if (self.reinforce is None) != (self.rollouts is None):
            raise ValueError("reinforce and rollouts go together")
        if self.reinforce and self.rollouts:
            if self.reinforce.group_answers != self.rollouts.answers:
                raise ValueError("group_answers of reinforce differs from answers of rollouts")
            if self.reinforce.sequence_tokens <= self.rollouts.answer_tokens_max:
                raise ValueError("sequence_tokens leaves no room for prompts beside answers")
        longest = max(stage.sequence_tokens for stage in stages if stage is not None)
        if longest > self.model.context_tokens:
            raise ValueError("sequence_tokens is more than the model's context_tokens")
        adapted = {
            name for stage in stages if stage and stage.lora_rank for name in stage.lora_layers
        }
        if self.model.experts and adapted - set(ATTENTION_LAYERS):
            raise ValueError(f"with experts, lora_layers must be of {', '.join(ATTENTION_LAYERS)}")
        if not 0 <= self.tokenizer_balance <= 1:
            raise ValueError("tokenizer_balance must be from 0 to 1")
        if self.vocab_size != self.model.vocab_size:
            raise ValueError("vocab_size differs from the model's")


def load_recipe(path: Path) -> Recipe:
    """Run a recipe file and return its recipe.

    Raises:
        RecipeBroken: The file is missing, fails, or has no `recipe()` that returns a `Recipe`.
    """
    if not path.is_file():
        raise RecipeBroken(path=path, reason="there is no such file")
    spec = importlib.util.spec_from_file_location("hunmin_recipe", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        recipe = module.recipe()
    except (
        Exception,
        SystemExit,
    ) as error:  # a recipe is somebody's program: whatever it raises is its fault
        raise RecipeBroken(path=path, reason=f"{type(error).__name__}: {error}") from error
    if not isinstance(recipe, Recipe):
        raise RecipeBroken(path=path, reason="recipe() does not return a Recipe")
    return recipe
