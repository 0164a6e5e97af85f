"""The commands of the room: `hunmin corpus build`, `show`, `licenses` and `canaries`."""

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


@corpus.command("canaries")
def canaries_command(
    *,
    out: Annotated[Path, typer.Option("--out", help="The folder to make.")],
    seed: Annotated[
        str,
        typer.Option(
            "--seed", help="A phrase all numbers are drawn from; a secret where they must be one."
        ),
    ],
    repeats: Annotated[
        str, typer.Option("--repeats", help="How often canaries are put in, with commas.")
    ] = "1,4,16",
    each: Annotated[int, typer.Option("--each", min=1, help="Canaries of each count.")] = 8,
    controls: Annotated[
        int, typer.Option("--controls", min=1, help="Canaries that are never put in.")
    ] = 8,
) -> None:
    """Make canaries: sentences with random numbers, to see how much a model memorizes.

    `hunmin train --canaries` puts them into the training text, and `hunmin eval exposure` tells
    afterwards what the model knows of them.
    """
    from pydantic import ValidationError  # noqa: PLC0415 (keeps --help fast)

    from hunmin.corpus import CanaryConfig, make_canaries  # noqa: PLC0415 (likewise)

    try:
        counts = tuple(map(int, repeats.split(",")))
        config = CanaryConfig(seed=seed, repeats=counts, canaries_each=each, controls=controls)
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"]) from error
    except ValueError as error:
        raise typer.BadParameter(
            "counts with commas, as in 1,4,16", param_hint="--repeats"
        ) from error
    make_canaries(config, out)
    typer.echo(str(out))


def register(app: typer.Typer) -> None:
    """Add this room's commands to the program."""
    app.add_typer(corpus)
