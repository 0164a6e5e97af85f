"""`hunmin organizations`: for whoever can read the data folder.

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

OrganizationArgument = Annotated[
    str, typer.Argument(metavar="ORGANIZATION", help="Its name, or its id.")
]

organizations_app = typer.Typer(
    name="organizations",
    help="Manage organizations.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(organizations_app)


@organizations_app.command("create")
def create_organization(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    *,
    owner: Annotated[str, typer.Option("--owner", help="The name of the account that owns it.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Make an organization with its first owner, and print its id."""
    from hunmin import accounts, organizations  # noqa: PLC0415 (slow to import)
    from hunmin.errors import UserNotFound  # noqa: PLC0415

    with _open(config, data) as act:
        person = accounts.find_user(act, owner)
        if person is None:
            raise UserNotFound
        made = organizations.create_organization(act, name=name, owner_id=person.id)
    _print(made.id)


@organizations_app.command("list")
def list_organizations(*, config: ConfigOption = None, data: DataOption = None) -> None:
    """List the organizations: their ids, names, and whether they are archived."""
    from hunmin import organizations  # noqa: PLC0415 (slow to import)

    with _open(config, data, read_only=True) as act:
        for one in organizations.list_organizations(act):
            _print(f"{one.id}  {one.name}{'  (archived)' if one.archived_at else ''}")


@organizations_app.command("members")
def list_members(
    organization: OrganizationArgument, *, config: ConfigOption = None, data: DataOption = None
) -> None:
    """List who belongs to an organization, and as what."""
    from hunmin import organizations  # noqa: PLC0415 (slow to import)

    with _open(config, data, read_only=True) as act:
        found = organizations.find_organization(act, organization)
        for member in organizations.list_members(act, found.id):
            _print(f"{member.added_at:%Y-%m-%d}  {member.name}  {member.role}")


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
