"""From a recipe to a model folder, one step after another."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hunmin import corpus, evaluation, model, rollouts, train
from hunmin.build.rounds import reinforce
from hunmin.build.telling import told
from hunmin.manifest import Manifest

if TYPE_CHECKING:
    from hunmin.train import Recipe, TrainConfig  # it loads torch


@dataclass(frozen=True, slots=True)
class Line:
    """Where each step of a line puts its output, inside one folder."""

    folder: Path

    @property
    def corpus(self) -> Path:
        """The cleaned text."""
        return self.folder / "corpus"

    @property
    def tokenizer(self) -> Path:
        """The vocabulary."""
        return self.folder / "tokenizer"

    @property
    def canaries(self) -> Path:
        """The canaries put into the running text, where the recipe has some."""
        return self.folder / "canaries"

    @property
    def pretrain(self) -> Path:
        """The run on running text."""
        return self.folder / "pretrain"

    @property
    def chat(self) -> Path:
        """The run on chats."""
        return self.folder / "chat"

    @property
    def preference_corpus(self) -> Path:
        """The preference pairs, where they are a corpus of their own."""
        return self.folder / "preference-corpus"

    @property
    def preference(self) -> Path:
        """The run on preference pairs."""
        return self.folder / "preference"

    @property
    def reinforce_corpus(self) -> Path:
        """The prompts, where they are a corpus of their own."""
        return self.folder / "reinforce-corpus"

    @property
    def reinforce(self) -> Path:
        """The rounds of answers, rewards and learning."""
        return self.folder / "reinforce"

    @property
    def evaluation(self) -> Path:
        """The scores of the last checkpoint."""
        return self.folder / "evaluation"

    @property
    def exposure(self) -> Path:
        """What the last checkpoint memorized of the canaries."""
        return self.folder / "exposure"

    @property
    def model(self) -> Path:
        """The exported model."""
        return self.folder / "model"


def build(recipe: "Recipe", out: Path, *, runner: Literal["local", "ray"] = "local") -> Manifest:
    """Make a model from a recipe, going on where an earlier call stopped.

    Args:
        recipe: What to make.
        out: The folder of the line; the model ends up in `out/model`.
        runner: Where the corpus is processed: `local` or `ray`.

    Returns:
        The manifest of the model.

    Raises:
        ModelNameWrong: Before any work.
        VerifierUnknown, VerifierWrong: Likewise.
        TaskUnknown, TaskDataMissing: Before anything is trained.
    """
    model.check_model_name(recipe.name)
    for verifier in recipe.rollouts.verifiers if recipe.rollouts else ():
        rollouts.make_verifier(verifier)
    line = Line(out)
    with told("corpus"):
        corpus.build(recipe.sources, line.corpus, runner=runner)
    if recipe.evaluation_tasks:
        # Not sooner: evaluation puts this process off the network, which a corpus may need.
        evaluation.check_tasks(recipe.evaluation_tasks, recipe.evaluation_data)
    with told("tokenizer"):
        model.train_tokenizer(
            line.corpus,
            line.tokenizer,
            vocab_size=recipe.vocab_size,
            balance=recipe.tokenizer_balance,
            morphemes=recipe.tokenizer_morphemes,
        )
    if recipe.canaries is not None:
        with told("canaries"):
            corpus.make_canaries(recipe.canaries, line.canaries)
    checkpoint = _pretrained(recipe, line)
    checkpoint = _taught(recipe, line, checkpoint, runner=runner)
    scores = None
    if recipe.evaluation_tasks:
        scores = line.evaluation
        with told("evaluation"):
            evaluation.run(
                checkpoint,
                scores,
                tasks=recipe.evaluation_tasks,
                data=recipe.evaluation_data,
                corpus=line.corpus,
                limit=recipe.evaluation_limit,
            )
    memory = None
    if recipe.canaries is not None:
        memory = line.exposure
        with told("exposure of canaries"):
            evaluation.measure_exposure(checkpoint, line.canaries, memory)
    with told("export"):
        return model.export(
            checkpoint,
            line.model,
            name=recipe.name,
            evaluation=scores,
            exposure=memory,
            weights=recipe.export_weights,
            license_id=recipe.license,
        )


def _pretrained(recipe: "Recipe", line: Line) -> Path:
    """Train on running text, and return the last checkpoint."""
    with told("pretraining"):
        train.run(
            recipe.pretrain,
            recipe.model,
            corpus=line.corpus,
            tokenizer=line.tokenizer,
            out=line.pretrain,
            canaries=line.canaries if recipe.canaries is not None else None,
        )
    return line.pretrain / f"step-{recipe.pretrain.steps:06}"


def _taught(
    recipe: "Recipe", line: Line, checkpoint: Path, *, runner: Literal["local", "ray"]
) -> Path:
    """Train what comes after pretraining, and return the last checkpoint."""

    def learned(what: str, stage: "TrainConfig", data: Path, base: Path, out: Path) -> Path:
        with told(what):
            train.run(
                stage,
                recipe.model,
                corpus=data,
                tokenizer=line.tokenizer,
                out=out,
                base=base,
            )
        return out / f"step-{stage.steps:06}"

    def corpus_of(what: str, sources: Path | None, out: Path) -> Path:
        """Return the corpus of a stage: its own, where it has sources, or that of the line."""
        if sources is None:
            return line.corpus
        with told(what):
            corpus.build(sources, out, runner=runner)
        return out

    if recipe.chat is not None:
        checkpoint = learned(
            "fine-tuning on chats", recipe.chat, line.corpus, checkpoint, line.chat
        )
    if recipe.preference is not None:
        pairs = corpus_of(
            "corpus of preference pairs", recipe.preference_sources, line.preference_corpus
        )
        checkpoint = learned(
            "learning preferences", recipe.preference, pairs, checkpoint, line.preference
        )
    if recipe.reinforce is not None:
        checkpoint = reinforce(
            recipe,
            prompts=corpus_of("corpus of prompts", recipe.reinforce_sources, line.reinforce_corpus),
            tokenizer=line.tokenizer,
            base=checkpoint,
            out=line.reinforce,
        )
    return checkpoint
