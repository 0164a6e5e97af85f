"""A ladder: small runs of the dial, the law they follow, and what it says of a run not made yet.

`OUT/depth-N` are ordinary runs, which end, stop and go on as any run does; `OUT/law-…` is the step
made from their last checkpoints: `ladder.json`, `ladder.svg` and a manifest. Climbed again with
more rungs, the ladder trains only those it does not have.
"""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hunmin.errors import LadderTooShort, TrainingUnstable
from hunmin.manifest import Manifest
from hunmin.model import ModelConfig, shape_of
from hunmin.steps import open_step
from hunmin.train.dial import TOKENS_PER_PARAMETER, plan
from hunmin.train.ladder_plot import draw
from hunmin.train.recipe import TrainConfig
from hunmin.train.rungs import LEVEL, Climbed, Rung
from hunmin.train.runs import run
from hunmin.train.scaling import LAW_PARAMETERS
from hunmin.train.tokens import Kind, prepare

LADDER_NAME = "ladder.json"


@dataclass(frozen=True, slots=True)
class Ladder:
    """What all rungs have in common."""

    corpus: Path
    tokenizer: Path
    out: Path
    """Where the runs are, and what is found from them."""
    sequence_tokens: int = 256
    tokens_per_parameter: float = TOKENS_PER_PARAMETER
    compile_wanted: bool = True

    def vocab_size(self) -> int:
        """Return the tokens of the tokenizer."""
        return int(Manifest.read(self.tokenizer, kind="tokenizer").facts["vocab_size"])

    def stage(self, size: str) -> tuple[ModelConfig, TrainConfig]:
        """Return the shape and the stage of a depth, S, M or L on this ladder.

        Raises:
            ValueError: There is no such size.
        """
        shape = shape_of(size, vocab_size=self.vocab_size(), context_tokens=self.sequence_tokens)
        return shape, plan(shape, tokens_per_parameter=self.tokens_per_parameter)

    def token_files(self, kind: Kind) -> dict[str, Any]:
        """Tokenize the corpus, for all rungs at once, and return what is known of it.

        Raises:
            NothingToTrainOn: There is not one whole sequence.
        """
        return prepare(
            self.corpus,
            self.tokenizer,
            self.out / "tokens" / kind,
            kind=kind,
            sequence_tokens=self.sequence_tokens,
        ).info

    def train(self, depth: int) -> Path:
        """Train a rung, or go on with it, and return its last checkpoint.

        Raises:
            TrainingUnstable: Its loss or gradients grew out of all bounds.
        """
        folder = self.out / f"depth-{depth}"
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "tokens").exists():
            (folder / "tokens").symlink_to(Path("..") / "tokens")
        shape, config = self.stage(str(depth))
        run(
            config,
            shape,
            corpus=self.corpus,
            tokenizer=self.tokenizer,
            out=folder,
            compile_wanted=self.compile_wanted,
        )
        return folder / f"step-{config.steps:06}"


def climb(ladder: Ladder, depths: Sequence[int], *, target: str | None = None) -> Path:
    """Train every rung that is not there yet, find their law, and predict the loss of the target.

    Args:
        ladder: Corpus, tokenizer, folder, and how long the runs are.
        depths: The rungs, in any order.
        target: The size whose loss is predicted: a depth, S, M or L, with the vocabulary, the
            sequences and the tokens for each parameter of the ladder. By default the next depth,
            as far above the last as that is above the one before.

    Returns:
        The finished folder `OUT/law-…`.

    Raises:
        LadderTooShort: There are fewer runs that ended well than the law has unknowns.
        NothingToTrainOn: The corpus has no held-out text, or too little text.
        OutputExists: A run in the folder was made from something else.
        ValueError: There is no size as `target` says, or a depth is less than 1.
    """
    depths = sorted(set(depths))
    if len(depths) < LAW_PARAMETERS:
        raise LadderTooShort(runs=len(depths), needed=LAW_PARAMETERS, left_out={})
    target = (target or str(2 * depths[-1] - depths[-2])).upper()
    aimed = ladder.stage(target)
    heldout, text = ladder.token_files("heldout"), ladder.token_files("text")
    checkpoints, left_out = _train_each(ladder, depths)
    if len(checkpoints) < LAW_PARAMETERS:
        raise LadderTooShort(runs=len(checkpoints), needed=LAW_PARAMETERS, left_out=left_out)

    def rung(size: str, stage: tuple[ModelConfig, TrainConfig]) -> Rung:
        return Rung.of(size, *stage, corpus_tokens=text["tokens"])

    climbed = Climbed(
        rungs=[rung(str(depth), ladder.stage(str(depth))) for depth in checkpoints],
        losses=[_loss(checkpoint) for checkpoint in checkpoints.values()],
        bytes_a_token=heldout["text_bytes"] / heldout["tokens"],
    )
    return _write(ladder, climbed, rung(target, aimed), checkpoints, left_out)


def _train_each(ladder: Ladder, depths: Sequence[int]) -> tuple[dict[int, Path], dict[str, str]]:
    """Return the last checkpoints of the rungs, and why others have to be left out."""
    checkpoints: dict[int, Path] = {}
    left_out: dict[str, str] = {}
    for depth in depths:
        try:
            checkpoint = ladder.train(depth)
        except TrainingUnstable as error:
            left_out[str(depth)] = error.en
            continue
        loss = _loss(checkpoint)
        if loss < math.log(ladder.vocab_size()):
            checkpoints[depth] = checkpoint
        else:
            left_out[str(depth)] = f"its held-out loss of {loss:.3f} is no better than guessing"
    return checkpoints, left_out


def said(folder: Path) -> str:
    """Return what a finished `OUT/law-…` says, in a few lines for people."""
    facts = json.loads((folder / LADDER_NAME).read_text("utf-8"))
    lines = [f"depth {size}: left out, {reason}" for size, reason in facts["left_out"].items()]
    return "\n".join(
        [
            *lines,
            _law_said(facts["law"]),
            _prediction_said(facts["prediction"]),
            _check_said(facts["self_check"]),
        ]
    )


def _law_said(law: Mapping[str, Any]) -> str:
    formula = f"(FLOPs / {law['reference_flops']:.3g}) ^ -{law['alpha']:.4f}"
    return (
        f"law: {law['floor']:.3f} + {law['rest']:.3f} * {formula} nats a token; "
        f"runs lie {law['noise']:.2%} off"
    )


def _prediction_said(target: Mapping[str, Any]) -> str:
    return (
        f"size {target['size']}: {_interval(target)}, {target['bits_per_byte']:.3f} bits per byte; "
        f"{target['times_the_largest_run']:.1f} times the compute of the largest run, "
        f"{target['epochs']:.1f} times through the corpus"
    )


def _check_said(check: Mapping[str, Any] | None) -> str:
    if check is None:
        return "self-check: it takes four runs to predict the largest from the others"
    place = "within" if check["within"] else "OUTSIDE"
    return (
        f"self-check, depth {check['size']} from the smaller ones: {_interval(check)}; "
        f"measured {check['measured']:.3f}, {place}"
    )


def _interval(told: Mapping[str, Any]) -> str:
    return f"{told['loss']:.3f} ({told['low']:.3f} to {told['high']:.3f}) nats a token"


def _loss(checkpoint: Path) -> float:
    return float(Manifest.read(checkpoint).facts["heldout_loss"])


def _write(
    ladder: Ladder,
    climbed: Climbed,
    target: Rung,
    checkpoints: Mapping[int, Path],
    left_out: Mapping[str, str],
) -> Path:
    """Write the law of the rungs and what it says, beside their runs."""
    depths = [*checkpoints, *map(int, left_out)]
    name = f"law-{'-'.join(map(str, sorted(depths)))}-for-{target.size}"
    recipe = {
        "target": target.size,
        "sequence_tokens": ladder.sequence_tokens,
        "tokens_per_parameter": ladder.tokens_per_parameter,
        "level": LEVEL,
        "left_out": left_out,
    }
    inputs = {"corpus": ladder.corpus, "tokenizer": ladder.tokenizer}
    inputs |= {f"depth-{depth}": folder for depth, folder in checkpoints.items()}
    out = ladder.out / name
    with open_step(out, kind="ladder", name=name, recipe=recipe, inputs=inputs) as step:
        if step.finished:
            return out
        law = climbed.law()
        facts = {
            "law": dataclasses.asdict(law),
            "runs": climbed.told(),
            "left_out": left_out,
            "prediction": climbed.prediction(target),
            "self_check": climbed.self_check(),
        }
        (step.folder / LADDER_NAME).write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
        draw(step.folder, climbed, target)
        step.finish(facts=facts)
    return out
