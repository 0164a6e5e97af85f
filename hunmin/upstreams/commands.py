"""`hunmin upstreams list|drain|resume`."""

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hunmin.settings.options import ConfigOption, DataOption

if TYPE_CHECKING:
    from hunmin.settings import Settings

upstreams_app = typer.Typer(
    name="upstreams",
    help="Show the engines on other machines, and take one out of service and back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

NameArgument = Annotated[str, typer.Argument(help="Its name in the settings: [upstreams.NAME].")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(upstreams_app)


@upstreams_app.command("list")
def list_upstreams(*, config: ConfigOption = None, data: DataOption = None) -> None:
    """Ask every upstream how it is, and print what it serves: name, state, models, address."""
    from hunmin import logs  # noqa: PLC0415 (slow to import)
    from hunmin.settings import Settings  # noqa: PLC0415

    settings = Settings.load(config, data)
    logs.set_up(format=settings.logs.format, level=settings.logs.level)
    for line in asyncio.run(_look_at_all(settings)):
        sys.stdout.write("\t".join(line) + "\n")


@upstreams_app.command("drain")
def drain(name: NameArgument, *, config: ConfigOption = None, data: DataOption = None) -> None:
    """Send an upstream no more requests; what it writes now goes on to its end.

    Every server of this data folder sees it within a few seconds. So an engine can be ended, or
    given another model, without breaking off an answer.
    """
    from hunmin.upstreams import drains  # noqa: PLC0415 (slow to import)

    drains.drain(_checked(name, config, data).data, name)


@upstreams_app.command("resume")
def resume(name: NameArgument, *, config: ConfigOption = None, data: DataOption = None) -> None:
    """Send a drained upstream requests again."""
    from hunmin.upstreams import drains  # noqa: PLC0415 (slow to import)

    drains.resume(_checked(name, config, data).data, name)


@upstreams_app.command("launch")
def launch(
    name: NameArgument,
    *,
    stop: Annotated[
        bool, typer.Option("--stop", help="Drain and end all of them, and then this command.")
    ] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Start the engines of an upstream, and keep as many as there is work for, until interrupted.

    How they are started is said by [upstreams.NAME.launch]. Interrupted, it leaves them running;
    begun again, it goes on with them. Run it once for each upstream.
    """
    from hunmin import logs  # noqa: PLC0415 (slow to import)
    from hunmin.upstreams.keeper import open_keeper  # noqa: PLC0415

    settings = _checked(name, config, data)
    logs.set_up(format=settings.logs.format, level=settings.logs.level)
    with (
        contextlib.suppress(KeyboardInterrupt),
        open_keeper(name, settings.upstreams[name], data=settings.data) as keeper,
    ):
        asyncio.run(keeper.close() if stop else keeper.keep())


def _checked(name: str, config: ConfigOption, data: DataOption) -> "Settings":
    """Return the settings, or raise `UpstreamUnknown` where they have none of that name."""
    from hunmin.errors import UpstreamUnknown  # noqa: PLC0415 (slow to import)
    from hunmin.settings import Settings  # noqa: PLC0415

    settings = Settings.load(config, data)
    if name not in settings.upstreams:
        raise UpstreamUnknown(known=sorted(settings.upstreams))
    return settings


async def _look_at_all(settings: "Settings") -> list[tuple[str, str, str, str]]:
    from hunmin.upstreams.catalog import open_upstreams  # noqa: PLC0415 (slow to import)
    from hunmin.upstreams.watching import look  # noqa: PLC0415

    lines = []
    for upstream in open_upstreams(settings.upstreams):
        upstream.client.open()
        try:
            well = await look(upstream, data=settings.data, list_models=True)
        finally:
            await upstream.client.close()
        state = "drained" if upstream.drained else "ready" if well else "unreachable"
        models = ", ".join(sorted(upstream.models))
        lines.append((upstream.name, state, models, upstream.url))
    return lines
