"""One task: its items drawn, asked, and its metrics given errors and baselines."""

import json
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from hunmin.errors import TaskBroken
from hunmin.evaluation.harness import HarnessModel, TaskRun, run_task
from hunmin.evaluation.packs import TaskFile, load_task
from hunmin.evaluation.results import MetricResult, TaskItems, TaskResult
from hunmin.evaluation.scoring import Scorer
from hunmin.evaluation.uncertainty import assess, most_common_answer, uniform_guess
from hunmin.manifest import file_sha256
from hunmin.steps import Step, write_whole

SEED = 0
"""Of the items drawn under a limit, and of the bootstrap."""


def score_task(
    step: Step, scorer: Scorer, task: TaskFile, *, limit: int | None, chat: bool, place: str
) -> tuple[TaskResult, TaskItems]:
    """Score one task, or read what an interrupted run had of it.

    Args:
        step: The evaluation under way; its scratch folder keeps finished tasks.
        scorer: The model.
        task: What to ask.
        limit: The most items, drawn by lot.
        chat: Whether prompts go through the model's chat template.
        place: Which of how many tasks it is, for the progress bar.

    Raises:
        TaskBroken: The task file makes no sense of its data.
    """
    kept = step.scratch / f"task-{quote(task.name, safe='')}.json"
    if kept.is_file():
        plain = json.loads(kept.read_bytes())
        return TaskResult.model_validate(plain[0]), TaskItems.model_validate(plain[1])
    loaded = load_task(task)
    in_all = len(loaded.eval_docs)
    picks = list(range(in_all))
    if limit is not None and limit < in_all:
        picks = sorted(random.Random(f"{SEED}/{task.name}").sample(picks, limit))  # noqa: S311
    model = HarnessModel(scorer, label=f"{task.name} ({place})", chat=chat)
    outcome = run_task(model, loaded, picks=picks, chat=chat)
    metrics = assess_task(outcome, chance=task.metadata.get("chance") or {})
    if not metrics or any(math.isnan(metric.score) for metric in metrics.values()):
        raise TaskBroken(task=task.name, reason="a metric of it is not a number")
    primary = task.tell("primary")
    result = TaskResult(
        pack=task.pack,
        title_ko=task.tell("title_ko", task.name),
        title_en=task.tell("title_en", task.name),
        version=task.tell("version", str(loaded.VERSION)),
        license=task.tell("license"),
        items=len(outcome.samples),
        items_in_all=in_all,
        shots=loaded.get_config("num_fewshot") or 0,
        primary=primary if primary in metrics else next(iter(metrics)),
        metrics=metrics,
        task_sha256=file_sha256(task.path),
        data_sha256=task.data_sha256(),
    )
    parts = TaskItems(
        ids=[str(sample["doc"].get("id", sample["doc_id"])) for sample in outcome.samples],
        metrics={
            name: [_plain(sample.get(name)) for sample in outcome.samples] for name in metrics
        },
    )
    write_whole(kept, json.dumps([result.model_dump(), parts.model_dump()]).encode())
    return result, parts


def assess_task(outcome: TaskRun, *, chance: Mapping[str, float]) -> dict[str, MetricResult]:
    """Return every metric of a task with its error and its baseline.

    Args:
        outcome: What the harness returned.
        chance: What guessing gives, where the task file says so.
    """
    metrics = {}
    for name, aggregate in outcome.aggregates.items():
        samples = [sample for sample in outcome.samples if name in sample]
        if not samples:
            continue
        guess, constant = chance.get(name), None
        if outcome.multiple_choice and name.startswith("acc"):
            choices = [[answer for _, answer in sample["arguments"]] for sample in samples]
            constant = most_common_answer([_right(*pair) for pair in zip(samples, choices)])  # noqa: B905
            guess = uniform_guess(list(map(len, choices))) if guess is None else guess
        metrics[name] = assess(
            [sample[name] for sample in samples],
            aggregate,
            higher_is_better=outcome.higher_is_better.get(name, True),
            seed=SEED,
            chance=guess,
            constant=constant,
        )
    return metrics


def _right(sample: Mapping[str, Any], choices: Sequence[str]) -> str:
    """Return the text of the right answer of an item."""
    target = sample["target"]
    return choices[target] if isinstance(target, int) else str(target)


def _plain(part: object) -> object:
    """Return a part of a metric as plain JSON: numbers may be NumPy's."""
    if isinstance(part, (tuple, list)):
        return [_plain(value) for value in part]
    return part.item() if hasattr(part, "item") else part
