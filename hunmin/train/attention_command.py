"""The command `hunmin train attention`: how long each attention kernel takes here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from hunmin.model.attention_names import KERNEL_NAMES

if TYPE_CHECKING:
    from hunmin.train.attention_timing import Timing

_WAYS = {False: "one document", True: "documents apart"}
"""What a kernel is measured on, by whether a sequence has several documents."""


def attention_command(
    size: Annotated[
        str, typer.Argument(metavar="[SIZE]", help="S, M, L or a depth such as 12.")
    ] = "S",
    *,
    sequence: Annotated[
        int | None,
        typer.Option("--sequence", min=2, help="Tokens of a sequence; by default the size's own."),
    ] = None,
    tensor: Annotated[
        int, typer.Option("--tensor", min=1, help="Processes that share the heads of a layer.")
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Measure what computes attention, for a size of the dial on this machine.

    One layer's attention, forward and backward, with each kernel that works here: where a sequence
    is one document, and where it has several that must not see each other. On a GPU the fastest
    are remembered, in the place of what was measured before; runs take them from there.
    """
    from hunmin.model import shape_of  # noqa: PLC0415 (slow to load)
    from hunmin.train.attention_choice import fastest_of, remember  # noqa: PLC0415 (slow to load)
    from hunmin.train.attention_timing import Case, measure  # noqa: PLC0415 (slow to load)
    from hunmin.train.device import find_device  # noqa: PLC0415 (slow to load)

    try:
        shape = shape_of(size, context_tokens=sequence)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if shape.key_value_heads % tensor:
        heads = f"must divide the {shape.key_value_heads} heads of keys and values"
        raise typer.BadParameter(heads, param_hint="--tensor")
    device = find_device()
    found: dict[bool, list[Timing]] = {}
    for apart in _WAYS:
        case = Case.of_shape(
            shape, device, tensor=tensor, sequence_tokens=shape.context_tokens, apart=apart
        )
        found[apart] = measure(KERNEL_NAMES, case, device.device)
        fastest = fastest_of(found[apart])
        if fastest is not None and device.device.type == "cuda":
            remember(case, fastest)
    if as_json:
        told = {_WAYS[apart]: [asdict(one) for one in timings] for apart, timings in found.items()}
        typer.echo(json.dumps({"device": device.name, **told}, indent=1))
        return
    number = "bfloat16" if device.bfloat16 else "float32"
    typer.echo(
        f"Attention of one layer of {size.upper()}, forward and backward: "
        f"{shape.context_tokens:,} tokens a sequence, {number}, {device.name}\n"
    )
    typer.echo(_table(found))


def _table(found: Mapping[bool, Sequence["Timing"]]) -> str:
    """Return times and how many times the fastest they are, and below why others do not work."""
    lines = [f"{'':<10}" + "".join(f"{_WAYS[apart]:>22}" for apart in found)]
    for kernel, *row in zip(KERNEL_NAMES, *found.values(), strict=True):
        cells = [_cell(one, timings) for one, timings in zip(row, found.values(), strict=True)]
        lines.append(f"{kernel:<10}" + "".join(cells))
    troubles: dict[tuple[str, str], list[str]] = {}
    for apart, timings in found.items():
        for one in timings:
            if one.trouble:
                troubles.setdefault((one.kernel, one.trouble), []).append(_WAYS[apart])
    why = [f"{kernel}, {' and '.join(ways)}: {why}" for (kernel, why), ways in troubles.items()]
    return "\n".join([*lines, "", *why]).rstrip()


def _cell(one: "Timing", timings: Sequence["Timing"]) -> str:
    if one.milliseconds is None:
        return f"{'no':>22}"
    least = min(each.milliseconds for each in timings if each.milliseconds is not None)
    return f"{one.milliseconds:>11.2f} ms {one.milliseconds / least:>6.2f}x"
