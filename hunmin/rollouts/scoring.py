"""The second step: rollouts and verifiers in, a reward for each answer, with reasons, out."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from hunmin.errors import VerifierWrong
from hunmin.manifest import Manifest, verify_files
from hunmin.plugins import GivenAnswer, Verdict, Verifier
from hunmin.progress import bar
from hunmin.rollouts.config import VerifierConfig
from hunmin.rollouts.files import REWARDS, SHARDS_NAME, rows_of, shards, write_shard
from hunmin.rollouts.verifiers import made_by, make_verifier
from hunmin.steps import open_step


def score(rollouts: Path, out: Path, *, verifiers: Sequence[VerifierConfig]) -> Manifest:
    """Judge every answer: its reward is the sum of its scores, each times its weight.

    Args:
        rollouts: Finished rollouts.
        out: The folder to be, with `shards/rewards-N.parquet` (`files.REWARDS`): all that the
            rollouts hold, and the rewards.
        verifiers: What judges.

    Raises:
        WrongInput: The folder holds no rollouts.
        VerifierUnknown: There is no verifier of a name.
        VerifierWrong: One does not take its options, or has failed.
        ManifestBroken: The rollouts are not as they were written.
    """
    Manifest.read(rollouts, kind="rollouts")
    made = [
        (name, config.weight, make_verifier(config))
        for name, config in zip(_names(verifiers), verifiers, strict=True)
    ]
    recipe = {
        "verifiers": [{**asdict(config), "made_by": made_by(config.name)} for config in verifiers]
    }
    inputs = {"rollouts": rollouts}
    with open_step(out, kind="rewards", name=out.name, recipe=recipe, inputs=inputs) as step:
        if step.finished:
            return step.finished
        verify_files(rollouts)
        parts = shards(rollouts, "rollouts")
        total = sum(pq.ParquetFile(part).metadata.num_rows for part in parts)
        with bar("rewards", total=total, unit="prompts") as shown:
            for part in parts:
                rows = pq.read_table(part).to_pylist()
                path = step.folder / SHARDS_NAME / part.name.replace("rollouts-", "rewards-")
                if not path.is_file():
                    judged = [_judged(row, made) for row in rows]
                    write_shard(judged, REWARDS, path, step.scratch)
                shown.advance(len(rows))
        return step.finish(facts=_facts(step.folder))


def _names(verifiers: Sequence[VerifierConfig]) -> list[str]:
    """Return what each verifier is called: its name and, from the second so called, a number."""
    seen: Counter[str] = Counter()
    names = []
    for config in verifiers:
        seen[config.name] += 1
        count = seen[config.name]
        names.append(config.name if count == 1 else f"{config.name}-{count}")
    return names


def _judged(row: dict[str, Any], made: Sequence[tuple[str, float, Verifier]]) -> dict[str, Any]:
    """Return a prompt and its group with rewards."""
    rewards: list[float] = []
    verdicts: list[list[dict[str, Any]]] = []
    for one in row["rollouts"]:
        given = GivenAnswer(one["text"], row["answer"], len(one["ids"]), one["finished"])
        said = [(name, weight, _ask(name, verify, given)) for name, weight, verify in made]
        rewards.append(sum(weight * verdict.score for _, weight, verdict in said))
        verdicts.append([{"verifier": name, **asdict(verdict)} for name, _, verdict in said])
    return {**row, "rewards": rewards, "verdicts": verdicts}


def _ask(name: str, verify: Verifier, given: GivenAnswer) -> Verdict:
    try:
        verdict = verify(given)
    except Exception as error:  # a verifier may be anybody's program
        raise VerifierWrong(name=name, reason=f"{type(error).__name__}: {error}") from error
    if not isinstance(verdict, Verdict):
        raise VerifierWrong(name=name, reason=f"it says {type(verdict).__name__}, not Verdict")
    if not 0 <= verdict.score <= 1:
        raise VerifierWrong(name=name, reason=f"its score, {verdict.score}, is not from 0 to 1")
    return verdict


def _facts(folder: Path) -> dict[str, Any]:
    """Return the mean reward, that of each verifier, and in how many groups rewards differ."""
    count = prompts = with_spread = 0
    total = squares = 0.0
    scores: Counter[str] = Counter()
    for row in rows_of(folder, "rewards"):
        prompts += 1
        with_spread += len(set(row["rewards"])) > 1
        for reward, verdicts in zip(row["rewards"], row["verdicts"], strict=True):
            count += 1
            total += reward
            squares += reward**2
            for verdict in verdicts:
                scores[verdict["verifier"]] += verdict["score"]
    mean = total / count
    return {
        "prompts": prompts,
        "answers": count,
        "groups_with_spread": with_spread,
        "reward": mean,
        "reward_deviation": math.sqrt(max(0.0, squares / count - mean**2)),
        "scores": {name: total / count for name, total in scores.items()},
    }
