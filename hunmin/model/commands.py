"""The commands of the room: `hunmin tokenizer …` and `hunmin export`."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

tokenizer = typer.Typer(
    name="tokenizer",
    help="Learn a vocabulary from a corpus, and report how well it fits.",
    no_args_is_help=True,
)


@tokenizer.command("train")
def train_command(
    corpus: Annotated[Path, typer.Argument(help="A finished corpus folder.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="The tokenizer folder to make.")],
    vocab_size: Annotated[
        int,
        typer.Option(
            "--vocab-size",
            help="Tokens in all, 256 special ones and 256 bytes included; a multiple of 128.",
        ),
    ] = 16_384,
    min_frequency: Annotated[
        int,
        typer.Option("--min-frequency", min=1, help="How often a pair must occur to be merged."),
    ] = 2,
    mb_per_source: Annotated[
        int,
        typer.Option(
            "--mb-per-source", min=1, help="Text read of each source, at most, in megabytes."
        ),
    ] = 200,
    balance: Annotated[
        float,
        typer.Option(
            "--balance",
            min=0.0,
            max=1.0,
            help="How far small sources are brought to the weight of the largest: "
            "0 not at all, 1 wholly.",
        ),
    ] = 0.0,
    morphemes: Annotated[
        bool,
        typer.Option("--morphemes", help="Learn merges inside the morphemes that Kiwi finds."),
    ] = False,
) -> None:
    """Learn a byte-level BPE vocabulary from a corpus."""
    from hunmin.model.tokenizer_training import train_tokenizer  # noqa: PLC0415 (slow to load)

    manifest = train_tokenizer(
        corpus,
        out,
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        bytes_per_source_max=mb_per_source * 1_000_000,
        balance=balance,
        morphemes=morphemes,
    )
    typer.echo(f"{out}: {manifest.facts['vocab_size']} tokens", err=True)
    typer.echo(str(out))


@tokenizer.command("report")
def report_command(
    folder: Annotated[
        Path,
        typer.Argument(metavar="TOKENIZER", help="A tokenizer, checkpoint or model folder."),
    ],
    corpus: Annotated[Path, typer.Argument(help="A finished corpus folder.")],
    *,
    beside: Annotated[
        list[Path] | None,
        typer.Option("--beside", help="Another tokenizer.json to compare with; may be repeated."),
    ] = None,
    mb_per_source: Annotated[
        int, typer.Option("--mb-per-source", min=1, help="Held-out text read of each source.")
    ] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not tables.")] = False,
) -> None:
    """Report how well a vocabulary fits a text: bytes per token, and what lies unused."""
    from hunmin.model.fertility import tokenizer_report  # noqa: PLC0415 (slow to load)
    from hunmin.model.fertility_table import report_text  # noqa: PLC0415 (likewise)

    reports = tokenizer_report(
        folder, corpus, beside=beside, bytes_per_source_max=mb_per_source * 1_000_000
    )
    if as_json:
        typer.echo(json.dumps([report.model_dump() for report in reports], ensure_ascii=False))
    else:
        typer.echo(report_text(reports))


def export_command(
    checkpoint: Annotated[Path, typer.Argument(help="A finished checkpoint folder.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="The model folder to make.")],
    name: Annotated[str, typer.Option("--name", help="The name the model goes by.")],
    evaluation: Annotated[
        Path | None,
        typer.Option("--evaluation", help="An evaluation of this checkpoint, for the card."),
    ] = None,
    exposure: Annotated[
        Path | None,
        typer.Option(
            "--exposure", help="What this checkpoint memorized of its canaries, for the card."
        ),
    ] = None,
    quantization: Annotated[
        Literal["Q8_0", "Q4_0", "F16"],
        typer.Option("--quantization", help="How the GGUF file stores matrices."),
    ] = "Q8_0",
    weights: Annotated[
        Literal["as-trained", "float32", "bfloat16"],
        typer.Option("--weights", help="How model.safetensors stores them."),
    ] = "as-trained",
    license_id: Annotated[
        str,
        typer.Option("--license", help="The license you give the model, for example apache-2.0."),
    ] = "not-stated",
) -> None:
    """Make a model folder from a checkpoint: Transformers files, GGUF, card and lineage."""
    from hunmin.model.hub_folder import export  # noqa: PLC0415 (slow to load)

    manifest = export(
        checkpoint,
        out,
        name=name,
        evaluation=evaluation,
        exposure=exposure,
        quantization=quantization,
        weights=weights,
        license_id=license_id,
    )
    typer.echo(f"{name}: {manifest.facts['parameters']:,} parameters", err=True)
    typer.echo(str(out))


def register(app: typer.Typer) -> None:
    """Add the room's commands to the `hunmin` program."""
    app.add_typer(tokenizer)
    app.command("export")(export_command)
