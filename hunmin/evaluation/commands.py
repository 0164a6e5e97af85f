"""The commands of the room: `hunmin eval CHECKPOINT …`, `compare A B` and `exposure`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from hunmin.shells import RunByDefault

evaluation = typer.Typer(
    name="eval",
    cls=RunByDefault,
    no_args_is_help=True,
    help=(
        "Measure how good a model is, with errors and baselines. "
        "`hunmin eval CHECKPOINT --out DIR` is short for `hunmin eval run CHECKPOINT --out DIR`."
    ),
)


def _list_tasks(data: Path | None) -> None:
    from hunmin.evaluation.packs import (  # noqa: PLC0415 (slow to load)
        DEFAULT_PACKS,
        all_tasks,
        default_data_folder,
    )

    folder = data or default_data_folder()
    for task in all_tasks(folder):
        where = f"no data ({task.missing})" if task.missing else "ready"
        default = "default" if task.pack in DEFAULT_PACKS else "on request"
        columns = (
            task.pack,
            task.name,
            default,
            where,
            task.tell("primary"),
            task.tell("title_ko"),
            task.tell("title_en"),
        )
        typer.echo("\t".join(columns))
    typer.echo(f"data: {folder or 'none; name a folder with --data'}", err=True)


def _split(names: Sequence[str]) -> list[str]:
    """Return the names of options given more than once, or with commas."""
    return [name for one in names for name in one.split(",") if name]


@evaluation.command("run")
def run_command(
    checkpoint: Annotated[
        Path | None,
        typer.Argument(
            metavar="CHECKPOINT", help="A finished checkpoint or exported model folder."
        ),
    ] = None,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="The evaluation folder to make.")
    ] = None,
    tasks: Annotated[
        list[str] | None,
        typer.Option("--tasks", help="A pack, a task or a pack folder; may be given repeatedly."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="The folder of the tasks' data; default: the sample's."),
    ] = None,
    corpus: Annotated[
        Path | None,
        typer.Option("--corpus", help="A corpus folder: bits per byte on its held-out text."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="At most so many items of each task, drawn by lot."),
    ] = None,
    heldout_kb: Annotated[
        int,
        typer.Option(
            "--heldout-kb", min=0, help="Held-out text read of each source, in kB; 0 is all of it."
        ),
    ] = 100,
    stride: Annotated[
        int | None,
        typer.Option(
            "--stride",
            min=1,
            help="New tokens a window; default: half the context.",
        ),
    ] = None,
    overlap: Annotated[
        bool,
        typer.Option(
            "--overlap/--no-overlap", help="Look for the items in the corpus' training text."
        ),
    ] = True,
    chat: Annotated[
        bool, typer.Option("--chat", help="Ask through the model's chat template.")
    ] = False,
    list_tasks: Annotated[
        bool, typer.Option("--list", help="Tell of the tasks there are, and stop.")
    ] = False,
) -> None:
    """Evaluate a checkpoint: bits per byte on held-out text, and Korean tasks."""
    if list_tasks:
        _list_tasks(data)
        return
    if checkpoint is None or out is None:
        raise typer.BadParameter("CHECKPOINT and --out are both needed")
    from hunmin.evaluation import HeldoutPlan, run  # noqa: PLC0415 (slow to load)

    manifest = run(
        checkpoint,
        out,
        tasks=_split(tasks or []),
        data=data,
        corpus=corpus,
        limit=limit,
        heldout_plan=HeldoutPlan(
            bytes_per_source=heldout_kb * 1000 if heldout_kb else None, stride=stride
        ),
        overlap=overlap,
        chat=chat,
    )
    if "bits_per_byte" in manifest.facts:
        typer.echo(f"bits per byte: {manifest.facts['bits_per_byte']:.3f}", err=True)
    for name, task in manifest.facts["tasks"].items():
        typer.echo(
            f"{name}: {task['metric']} {task['score']:.3f} ± {task['stderr']:.3f}"
            + ("" if task["baseline"] is None else f", baseline {task['baseline']:.3f}")
            + {"above": " (above)", "below": " (below)", "same": " (no different)"}.get(
                task["verdict"], ""
            ),
            err=True,
        )
    typer.echo(str(out / "report.md"))


@evaluation.command("compare")
def compare_command(
    first: Annotated[Path, typer.Argument(metavar="FIRST", help="An evaluation folder.")],
    second: Annotated[
        Path, typer.Argument(metavar="SECOND", help="Another, of the same tasks and data.")
    ],
) -> None:
    """Print two evaluations side by side, with what luck would explain."""
    from hunmin.evaluation.comparison import as_markdown, compare  # noqa: PLC0415

    typer.echo(as_markdown(compare(first, second), first.name, second.name), nl=False)


@evaluation.command("exposure")
def exposure_command(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT", help="A finished checkpoint or exported model folder."
        ),
    ],
    *,
    canaries: Annotated[
        Path, typer.Option("--canaries", help="The canaries its pretraining was given.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder of the report to make.")],
    alternatives: Annotated[
        int,
        typer.Option(
            "--alternatives", min=20, help="Numbers drawn beside each canary's own, to rank it."
        ),
    ] = 2000,
) -> None:
    """Tell how much a model memorized, by the canaries in its training text."""
    from hunmin.evaluation import measure_exposure  # noqa: PLC0415 (slow to load)

    manifest = measure_exposure(checkpoint, canaries, out, alternatives=alternatives)
    for group in manifest.facts["groups"]:
        typer.echo(
            f"put in {group['repeats']} times, learned {group['learned_mean']:.1f} times: "
            f"exposure {group['exposure_mean']:.2f} bits, {group['verdict_en']}",
            err=True,
        )
    typer.echo(str(out / "exposure.md"))


def register(app: typer.Typer) -> None:
    """Add the room's commands to the `hunmin` program."""
    app.add_typer(evaluation)
