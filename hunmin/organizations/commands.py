"""`hunmin organizations`: for whoever can read the data folder.

It works on the database of a running service as well as on one that is stopped.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from hunmin.console import house_act, say
from hunmin.settings.options import ConfigOption, DataOption

if TYPE_CHECKING:
    pass

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

    with house_act(config, data) as act:
        person = accounts.find_user(act, owner)
        if person is None:
            raise UserNotFound
        made = organizations.create_organization(act, name=name, owner_id=person.id)
    say(made.id)


@organizations_app.command("list")
def list_organizations(*, config: ConfigOption = None, data: DataOption = None) -> None:
    """List the organizations: their ids, names, and whether they are archived."""
    from hunmin import organizations  # noqa: PLC0415 (slow to import)

    with house_act(config, data, read_only=True) as act:
        for one in organizations.list_organizations(act):
            say(f"{one.id}  {one.name}{'  (archived)' if one.archived_at else ''}")


@organizations_app.command("members")
def list_members(
    organization: OrganizationArgument, *, config: ConfigOption = None, data: DataOption = None
) -> None:
    """List who belongs to an organization, and as what."""
    from hunmin import organizations  # noqa: PLC0415 (slow to import)

    with house_act(config, data, read_only=True) as act:
        found = organizations.find_organization(act, organization)
        for member in organizations.list_members(act, found.id):
            say(f"{member.added_at:%Y-%m-%d}  {member.name}  {member.role}")
