"""The commands of the room: `hunmin corpus build`, `show` and `licenses`."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

corpus = typer.Typer(
    name="corpus",
    help="Turn licensed text into clean, deduplicated shards, and show what became of it.",
    no_args_is_help=True,
)


@corpus.command("build")
def build_command(
    sources: Annotated[Path, typer.Argument(help="The sources file, in TOML.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="The corpus folder to make.")],
    runner: Annotated[
        Literal["local", "ray"],
        typer.Option(
            "--runner",
            help="local: this machine. ray: a Ray cluster that shares its files, at RAY_ADDRESS.",
        ),
    ] = "local",
    rights: Annotated[
        Path | None,
        typer.Option("--rights", help="JSON Lines of licenses allowed and ids withdrawn."),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", help="Steers what is held out, drawn, and the order.")
    ] = 0,
    heldout: Annotated[
        float,
        typer.Option("--heldout", min=0.0, max=0.5, help="Share set aside for measuring."),
    ] = 0.005,
    near_duplicates: Annotated[
        bool,
        typer.Option(help="Look for near-duplicates, or only for exact ones."),
    ] = True,
) -> None:
    """Build a corpus from the sources a file names.

    Interrupted at any moment, the same command goes on where it was. The result depends on the
    sources and options alone, not on the machine.
    """
    from hunmin.corpus import CorpusConfig, NearDuplicates, build  # noqa: PLC0415 (slow to load)
    from hunmin.corpus.report import summary  # noqa: PLC0415 (likewise)

    manifest = build(
        sources,
        out,
        config=CorpusConfig(
            seed=seed,
            heldout_share=heldout,
            near_duplicates=NearDuplicates(enabled=near_duplicates),
        ),
        runner=runner,
        rights=rights,
    )
    typer.echo(summary(manifest), err=True)
    typer.echo(str(out))


@corpus.command("show")
def show_command(
    folder: Annotated[Path, typer.Argument(help="A finished corpus folder.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not tables.")] = False,
) -> None:
    """Print documents by source and license, and why others were dropped."""
    from hunmin.corpus.report import describe, tables  # noqa: PLC0415 (slow to load)

    description = describe(folder)
    if as_json:
        typer.echo(json.dumps(description, ensure_ascii=False, indent=1))
    else:
        typer.echo(tables(description))


@corpus.command("licenses")
def licenses_command(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Print every license known, its conditions, and whether it is allowed by default."""
    from hunmin.corpus.licenses import LICENSES  # noqa: PLC0415 (keeps --help fast)
    from hunmin.corpus.report import license_table  # noqa: PLC0415 (likewise)

    if as_json:
        rows = [
            {
                "id": entry.id,
                "en": entry.en,
                "ko": entry.ko,
                "url": entry.url,
                "conditions": list(entry.conditions),
                "allowed": entry.allowed,
            }
            for entry in LICENSES.values()
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        typer.echo(license_table(list(LICENSES.values())))


def register(app: typer.Typer) -> None:
    """Add this room's commands to the program."""
    app.add_typer(corpus)
