"""`hunmin settings`: every value, and where it was said."""

import json
import sys

import typer

from hunmin.settings.options import ConfigOption, DataOption


def register(app: typer.Typer) -> None:
    """Add this room's command."""
    app.command("settings")(show)


def show(
    *,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),  # noqa: FBT003 (Typer's way)
) -> None:
    """Print every setting and where it was said.

    Secrets are masked. The command line is right over the environment, the environment over
    hunmin.toml, and that over the default.
    """
    from hunmin.settings import Settings  # noqa: PLC0415 (pydantic is slow to import)

    views = Settings.load(config, data).views()
    if as_json:
        rows = {
            view.key: {
                "value": view.value,
                "origin": view.origin,
                "variable": view.variable,
                "reason": " ".join(view.reason.split()),
            }
            for view in views
        }
        sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
        return
    width = max(len(view.key) for view in views)
    for view in views:
        value = json.dumps(view.value, ensure_ascii=False)
        sys.stdout.write(f"{view.key:{width}}  {value}  ({view.origin})\n")
