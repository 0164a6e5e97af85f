"""`hunmin accounts` and `hunmin key`: for whoever can read the data folder.

They work on the database of a running service as well as on one that is stopped.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hunmin.console import house_act_of, say
from hunmin.settings.options import ConfigOption, DataOption

if TYPE_CHECKING:
    from hunmin.accounts.views import UserView
    from hunmin.act import Act
    from hunmin.settings import Settings

ADMINISTRATOR = "admin"
"""The account made where none was named and none is there."""

DEMO_DATA = Path("var/demo")

UserArgument = Annotated[str, typer.Argument(metavar="USER", help="The name of the account.")]
UserOption = Annotated[
    str | None,
    typer.Option(
        "--user",
        help="Whose key. By default the only administrator's; `admin` is made if there is none.",
    ),
]

KeyArgument = Annotated[
    str, typer.Argument(metavar="KEY", help="Its id, as `hunmin key list` says.")
]

accounts_app = typer.Typer(
    name="accounts", help="Manage accounts.", no_args_is_help=True, rich_markup_mode=None
)
key_app = typer.Typer(
    name="key", help="Manage API keys.", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(accounts_app)
    app.add_typer(key_app)


@accounts_app.command("create")
def create_account(
    user: UserArgument,
    *,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", help="administrator or auditor; may be said more than once."),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Make an account, and print a link that signs it in, once."""
    from hunmin import accounts  # noqa: PLC0415 (slow to import)

    settings = _settings(config, data)
    with house_act_of(settings) as act:
        made = accounts.create_user(act, name=user, roles=role or ["person"])
        _print_link(act, settings, made)


@accounts_app.command("link")
def link_account(
    user: UserArgument, *, config: ConfigOption = None, data: DataOption = None
) -> None:
    """Print a new link that signs an account in, once."""
    settings = _settings(config, data)
    with house_act_of(settings) as act:
        _print_link(act, settings, _find(act, user))


@accounts_app.command("disable")
def disable_account(
    user: UserArgument, *, config: ConfigOption = None, data: DataOption = None
) -> None:
    """Shut an account: no session, key or link of it opens anything any more."""
    from hunmin import accounts  # noqa: PLC0415 (slow to import)

    with house_act_of(_settings(config, data)) as act:
        accounts.disable_user(act, _find(act, user).id)


@accounts_app.command("enable")
def enable_account(
    user: UserArgument, *, config: ConfigOption = None, data: DataOption = None
) -> None:
    """Open an account again that was disabled."""
    from hunmin import accounts  # noqa: PLC0415 (slow to import)

    with house_act_of(_settings(config, data)) as act:
        accounts.enable_user(act, _find(act, user).id)


@accounts_app.command("list")
def list_accounts(*, config: ConfigOption = None, data: DataOption = None) -> None:
    """List the accounts and their roles. Guests are left out."""
    from hunmin import accounts  # noqa: PLC0415 (slow to import)

    with house_act_of(_settings(config, data), read_only=True) as act:
        for user in accounts.list_users(act):
            disabled = "  (disabled)" if user.disabled_at else ""
            say(f"{user.created_at:%Y-%m-%d}  {user.name}  {', '.join(user.roles)}{disabled}")


@key_app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for.")],
    *,
    user: UserOption = None,
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=3650, help="Expire after so many days.")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            help="What it may be used for: inference, files, usage (these three by default), chat "
            "or admin; may be said more than once.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="A model it may ask; may be said more than once. Any else."),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Make an API key, and print it. It is shown this once and kept nowhere."""
    from hunmin import accounts  # noqa: PLC0415 (slow to import)

    with house_act_of(_settings(config, data)) as act:
        owner = _find(act, user) if user else _only_administrator(act)
        made = accounts.create_key(
            act,
            name=name,
            user_id=owner.id,
            days=days,
            scopes=scope or accounts.PROGRAM_SCOPES,
            models=model,
        )
    say(made.secret)


@key_app.command("rotate")
def rotate_key(
    key: KeyArgument,
    *,
    hours: Annotated[
        int, typer.Option("--hours", min=0, help="How long the old key goes on working.")
    ] = 24,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Make a key that takes the place of another, and print it. Both work for a while."""
    from hunmin import accounts  # noqa: PLC0415 (slow to import)

    settings = _settings(config, data)
    with house_act_of(settings) as act:
        made = accounts.rotate_key(
            act,
            key,
            user_id=_owner_of(act, key),
            overlap_hours=hours,
            overlap_hours_max=settings.accounts.key_overlap_hours_max,
        )
    say(made.secret)


@key_app.command("list")
def list_keys(
    *, user: UserOption = None, config: ConfigOption = None, data: DataOption = None
) -> None:
    """List the keys of an account, or of all with service accounts, without their secrets."""
    from hunmin import accounts  # noqa: PLC0415 (slow to import)

    with house_act_of(_settings(config, data), read_only=True) as act:
        if user:
            owner = _find(act, user)
            listed = [(owner.name, key) for key in accounts.list_keys(act, owner.id)]
        else:
            listed = accounts.list_all_keys(act)
        for name, key in listed:
            ends = f"expires {key.expires_at:%Y-%m-%d}" if key.expires_at else "does not expire"
            if key.retires_at:
                ends = f"replaced, ends {key.retires_at:%Y-%m-%d %H:%M} UTC"
            used = f"used {key.used_on}" if key.used_on else "never used"
            told = f"{used}, {ends}  {' '.join(key.scopes)}"
            say(f"{key.id}  hm-…{key.last_four}  {name}  {key.name}  {told}")


@key_app.command("revoke")
def revoke_key(
    key: KeyArgument,
    *,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """End a key at once."""
    from hunmin import accounts  # noqa: PLC0415 (slow to import)

    with house_act_of(_settings(config, data)) as act:
        accounts.revoke_key(act, key, user_id=_owner_of(act, key))


def _settings(config: Path | None, data: Path | None) -> "Settings":
    """Return the settings; the demo's data where only a demo has been run here."""
    from hunmin.settings import Settings  # noqa: PLC0415 (slow to import)

    settings = Settings.load(config, data)
    is_only_demo = (
        data is None
        and settings.data == Path("var")
        and not settings.database.url.get_secret_value()
        and not (settings.data / "hunmin.db").exists()
        and (DEMO_DATA / "hunmin.db").exists()
    )
    if not is_only_demo:
        return settings
    sys.stderr.write(f"Using the data of the demo in {DEMO_DATA}; --data names another folder.\n")
    return Settings.load(config, DEMO_DATA)


def _find(act: "Act", name: str) -> "UserView":
    from hunmin import accounts  # noqa: PLC0415 (slow to import)
    from hunmin.errors import UserNotFound  # noqa: PLC0415

    found = accounts.find_user(act, name)
    if found is None:
        raise UserNotFound
    return found


def _owner_of(act: "Act", key_id: str) -> str:
    """Return the id of the account that has a key."""
    from hunmin import accounts  # noqa: PLC0415 (slow to import)
    from hunmin.errors import KeyNotFound  # noqa: PLC0415

    for _, key in accounts.list_all_keys(act):
        if key.id == key_id:
            return key.user_id
    raise KeyNotFound


def _only_administrator(act: "Act") -> "UserView":
    """Return the account a key is for when nobody was named."""
    from hunmin import accounts  # noqa: PLC0415 (slow to import)
    from hunmin.errors import UserUnclear  # noqa: PLC0415

    administrators = accounts.list_administrators(act)
    if len(administrators) == 1:
        return administrators[0]
    named = accounts.find_user(act, ADMINISTRATOR)
    if named is not None:
        return named
    if administrators:
        raise UserUnclear
    return accounts.create_user(act, name=ADMINISTRATOR, roles=["administrator"])


def _print_link(act: "Act", settings: "Settings", user: "UserView") -> None:
    from hunmin import accounts  # noqa: PLC0415 (slow to import)

    minutes = settings.accounts.sign_in_link_minutes
    secret = accounts.create_sign_in_link(act, user.id, minutes=minutes)
    sys.stderr.write(f"Open this link within {minutes} minutes. It works once:\n")
    say(accounts.sign_in_address(settings, secret))
