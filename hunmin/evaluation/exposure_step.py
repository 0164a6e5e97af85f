"""The step: a model and the canaries it was trained with in; how much it memorized out.

For each canary its number and others drawn by lot are scored after the same beginning. Resumed
canary by canary.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pyarrow import compute as pc

from hunmin import __version__
from hunmin.corpus import Canary, read_canaries
from hunmin.corpus.canaries import SPACE, number_at
from hunmin.errors import CanariesOfAnother
from hunmin.evaluation.exposure import CHANCE_BITS, chance_interval, estimate
from hunmin.evaluation.exposure_results import (
    EXPOSURE_NAME,
    CanaryResult,
    ExposureResults,
    group,
)
from hunmin.evaluation.measured import model_facts
from hunmin.evaluation.report import open_template
from hunmin.evaluation.scoring import Scorer, Span, load_scorer
from hunmin.ledger import open_ledgers
from hunmin.manifest import Manifest, ancestors, manifest_sha256
from hunmin.model import END_OF_TEXT_ID
from hunmin.progress import bar
from hunmin.steps import Step, open_step, write_whole

ALTERNATIVES = 2000
"""Numbers drawn for each canary: ranks tell up to 11 bits, the fitted distribution beyond."""

ALTERNATIVES_MIN = 20
"""Fewer say too little to fit a distribution to."""

SEED = 0
"""Of those draws."""


def measure_exposure(
    checkpoint: Path, canaries: Path, out: Path, *, alternatives: int = ALTERNATIVES
) -> Manifest:
    """Tell how much a model memorized of the canaries that were put into its training text.

    Args:
        checkpoint: A finished checkpoint or model folder.
        canaries: The very canaries that its pretraining was given.
        out: The folder to be, with `exposure.json` and `exposure.md`.
        alternatives: Numbers drawn for each canary, its own beside them; at least 20.

    Raises:
        ManifestMissing, WrongInput, ManifestBroken: The canaries are not there, or not as made.
        CanariesOfAnother: The model was not trained with these canaries.
        LedgerMissing, LedgerBroken: How often they were learned from cannot be told.
        CheckpointBroken: The model cannot be loaded.
        ValueError: Too few alternatives are asked for.
    """
    if alternatives < ALTERNATIVES_MIN:
        raise ValueError(f"alternatives must be at least {ALTERNATIVES_MIN}")
    listed = read_canaries(canaries)
    if manifest_sha256(canaries) not in {record.sha256 for record, _ in ancestors(checkpoint)}:
        raise CanariesOfAnother(canaries=canaries, checkpoint=checkpoint)
    recipe = {"alternatives": alternatives, "seed": SEED}
    inputs = {"checkpoint": checkpoint, "canaries": canaries}
    with open_step(out, kind="exposure", name=out.name, recipe=recipe, inputs=inputs) as step:
        if step.finished is not None:
            return step.finished
        learned = _times_learned(checkpoint, [canary.id for canary in listed])
        scorer = load_scorer(checkpoint)
        measured = _measure_all(step, scorer, listed, learned, alternatives)
        groups = group(measured)
        low, high = chance_interval(groups[0].canaries)
        results = ExposureResults(
            made_by=f"hunmin {__version__}",
            model=model_facts(scorer),
            canaries_sha256=manifest_sha256(canaries),
            alternatives=alternatives,
            seed=SEED,
            space_bits=math.log2(SPACE),
            chance_mean=CHANCE_BITS,
            chance_low=low,
            chance_high=high,
            groups=groups,
            canaries=measured,
        )
        (step.folder / EXPOSURE_NAME).write_text(results.model_dump_json(indent=1) + "\n", "utf-8")
        report = open_template("exposure.md.jinja").render(results=results)
        (step.folder / "exposure.md").write_text(report, "utf-8")
        return step.finish(facts={"groups": [one.model_dump() for one in groups]})


def _times_learned(checkpoint: Path, ids: Sequence[str]) -> dict[str, int]:
    """Return how often each canary was learned from, by the ledger of every stage."""
    times = dict.fromkeys(ids, 0)
    for ledger in open_ledgers(checkpoint):
        for row in ledger.seen().filter(pc.field("id").isin(ids)).to_pylist():
            times[row["id"]] += row["times"]
    return times


def _measure_all(
    step: Step,
    scorer: Scorer,
    canaries: Sequence[Canary],
    learned: dict[str, int],
    alternatives: int,
) -> list[CanaryResult]:
    """Measure every canary, keeping what is done in a file and beginning from it."""
    kept = step.scratch / "measured.json"
    done = [CanaryResult(**one) for one in json.loads(kept.read_bytes())] if kept.is_file() else []
    sentences = len(canaries) * (alternatives + 1)
    with bar("canaries", total=sentences, unit="sentences") as shown:
        shown.start_at(len(done) * (alternatives + 1))
        for place, canary in enumerate(canaries[len(done) :], start=len(done)):
            draw = np.random.default_rng([SEED, place])
            spans = _spans(scorer, canary, draw.choice(SPACE, alternatives, replace=False).tolist())
            own, *others = scorer.score(spans, on_done=shown.advance)
            bits, *others_bits = (-one.log_probability / math.log(2) for one in (own, *others))
            found = estimate(bits, np.array(others_bits), space=SPACE)
            done.append(
                CanaryResult(
                    id=canary.id,
                    repeats=canary.repeats,
                    learned=learned[canary.id],
                    bits=round(bits, 4),
                    rank=found.rank,
                    exposure=round(found.exposure, 4),
                    extrapolated=found.extrapolated,
                    recited=own.greedy,
                )
            )
            write_whole(kept, json.dumps([one.model_dump() for one in done]).encode())
    return done


def _spans(scorer: Scorer, canary: Canary, drawn: Sequence[int]) -> list[Span]:
    """Return the canary and its alternatives, only their numbers to be predicted."""
    before = [END_OF_TEXT_ID, *scorer.encode(canary.prefix)]
    numbers = [canary.number, *(number for n in drawn if (number := number_at(n)) != canary.number)]
    spans = []
    for number in numbers:
        tokens = (END_OF_TEXT_ID, *scorer.encode(canary.prefix + number))
        assert list(tokens[: len(before)]) == before, "no token reaches from words into digits"
        spans.append(Span(tokens, scored=len(tokens) - len(before)))
    return spans
