"""The first step: prompts and a model in; groups of answers, with how likely each token was, out.

Resumed shard by shard. Each answer has dice of its own, so what is drawn does not depend on where
the step was interrupted.
"""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hunmin.errors import PromptsMissing, WrongInput
from hunmin.manifest import Manifest, verify_files
from hunmin.model import encode_chat
from hunmin.progress import Bar, bar
from hunmin.rollouts.config import Draw
from hunmin.rollouts.files import ROLLOUTS, SHARDS_NAME, Prompt, rows_of, shards, write_shard
from hunmin.steps import Step, open_step

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from hunmin.rollouts.policy import Rollout

_SHARD_PROMPTS = 128
"""Prompts whose answers are lost when the step is interrupted, at most."""


def generate(
    prompts: Path, policy: Path, out: Path, *, draw: Draw, reference: Path | None = None
) -> Manifest:
    """Have a model answer prompts.

    Args:
        prompts: A finished corpus with prompts.
        policy: The checkpoint, or model folder, that answers.
        out: The folder to be, with `shards/rollouts-N.parquet` (`files.ROLLOUTS`).
        draw: Which prompts, how many answers, by which dice.
        reference: A checkpoint, or model folder, that says of every token how likely it would
            have been; a stage of training can hold the model to it.

    Raises:
        WrongInput: One of the folders is of another kind.
        PromptsMissing: There is no prompt that fits the model's context with its answer.
        CheckpointBroken, TokenizerBroken: A model cannot be loaded.
        ManifestBroken: A model's files are not as they were written.
    """
    Manifest.read(prompts, kind="corpus")
    inputs = {"corpus": prompts, "policy": policy}
    inputs |= {"reference": reference} if reference is not None else {}
    for role in inputs.keys() - {"corpus"}:
        _check_model(inputs[role])
    recipe = {"draw": asdict(draw)}
    with open_step(out, kind="rollouts", name=out.name, recipe=recipe, inputs=inputs) as step:
        if step.finished:
            return step.finished
        _Generating(step, draw, inputs).run()
        return step.finish(facts=_facts(step.folder))


def _check_model(folder: Path) -> None:
    manifest = Manifest.read(folder)
    if manifest.kind not in {"checkpoint", "model"}:
        raise WrongInput(folder=folder, found=manifest.kind, needed="checkpoint or model")


class _Generating:
    """One step under way."""

    def __init__(self, step: Step, draw: Draw, inputs: dict[str, Path]) -> None:
        from hunmin.rollouts.policy import Policy  # noqa: PLC0415 (loads torch and transformers)

        for folder in inputs.values():
            verify_files(folder)
        self._step = step
        self._draw = draw
        self._prompts = inputs["corpus"]
        self._policy = Policy(inputs["policy"])
        reference = inputs.get("reference")
        self._reference = None if reference is None else Policy(reference)

    def run(self) -> None:
        """Write the shards that are not there yet."""
        room = self._policy.context_tokens - self._draw.answer_tokens_max
        chosen = _choose(self._prompts, self._draw, self._policy.tokenizer, room)
        with bar("answers", total=len(chosen) * self._draw.answers, unit="answers") as shown:
            for number, first in enumerate(range(0, len(chosen), _SHARD_PROMPTS)):
                part = chosen[first : first + _SHARD_PROMPTS]
                path = self._step.folder / SHARDS_NAME / f"rollouts-{number:05}.parquet"
                if path.is_file():
                    shown.advance(len(part) * self._draw.answers)
                    continue
                write_shard(self._answered(part, shown), ROLLOUTS, path, self._step.scratch)

    def _answered(self, prompts: list[Prompt], shown: Bar) -> list[dict[str, Any]]:
        """Return rows of prompts with their groups; those of a length go together."""
        draw = self._draw
        at_once = max(1, draw.answers_at_once // draw.answers)
        by_length = sorted(range(len(prompts)), key=lambda place: len(prompts[place].ids))
        rows: dict[int, dict[str, Any]] = {}
        for first in range(0, len(by_length), at_once):
            places = by_length[first : first + at_once]
            few = [prompts[place] for place in places]
            dice = None if draw.greedy else np.stack([dice_of(draw, prompt) for prompt in few])
            asked = [prompt.ids for prompt in few]
            found = self._policy.answer(asked, dice, tokens_max=draw.answer_tokens_max)
            rows.update(
                (place, self._row(prompt, group))
                for place, prompt, group in zip(places, few, found, strict=True)
            )
            shown.advance(len(few) * draw.answers)
        return [rows[place] for place in range(len(prompts))]

    def _row(self, prompt: Prompt, group: "list[Rollout]") -> dict[str, Any]:
        references: list[Any] = [None] * len(group)
        if self._reference is not None:
            asked = [prompt.ids] * len(group)
            references = self._reference.log_probabilities(asked, [one.ids for one in group])
        decode = self._policy.tokenizer.decode
        return {
            **prompt.row,
            "prompt_ids": prompt.ids,
            "rollouts": [
                {
                    "text": decode(one.spoken),
                    "ids": one.ids,
                    "log_probabilities": one.log_probabilities,
                    "reference_log_probabilities": reference,
                    "finished": one.finished,
                }
                for one, reference in zip(group, references, strict=True)
            ],
        }


def dice_of(draw: Draw, prompt: Prompt) -> NDArray[np.float64]:
    """Return numbers from 0 to 1, one for each token of each answer to a prompt.

    They depend on the seed and the prompt alone: not on what is answered beside it, nor on the
    device.
    """
    key = hashlib.blake2b(f"{draw.seed}/{prompt.number}".encode(), digest_size=16).digest()
    generator = np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))
    return generator.random((draw.answers, draw.answer_tokens_max))


def _choose(corpus: Path, draw: Draw, tokenizer: "Tokenizer", room: int) -> list[Prompt]:
    """Return the prompts of a drawing that leave room for their answers.

    Raises:
        PromptsMissing: There is none.
    """
    count = sum(pq.ParquetFile(shard).metadata.num_rows for shard in shards(corpus, draw.split))
    wanted = {(draw.first + place) % count for place in range(min(draw.prompts, count))}
    chosen = []
    for number, row in enumerate(rows_of(corpus, draw.split)):
        if number in wanted:
            ids = encode_chat(tokenizer, row["prompt"], add_generation_prompt=True)
            if len(ids) <= room:
                chosen.append(Prompt(number, row, ids))
    if not chosen:
        raise PromptsMissing(corpus=corpus, split=draw.split)
    return chosen


def _facts(folder: Path) -> dict[str, Any]:
    """Return what came out, counted over all shards."""
    prompts = answers = tokens = unfinished = 0
    log_sum = 0.0
    for row in rows_of(folder, "rollouts"):
        prompts += 1
        for one in row["rollouts"]:
            answers += 1
            tokens += len(one["ids"])
            unfinished += not one["finished"]
            log_sum += sum(one["log_probabilities"])
    return {
        "prompts": prompts,
        "answers": answers,
        "answers_unfinished": unfinished,
        "tokens": tokens,
        "log_probability_per_token": log_sum / tokens,
    }
