"""The step: a checkpoint in; results, report and manifest out. Resumed task by task."""

import importlib.metadata
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hunmin import __version__
from hunmin.errors import NothingToEvaluate
from hunmin.evaluation import heldout
from hunmin.evaluation.heldout import DocumentBits, HeldoutPlan
from hunmin.evaluation.measured import model_facts
from hunmin.evaluation.overlap import measure_overlap
from hunmin.evaluation.packs import TaskFile, choose_tasks, default_data_folder
from hunmin.evaluation.report import write_reports
from hunmin.evaluation.results import (
    ITEMS_NAME,
    RESULTS_NAME,
    HeldoutItems,
    HeldoutResult,
    Items,
    Results,
)
from hunmin.evaluation.scoring import Scorer, load_scorer
from hunmin.evaluation.tasks import SEED, score_task
from hunmin.manifest import Manifest, file_sha256
from hunmin.steps import Step, open_step, write_whole

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
    overlap: bool = True,
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
        overlap: Whether test items are looked for in the training text of the corpus.
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
        "overlap": overlap and corpus is not None,
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
            task.name: score_task(step, scorer, task, limit=limit, chat=chat, place=place)
            for task, place in _with_place(chosen)
        }
        shares = _measure_overlap(step, corpus, chosen) if corpus and overlap else {}
        results = Results(
            made_by=f"hunmin {__version__}",
            command=_command(checkpoint, corpus, tasks, limit=limit, plan=heldout_plan, chat=chat),
            seed=SEED,
            limit=limit,
            chat_template=chat,
            software={name: importlib.metadata.version(name) for name in _SOFTWARE},
            model=model_facts(scorer),
            heldout=measured[0] if measured else None,
            tasks={
                name: result.model_copy(update={"overlap": shares.get(name)})
                for name, (result, _) in scored.items()
            },
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
    stride = plan.stride_tokens(scorer.context_tokens)
    return heldout.summarize(done, totals=totals, stride=stride), done


def _heldout_items(done: list[DocumentBits]) -> HeldoutItems:
    return HeldoutItems(
        ids=[item.id for item in done],
        bits=[round(item.bits, 4) for item in done],
        text_bytes=[item.text_bytes for item in done],
    )


def _measure_overlap(step: Step, corpus: Path, tasks: Sequence[TaskFile]) -> dict[str, float]:
    kept = step.scratch / "overlap.json"
    if not kept.is_file():
        shares = measure_overlap(corpus, {task.name: task.items() for task in tasks})
        write_whole(kept, json.dumps(shares).encode())
    return json.loads(kept.read_bytes())


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
