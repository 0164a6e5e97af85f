"""`hunmin signin`: for whoever can read the data folder, and people who cannot sign in.

It works on the database of a running service as well as on one that is stopped.
"""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hunmin.console import house_act
from hunmin.settings.options import ConfigOption, DataOption

if TYPE_CHECKING:
    from hunmin.accounts import UserView
    from hunmin.act import Act

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
    from hunmin.signin.passwords import open_passwords  # noqa: PLC0415

    with house_act(config, data, read_only=True) as act:
        found = _find(act, user)
    typed = typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    hashed = open_passwords().hash(typed, name=found.name)
    with house_act(config, data) as act:
        actions.set_password(act, found.id, hashed=hashed)
    sys.stderr.write("The password is set. Every browser of the account is signed out.\n")


@signin_app.command("reset")
def reset_second_factor(
    user: UserArgument, *, config: ConfigOption = None, data: DataOption = None
) -> None:
    """Remove the second factor and passkeys of an account whose owner lost them.

    Its browsers are signed out.
    """
    from hunmin.signin import factor_actions, passkey_actions  # noqa: PLC0415 (slow to import)

    with house_act(config, data) as act:
        user_id = _find(act, user).id
        passkey_actions.remove_every_passkey(act, user_id)
        factor_actions.remove_second_factor(act, user_id)
    sys.stderr.write("Second factor and passkeys are removed. Every browser is signed out.\n")


def _find(act: "Act", name: str) -> "UserView":
    from hunmin import accounts  # noqa: PLC0415 (slow to import)
    from hunmin.errors import UserNotFound  # noqa: PLC0415

    found = accounts.find_user(act, name)
    if found is None or "person" not in found.roles:
        raise UserNotFound
    return found
