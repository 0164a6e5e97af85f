"""`hunmin billing`: for whoever can read the data folder.

It works on the database of a running service as well as on one that is stopped.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hunmin.console import house_act, say
from hunmin.settings.options import ConfigOption, DataOption

if TYPE_CHECKING:
    from hunmin.act import Act

OrganizationOption = Annotated[
    str | None, typer.Option("--organization", help="Of this organization: its name or id.")
]
ProjectOption = Annotated[
    str | None, typer.Option("--project", help="Of this project of it: its name or id.")
]
UserOption = Annotated[
    str | None, typer.Option("--user", help="Of the account of this name instead.")
]

billing_app = typer.Typer(
    name="billing",
    help="Set and show how much may be asked, and what it costs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(billing_app)


@billing_app.command("limit")
def set_limits(
    *,
    organization: OrganizationOption = None,
    project: ProjectOption = None,
    user: UserOption = None,
    requests_per_minute: Annotated[
        int | None,
        typer.Option(
            "--requests-per-minute",
            min=1,
            show_default="no limit",
            help="How many requests in any minute at the most.",
        ),
    ] = None,
    tokens_per_minute: Annotated[
        int | None,
        typer.Option(
            "--tokens-per-minute",
            min=1,
            show_default="no limit",
            help="How many tokens in any minute at the most.",
        ),
    ] = None,
    at_once: Annotated[
        int | None,
        typer.Option(
            "--at-once",
            min=1,
            show_default="no limit",
            help="How many answers may be written at once.",
        ),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Say how much an organization, a project or an account may ask. What is left out has no limit.

    Servers that are running know it within five seconds.
    """
    from hunmin import billing, organizations  # noqa: PLC0415 (slow to import)

    limits = billing.Limits(requests_per_minute, tokens_per_minute, at_once)
    _check_named(organization, project, user)
    with house_act(config, data) as act:
        if user is not None:
            billing.set_user_limits(act, _find_user(act, user), limits)
            return
        found = organizations.find_organization(act, organization or "")
        if project is None:
            billing.set_organization_limits(act, found.id, limits)
        else:
            inside = organizations.find_project(act, found.id, project)
            billing.set_project_limits(act, found.id, inside.id, limits)


@billing_app.command("limits")
def list_limits(*, config: ConfigOption = None, data: DataOption = None) -> None:
    """List every limit that is set, with the id of whose it is."""
    from hunmin import billing  # noqa: PLC0415 (slow to import)

    with house_act(config, data, read_only=True) as act:
        for holder, limits in billing.list_limits(act):
            told = [
                (limits.requests_per_minute_max, "requests a minute"),
                (limits.tokens_per_minute_max, "tokens a minute"),
                (limits.concurrent_max, "answers at once"),
            ]
            said = ", ".join(f"{most} {what}" for most, what in told if most is not None)
            say(f"{holder.kind}  {holder.id}  {said}")


@billing_app.command("price")
def set_price(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model, as it is served.")],
    *,
    prompt: Annotated[int, typer.Option("--prompt", min=0, help="Of the prompt.")],
    cached: Annotated[
        int, typer.Option("--cached", min=0, help="Of what was computed of it before.")
    ],
    answer: Annotated[int, typer.Option("--answer", min=0, help="Of the answer.")],
    from_day: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="The first day; today by default."),
    ] = None,
    organization: Annotated[
        str | None, typer.Option("--organization", help="For this organization alone.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Say what a million tokens of a model cost, in won. A price that holds is not changed."""
    from hunmin import billing, organizations  # noqa: PLC0415 (slow to import)

    with house_act(config, data) as act:
        found = organizations.find_organization(act, organization).id if organization else ""
        day = billing.day_of(act.now) if from_day is None else from_day.date()
        billing.set_price(act, billing.Price(model, found, day, prompt, cached, answer))


@billing_app.command("prices")
def list_prices(*, config: ConfigOption = None, data: DataOption = None) -> None:
    """List what models cost: from which day, for a million tokens, in won."""
    from hunmin import billing  # noqa: PLC0415 (slow to import)

    with house_act(config, data, read_only=True) as act:
        for price in billing.all_prices(act):
            told = f"{price.prompt_won} / {price.cached_won} / {price.completion_won} won"
            say(f"{price.from_day}  {price.model}  {told}  {price.organization_id}".rstrip())


@billing_app.command("budget")
def set_budget(
    amount: Annotated[int, typer.Argument(metavar="AMOUNT", min=1, help="Won, or tokens.")],
    *,
    organization: OrganizationOption = None,
    project: ProjectOption = None,
    user: UserOption = None,
    unit: Annotated[
        Literal["won", "tokens"], typer.Option("--unit", help="What it is counted in.")
    ] = "won",
    period: Annotated[
        Literal["day", "month", "total"], typer.Option("--period", help="When it is whole again.")
    ] = "month",
    soft: Annotated[bool, typer.Option("--soft", help="Only alert, and refuse nothing.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Give an organization, a project or an account a budget."""
    from hunmin import billing, organizations  # noqa: PLC0415 (slow to import)

    _check_named(organization, project, user)
    with house_act(config, data) as act:
        if user is not None:
            holder = _find_user(act, user)
            billing.set_user_budget(
                act, holder, unit=unit, amount=amount, period=period, hard=not soft
            )
            return
        found = organizations.find_organization(act, organization or "").id
        inside = organizations.find_project(act, found, project).id if project else None
        billing.set_budget(
            act,
            found,
            project_id=inside,
            unit=unit,
            amount=amount,
            period=period,
            hard=not soft,
        )


@billing_app.command("verify")
def verify_invoices(*, config: ConfigOption = None, data: DataOption = None) -> None:
    """Compare every invoice with its hash and with what was used, and look for missing numbers.

    Exit status 1 says that something does not agree.
    """
    from hunmin import billing  # noqa: PLC0415 (slow to import)

    with house_act(config, data, read_only=True) as act:
        count, found = billing.verify_invoices(act)
    said = {
        "changed": "is not what was issued",
        "differs": "is not what was used",
        "missing": "is not there",
    }
    say(f"{count} invoices, {len(found)} that do not agree.")
    for one in found:
        say(f"  {one.number} {said[one.what]}")
    if found:
        raise typer.Exit(1)


def _check_named(organization: str | None, project: str | None, user: str | None) -> None:
    """Raise where it is not clear whose a limit or a budget is to be."""
    if (organization is None) == (user is None) or (project is not None and user is not None):
        raise typer.BadParameter("name --organization, with or without --project, or --user")


def _find_user(act: "Act", name: str) -> str:
    """Return the id of the account of that name."""
    from hunmin import accounts  # noqa: PLC0415 (slow to import)
    from hunmin.errors import UserNotFound  # noqa: PLC0415

    found = accounts.find_user(act, name)
    if found is None:
        raise UserNotFound
    return found.id
