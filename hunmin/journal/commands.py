"""The commands of the room: `hunmin runs list|show|compare|export`."""

import json
import time
from pathlib import Path
from typing import Annotated, Literal

import typer

runs = typer.Typer(
    name="runs",
    no_args_is_help=True,
    help="Watch training runs, compare them, and export what they logged.",
    rich_markup_mode=None,
)


RunArgument = Annotated[Path, typer.Argument(help="A run folder, as in var/laptop/pretrain.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LanguageOption = Annotated[
    Literal["ko", "en"] | None,
    typer.Option(help="The language of the answer; the terminal's by default."),
]


@runs.command("list")
def list_command(
    folder: Annotated[Path, typer.Argument(help="Where to look for runs.")] = Path("var"),
    *,
    as_json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """Print a line for every run below a folder: state, step, loss, throughput, time left."""
    from hunmin.journal import find_runs, summarize, terminal  # noqa: PLC0415 (slow to load)

    found = find_runs(folder)
    if not as_json:
        terminal.show_list(found, language=language or _terminal_language())
        return
    now = time.time()
    for name, run in found.items():
        typer.echo(summarize(run, name=name, now=now).model_dump_json())


@runs.command("show")
def show_command(
    run: RunArgument,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Print the run as it is now, and do not go on watching.")
    ] = False,
    as_json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """Show a run, and keep the view up to date for as long as it goes on.

    The run may be trained by another process or another machine: its folder is all that is read.
    """
    from hunmin.journal import summarize, terminal  # noqa: PLC0415 (slow to load)

    if as_json:
        typer.echo(summarize(run, now=time.time()).model_dump_json(indent=1))
    else:
        look = terminal.show if once else terminal.watch
        look(run, language=language or _terminal_language())


@runs.command("compare")
def compare_command(
    folders: Annotated[list[Path], typer.Argument(help="Run folders.", metavar="RUN")],
    *,
    over: Annotated[
        Literal["steps", "tokens"],
        typer.Option("--over", help="Compare losses at the same steps or the same tokens."),
    ] = "steps",
    as_json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """Compare runs: losses at the same place, facts, and what differs in their recipes."""
    from hunmin.journal import comparing, terminal  # noqa: PLC0415 (slow to load)

    axis = "step" if over == "steps" else "tokens_seen"
    compared = comparing.compare(folders, axis=axis, now=time.time())
    if as_json:
        typer.echo(json.dumps(compared.to_json(), ensure_ascii=False, indent=1))
    else:
        terminal.show_comparison(compared, language=language or _terminal_language())


@runs.command("export")
def export_command(
    run: RunArgument,
    *,
    format_: Annotated[
        Literal["tensorboard", "wandb"], typer.Option("--format", help="For which program.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder to make.")],
) -> None:
    """Write what a run logged into a folder that TensorBoard or Weights & Biases can read.

    Nothing is sent anywhere. What to give to the program is printed.
    """
    from hunmin.journal.exporting import export_run  # noqa: PLC0415 (slow to load)

    typer.echo(str(export_run(run, out, format_=format_, now=time.time())))


def _terminal_language() -> Literal["ko", "en"]:
    from hunmin.__main__ import language  # noqa: PLC0415 (which imports every room's commands)

    return language()


def register(app: typer.Typer) -> None:
    """Add this room's commands to the program."""
    app.add_typer(runs)
