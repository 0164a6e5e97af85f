"""`hunmin signin`: for whoever can read the data folder, and people who cannot sign in.

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
    from hunmin.accounts import UserView
    from hunmin.act import Act
    from hunmin.settings import Settings

UserArgument = Annotated[str, typer.Argument(metavar="USER", help="The name of the account.")]

signin_app = typer.Typer(
    name="signin",
    help="Help people who cannot sign in.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(signin_app)


@signin_app.command("password")
def set_password(
    user: UserArgument, *, config: ConfigOption = None, data: DataOption = None
) -> None:
    """Ask for a new password of an account, twice, and set it. Its browsers are signed out."""
    from hunmin.signin import actions  # noqa: PLC0415 (slow to import)
    from hunmin.signin.passwords import passwords_of  # noqa: PLC0415

    with _open(config, data) as (act, settings):
        found = _find(act, user)
    typed = typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    hashed = passwords_of(settings.accounts).hash(typed, name=found.name)
    with _open(config, data) as (act, _):
        actions.set_password(act, found.id, hashed=hashed)
    sys.stderr.write("The password is set. Every browser of the account is signed out.\n")


@signin_app.command("reset")
def reset_second_factor(
    user: UserArgument, *, config: ConfigOption = None, data: DataOption = None
) -> None:
    """Remove the second factor of an account whose owner lost it. Its browsers are signed out."""
    from hunmin.signin import factor_actions  # noqa: PLC0415 (slow to import)

    with _open(config, data) as (act, _):
        factor_actions.remove_second_factor(act, _find(act, user).id)
    sys.stderr.write("The second factor is removed. Every browser is signed out.\n")


@contextmanager
def _open(config: Path | None, data: Path | None) -> Iterator[tuple["Act", "Settings"]]:
    """Open an act of the house itself on the database that is meant."""
    from hunmin.act import SYSTEM, open_act  # noqa: PLC0415 (slow to import)
    from hunmin.db import open_database  # noqa: PLC0415
    from hunmin.settings import Settings  # noqa: PLC0415

    settings = Settings.load(config, data)
    database = open_database(settings.database_url)
    try:
        database.migrate()
        with open_act(database, SYSTEM) as act:
            yield act, settings
    finally:
        database.close()


def _find(act: "Act", name: str) -> "UserView":
    from hunmin import accounts  # noqa: PLC0415 (slow to import)
    from hunmin.errors import UserNotFound  # noqa: PLC0415

    found = accounts.find_user(act, name)
    if found is None or "person" not in found.roles:
        raise UserNotFound
    return found
