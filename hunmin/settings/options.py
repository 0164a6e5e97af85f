"""The options every office command takes, said once."""

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="The settings file. By default hunmin.toml in the working folder, if there is one.",
    ),
]

DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="The folder for everything Hunmin keeps. By default var."),
]
