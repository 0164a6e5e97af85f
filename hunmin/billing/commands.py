"""`hunmin billing`: for whoever can read the data folder.

It works on the database of a running service as well as on one that is stopped.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hunmin.settings.options import ConfigOption, DataOption

if TYPE_CHECKING:
    from hunmin.act import Act

MostOption = Annotated[int | None, typer.Option(min=1, show_default="no limit")]

billing_app = typer.Typer(
    name="billing",
    help="Set and show how much may be asked.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(billing_app)


@billing_app.command("limit")
def set_limits(
    *,
    organization: Annotated[
        str | None, typer.Option("--organization", help="Of this organization: its name or id.")
    ] = None,
    project: Annotated[
        str | None, typer.Option("--project", help="Of this project of it: its name or id.")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", help="Of the account of this name instead.")
    ] = None,
    requests_per_minute: MostOption = None,
    tokens_per_minute: MostOption = None,
    at_once: MostOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Say how much an organization, a project or an account may ask. What is left out has no limit.

    Servers that are running know it within five seconds.
    """
    from hunmin import billing, organizations  # noqa: PLC0415 (slow to import)

    limits = billing.Limits(requests_per_minute, tokens_per_minute, at_once)
    if (organization is None) == (user is None) or (project is not None and user is not None):
        raise typer.BadParameter(
            "name one of --organization (with or without --project) and --user"
        )
    with _open(config, data) as act:
        if user is not None:
            billing.set_user_limits(act, _find_user(act, user), limits)
            return
        assert organization is not None, "one of the two is named"
        found = organizations.find_organization(act, organization)
        if project is None:
            billing.set_organization_limits(act, found.id, limits)
        else:
            inside = organizations.find_project(act, found.id, project)
            billing.set_project_limits(act, found.id, inside.id, limits)


@billing_app.command("limits")
def list_limits(*, config: ConfigOption = None, data: DataOption = None) -> None:
    """List every limit that is set, with the id of whose it is."""
    from hunmin import billing  # noqa: PLC0415 (slow to import)

    with _open(config, data, read_only=True) as act:
        for holder, limits in billing.list_limits(act):
            told = [
                (limits.requests_per_minute_max, "requests a minute"),
                (limits.tokens_per_minute_max, "tokens a minute"),
                (limits.concurrent_max, "answers at once"),
            ]
            said = ", ".join(f"{most} {what}" for most, what in told if most is not None)
            _print(f"{holder.kind}  {holder.id}  {said}")


def _find_user(act: "Act", name: str) -> str:
    """Return the id of the account of that name."""
    from hunmin import accounts  # noqa: PLC0415 (slow to import)
    from hunmin.errors import UserNotFound  # noqa: PLC0415

    found = accounts.find_user(act, name)
    if found is None:
        raise UserNotFound
    return found.id


@contextmanager
def _open(config: Path | None, data: Path | None, *, read_only: bool = False) -> "Iterator[Act]":
    """Open an act of the house itself on the database that is meant."""
    from hunmin.act import SYSTEM, open_act  # noqa: PLC0415 (slow to import)
    from hunmin.db import open_database  # noqa: PLC0415
    from hunmin.settings import Settings  # noqa: PLC0415

    database = open_database(Settings.load(config, data).database_url)
    try:
        database.migrate()
        with open_act(database, SYSTEM, read_only=read_only) as act:
            yield act
    finally:
        database.close()


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
