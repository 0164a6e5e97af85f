"""The command of the room: `hunmin train`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class StageName(StrEnum):
    """A stage one can ask for."""

    PRETRAIN = "pretrain"
    CHAT = "chat"


def train_command(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, such as recipes/laptop.py.")],
    *,
    corpus: Annotated[Path, typer.Option("--corpus", help="A finished corpus folder.")],
    tokenizer: Annotated[Path, typer.Option("--tokenizer", help="A finished tokenizer folder.")],
    out: Annotated[
        Path, typer.Option("--out", help="The run folder: checkpoints, losses and their plot.")
    ],
    stage: Annotated[
        StageName, typer.Option("--stage", help="Which stage of the recipe to train.")
    ] = StageName.PRETRAIN,
    base: Annotated[
        Path | None,
        typer.Option("--base", help="The checkpoint to start from; the chat stage needs one."),
    ] = None,
    compile_wanted: Annotated[
        bool,
        typer.Option("--compile/--no-compile", help="Compile the model where that is possible."),
    ] = True,
) -> None:
    """Train one stage of a recipe, or go on with it where it stopped.

    Ctrl-C or SIGTERM ends the step under way, writes a checkpoint and exits; the same command
    goes on from there. The last checkpoint's folder is printed.
    """
    from hunmin.errors import RecipeBroken  # noqa: PLC0415 (slow to load)
    from hunmin.train.loop import run  # noqa: PLC0415 (slow to load)
    from hunmin.train.recipe import load_recipe  # noqa: PLC0415 (slow to load)

    loaded = load_recipe(recipe)
    config = loaded.pretrain if stage is StageName.PRETRAIN else loaded.chat
    if config is None:
        raise RecipeBroken(path=recipe, reason=f"it has no {stage} stage")
    if stage is StageName.CHAT and base is None:
        raise typer.BadParameter("the chat stage needs --base CHECKPOINT", param_hint="--base")
    run(
        config,
        loaded.model,
        corpus=corpus,
        tokenizer=tokenizer,
        out=out,
        base=base,
        compile_wanted=compile_wanted,
    )
    typer.echo(str(out / f"step-{config.steps:06}"))


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    app.command("train")(train_command)
