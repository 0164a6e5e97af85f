"""`hunmin collections`: for whoever can read the data folder.

It works on the database of a running service as well as on one that is stopped.
"""

from pathlib import Path
from typing import Annotated

import typer

from hunmin.console import house_act, say
from hunmin.settings.options import ConfigOption, DataOption

collections_app = typer.Typer(
    name="collections",
    help="Publish collections of documents, so that questions can be looked up in them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(collections_app)


@collections_app.command("publish")
def publish_collection(
    folder: Annotated[Path, typer.Argument(help="What `hunmin documents index` made.")],
    *,
    name: Annotated[str, typer.Option("--name", help="What readers call it.")],
    everyone: Annotated[
        bool, typer.Option("--everyone", help="Let guests look things up in it, too.")
    ] = False,
    organization: Annotated[
        str | None,
        typer.Option("--organization", help="Only for the members of the one with this id."),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Publish a collection to everybody who is signed in, and print its id.

    One that was published under the same name is replaced.
    """
    from hunmin import documents  # noqa: PLC0415 (slow to import)

    if everyone and organization is not None:
        raise typer.BadParameter("--everyone and --organization exclude each other")
    seen_by: documents.SeenBy = "everyone" if everyone else "people"
    if organization is not None:
        seen_by = "organization"
    with house_act(config, data) as act:
        made = documents.publish_collection(
            act, folder, name=name, seen_by=seen_by, organization_id=organization
        )
    say(made.id)


@collections_app.command("list")
def list_collections(*, config: ConfigOption = None, data: DataOption = None) -> None:
    """List the collections: id, name, who sees them, documents and passages."""
    from hunmin import documents  # noqa: PLC0415 (slow to import)

    with house_act(config, data, read_only=True) as act:
        for one in documents.list_collections(act):
            say(f"{one.id}  {one.name}  {one.seen_by}  {one.documents}  {one.passages}")


@collections_app.command("withdraw")
def withdraw_collection(
    collection: Annotated[str, typer.Argument(metavar="COLLECTION", help="Its name, or its id.")],
    *,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Let no question be looked up in a collection any more; its folder stays."""
    from hunmin import documents  # noqa: PLC0415 (slow to import)

    with house_act(config, data) as act:
        named = documents.find_collection(act, collection)
        documents.withdraw_collection(act, named.id if named else collection)
