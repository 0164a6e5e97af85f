"""What is done before a large run: `hunmin train plan`, `hunmin train ladder`."""

import json
from pathlib import Path
from typing import Annotated

import typer


def plan_command(
    sizes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SIZE]...", help="S, M, L or a depth such as 12; without any, S, M and L."
        ),
    ] = None,
    *,
    vocabulary: Annotated[
        int | None,
        typer.Option(
            "--vocabulary", min=1, help="Tokens of the tokenizer; by default the size's own."
        ),
    ] = None,
    sequence: Annotated[
        int | None,
        typer.Option("--sequence", min=1, help="Tokens of a sequence; by default the size's own."),
    ] = None,
    tokens_per_parameter: Annotated[
        float, typer.Option("--tokens-per-parameter", help="How long the run is.")
    ] = 20.0,
    gpus: Annotated[int, typer.Option("--gpus", min=1, help="How many GPUs train together.")] = 8,
    mfu: Annotated[
        float,
        typer.Option(
            "--mfu", min=0.01, max=1.0, help="Share of the GPUs' arithmetic that is used."
        ),
    ] = 0.4,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print every number as JSON instead of a table.")
    ] = False,
) -> None:
    """Print what training a model of a size takes: tokens, rates, memory, disk and GPU-hours.

    All follows from the size and the tokens for each parameter; docs/guides/plan-a-training-run.md
    says how. Memory is without activations, and time is arithmetic: FLOPs over what the GPUs do.
    """
    from hunmin.model import shape_of  # noqa: PLC0415 (slow to load)
    from hunmin.train import plan_table  # noqa: PLC0415 (slow to load)
    from hunmin.train.budget import Budget  # noqa: PLC0415 (slow to load)
    from hunmin.train.dial import plan  # noqa: PLC0415 (slow to load)

    plans = []
    try:
        for size in sizes or ("S", "M", "L"):
            shape = shape_of(size, vocab_size=vocabulary, context_tokens=sequence)
            stage = plan(shape, tokens_per_parameter=tokens_per_parameter)
            budget = Budget.of(shape, stage)
            plans.append(plan_table.Plan(size.upper(), shape, stage, budget))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if as_json:
        typer.echo(json.dumps(plan_table.as_json(plans, gpus=gpus, mfu=mfu), indent=1))
    else:
        typer.echo(plan_table.as_text(plans, gpus=gpus, mfu=mfu))


def ladder_command(
    *,
    corpus: Annotated[Path, typer.Option("--corpus", help="A finished corpus folder.")],
    tokenizer: Annotated[Path, typer.Option("--tokenizer", help="A finished tokenizer folder.")],
    out: Annotated[
        Path, typer.Option("--out", help="The folder of the runs, and of what is found from them.")
    ],
    depths: Annotated[
        str, typer.Option("--depths", help="The depths to train, at least three: 2,3,4,5,6.")
    ],
    predict: Annotated[
        str | None,
        typer.Option(
            "--predict", help="The size to predict: a depth, S, M or L. By default the next depth."
        ),
    ] = None,
    sequence: Annotated[int, typer.Option("--sequence", min=1, help="Tokens of a sequence.")] = 256,
    tokens_per_parameter: Annotated[
        float, typer.Option("--tokens-per-parameter", help="How long the runs are.")
    ] = 20.0,
    compile_wanted: Annotated[
        bool,
        typer.Option("--compile/--no-compile", help="Compile the models where that is possible."),
    ] = True,
) -> None:
    """Train small models of the dial, and predict the loss of the next size from them.

    Each depth is a run of its own in OUT/depth-N. Ctrl-C or SIGTERM saves the one under way; the
    same command goes on from there, and with more depths it trains only those that are new. What
    is found is in the folder that is printed: ladder.json and ladder.svg.
    """
    try:
        numbers = [int(word) for word in depths.split(",")]
    except ValueError as error:
        raise typer.BadParameter("numbers with commas", param_hint="--depths") from error
    from hunmin.train.ladder import Ladder, climb, said  # noqa: PLC0415 (slow to load)

    ladder = Ladder(
        corpus=corpus,
        tokenizer=tokenizer,
        out=out,
        sequence_tokens=sequence,
        tokens_per_parameter=tokens_per_parameter,
        compile_wanted=compile_wanted,
    )
    try:
        for size in (*map(str, numbers), *([predict] if predict else [])):
            ladder.stage(size)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    folder = climb(ladder, numbers, target=predict)
    typer.echo(said(folder), err=True)
    typer.echo(str(folder))
