"""The command of the room: `hunmin build`."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def build_command(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, such as recipes/laptop.py.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The folder of the line.", show_default="var/RECIPE"),
    ] = None,
    runner: Annotated[
        Literal["local", "ray"],
        typer.Option("--runner", help="Where the corpus is processed."),
    ] = "local",
) -> None:
    """Make a model from text: the whole line in one command.

    Corpus, tokenizer, pretraining, fine-tuning on chats, preference pairs and rounds of judged
    answers where the recipe has them, evaluation and export, each in its own folder under OUT. Run
    the same command again to go on where it was interrupted. Afterwards
    `hunmin demo --model OUT/model` serves the model and `hunmin trace OUT/model` tells what it was
    made from.
    """
    from hunmin.build.line import Line, build  # noqa: PLC0415 (slow to load)
    from hunmin.train import load_recipe  # noqa: PLC0415 (slow to load)

    folder = out or Path("var") / recipe.stem
    build(load_recipe(recipe), folder, runner=runner)
    typer.echo(str(Line(folder).model))


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    app.command("build")(build_command)
