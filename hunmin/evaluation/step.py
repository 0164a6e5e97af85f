"""The step: a checkpoint in; results, report and manifest out. Resumed task by task."""

import importlib.metadata
import json
import random
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hunmin import __version__
from hunmin.errors import NothingToEvaluate
from hunmin.evaluation import heldout
from hunmin.evaluation.harness import HarnessModel, TaskRun, run_task
from hunmin.evaluation.heldout import DocumentBits, HeldoutPlan
from hunmin.evaluation.packs import TaskFile, choose_tasks, default_data_folder, load_task
from hunmin.evaluation.report import write_reports
from hunmin.evaluation.results import (
    ITEMS_NAME,
    RESULTS_NAME,
    HeldoutItems,
    HeldoutResult,
    Items,
    MetricResult,
    ModelFacts,
    Results,
    TaskItems,
    TaskResult,
)
from hunmin.evaluation.scoring import Scorer, load_scorer
from hunmin.evaluation.uncertainty import assess, most_common_answer, uniform_guess
from hunmin.manifest import Manifest, file_sha256, manifest_sha256
from hunmin.steps import Step, open_step, write_whole

SEED = 0
"""Of the items drawn under a limit, and of the bootstrap."""

_SOFTWARE = ("lm-eval", "tokenizers", "torch")


def run(
    checkpoint: Path,
    out: Path,
    *,
    tasks: Sequence[str] = (),
    data: Path | None = None,
    corpus: Path | None = None,
    limit: int | None = None,
    heldout_plan: HeldoutPlan = HeldoutPlan(),  # noqa: B008 (frozen)
    chat: bool = False,
) -> Manifest:
    """Evaluate a checkpoint or an exported model.

    Args:
        checkpoint: A finished checkpoint or model folder.
        out: The evaluation folder to be.
        tasks: Packs, tasks or pack folders; without any, the default packs.
        data: The folder of the tasks' data; without it, that of the sample corpus.
        corpus: A corpus folder, for bits per byte on its held-out text.
        limit: The most items of each task, drawn by lot.
        heldout_plan: How much held-out text is read, and how.
        chat: Whether prompts go through the model's chat template.

    Raises:
        TaskUnknown: A name stands for no task.
        TaskDataMissing: A task that was asked for has no data here.
        TaskBroken: A task file makes no sense of its data.
        HeldoutMissing: The corpus has no held-out text.
        NothingToEvaluate: There is neither a task with data nor a corpus.
        CheckpointBroken: The model cannot be loaded.
    """
    chosen, left_out = choose_tasks(tasks, data or default_data_folder())
    if not chosen and corpus is None:
        raise NothingToEvaluate
    recipe = {
        "tasks": [_task_recipe(task) for task in chosen],
        "left_out": left_out,
        "limit": limit,
        "seed": SEED,
        "chat_template": chat,
        "heldout_bytes_per_source": heldout_plan.bytes_per_source if corpus else None,
        "heldout_stride_tokens": heldout_plan.stride if corpus else None,
    }
    inputs = {"checkpoint": checkpoint} | ({"corpus": corpus} if corpus else {})
    with open_step(out, kind="evaluation", name=out.name, recipe=recipe, inputs=inputs) as step:
        if step.finished:
            return step.finished
        scorer = load_scorer(checkpoint)
        measured = _measure_heldout(step, scorer, corpus, heldout_plan) if corpus else None
        scored = {
            task.name: _score_task(step, scorer, task, limit=limit, chat=chat, place=place)
            for task, place in _with_place(chosen)
        }
        results = Results(
            made_by=f"hunmin {__version__}",
            command=_command(checkpoint, corpus, tasks, limit=limit, plan=heldout_plan, chat=chat),
            seed=SEED,
            limit=limit,
            chat_template=chat,
            software={name: importlib.metadata.version(name) for name in _SOFTWARE},
            model=_model_facts(scorer),
            heldout=measured[0] if measured else None,
            tasks={name: result for name, (result, _) in scored.items()},
            left_out=left_out,
        )
        items = Items(
            heldout=_heldout_items(measured[1]) if measured else None,
            tasks={name: parts for name, (_, parts) in scored.items()},
        )
        (step.folder / RESULTS_NAME).write_text(_pretty(results.model_dump()), "utf-8")
        (step.folder / ITEMS_NAME).write_text(items.model_dump_json() + "\n", "utf-8")
        write_reports(results, step.folder)
        return step.finish(facts=_facts(results))


def _command(
    checkpoint: Path,
    corpus: Path | None,
    tasks: Sequence[str],
    *,
    limit: int | None,
    plan: HeldoutPlan,
    chat: bool,
) -> str:
    """Return what to type to get this again, folders by their names alone."""
    words = ["hunmin", "eval", checkpoint.name]
    words += [word for task in tasks for word in ("--tasks", Path(task).name)]
    if corpus:
        words += ["--corpus", corpus.name, "--heldout-kb"]
        words.append(str((plan.bytes_per_source or 0) // 1000))
        words += ["--stride", str(plan.stride)] if plan.stride else []
    words += ["--limit", str(limit)] if limit is not None else []
    words += ["--chat"] if chat else []
    return shlex.join(words)


def _task_recipe(task: TaskFile) -> dict[str, str]:
    return {
        "name": task.name,
        "task_sha256": file_sha256(task.path),
        "data_sha256": task.data_sha256(),
    }


def _with_place(tasks: Sequence[TaskFile]) -> list[tuple[TaskFile, str]]:
    return [(task, f"{number}/{len(tasks)}") for number, task in enumerate(tasks, start=1)]


def _measure_heldout(
    step: Step, scorer: Scorer, corpus: Path, plan: HeldoutPlan
) -> tuple[HeldoutResult, list[DocumentBits]]:
    texts, totals = heldout.choose(corpus, plan)
    done_file = step.scratch / "heldout.jsonl"
    done = heldout.measure_resuming(scorer, texts, plan, done_file=done_file)
    stride = plan.stride or max(1, scorer.context_tokens // 2)
    return heldout.summarize(done, totals=totals, stride=stride), done


def _heldout_items(done: list[DocumentBits]) -> HeldoutItems:
    return HeldoutItems(
        ids=[item.id for item in done],
        bits=[round(item.bits, 4) for item in done],
        text_bytes=[item.text_bytes for item in done],
    )


def _score_task(
    step: Step, scorer: Scorer, task: TaskFile, *, limit: int | None, chat: bool, place: str
) -> tuple[TaskResult, TaskItems]:
    """Score one task, or read what an interrupted run had of it."""
    kept = step.scratch / f"task-{task.name}.json"
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
    primary = task.metadata.get("primary", "")
    result = TaskResult(
        pack=task.pack,
        title_ko=task.metadata.get("title_ko", task.name),
        title_en=task.metadata.get("title_en", task.name),
        version=str(task.metadata.get("version", loaded.VERSION)),
        license=task.metadata.get("license", ""),
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


def _model_facts(scorer: Scorer) -> ModelFacts:
    manifest = Manifest.read(scorer.folder)
    return ModelFacts(
        name=manifest.name,
        kind=manifest.kind,
        manifest_sha256=manifest_sha256(scorer.folder),
        parameters=sum(tensor.numel() for tensor in scorer.model.parameters()),
        context_tokens=scorer.context_tokens,
        vocab_size=scorer.model.config.vocab_size,
    )


def _facts(results: Results) -> dict[str, Any]:
    """Return what a model card quotes: the main numbers."""
    facts: dict[str, Any] = {
        "tasks": {
            name: {
                "metric": task.primary,
                "score": task.main.score,
                "stderr": task.main.stderr,
                "chance": task.main.chance,
                "baseline": task.main.baseline,
                "verdict": task.main.verdict,
                "items": task.items,
            }
            for name, task in results.tasks.items()
        },
        "left_out": results.left_out,
    }
    if results.heldout:
        facts["bits_per_byte"] = results.heldout.bits_per_byte
        facts["bits_per_byte_stderr"] = results.heldout.stderr
        facts["bits_per_byte_by_source"] = {
            name: source.bits_per_byte for name, source in results.heldout.by_source.items()
        }
    return facts


def _pretty(plain: Mapping[str, Any]) -> str:
    return json.dumps(plain, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
