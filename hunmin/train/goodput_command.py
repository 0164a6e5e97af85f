"""The command `hunmin train goodput`: how often to write checkpoints, and what failures leave."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from hunmin.train.goodput import (
    GPU_HOURS_PER_FAILURE,
    Conditions,
    best_interval,
    best_played,
    effective_share,
    play,
)

_TIMES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""The intervals in the table, by how many times the best one they are."""

_SHARES = ("effective", "blocked", "lost", "stood")


def goodput_command(
    *,
    gpus: Annotated[int, typer.Option("--gpus", min=1, help="GPUs that train together.")],
    blocking_seconds: Annotated[
        float,
        typer.Option("--blocking", min=0.001, help="Seconds training stands for a checkpoint."),
    ] = 1.0,
    restart_seconds: Annotated[
        float, typer.Option("--restart", min=0, help="Seconds from a failure to the next step.")
    ] = 180.0,
    replace_seconds: Annotated[
        float | None,
        typer.Option("--replace", min=0, help="The same where a machine has to be replaced."),
    ] = None,
    writing_seconds: Annotated[
        float, typer.Option("--writing", min=0, help="Seconds until a checkpoint is on the disk.")
    ] = 0.0,
    gpu_hours: Annotated[
        float,
        typer.Option("--gpu-hours", min=1, help="GPU-hours from one failure to the next."),
    ] = round(GPU_HOURS_PER_FAILURE),
    step_seconds: Annotated[
        float | None,
        typer.Option(
            "--step", min=0.001, help="Seconds a step takes: intervals are told in steps."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the failures.")] = 1446,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Tell how often to write checkpoints, and how much of a run failures leave.

    By default failures are those of Llama 3's training: one in 50,700 GPU-hours. A year of them is
    played through.
    """
    conditions = Conditions(
        gpus=gpus,
        blocking_seconds=blocking_seconds,
        restart_seconds=restart_seconds,
        replace_seconds=replace_seconds,
        writing_seconds=writing_seconds,
        gpu_hours_per_failure=gpu_hours,
    )
    best = best_interval(conditions)
    found = {
        "seconds_between_failures": conditions.seconds_between_failures,
        "best_interval_seconds": best,
        "best_interval_played_seconds": best_played(conditions, seed=seed)[0],
        "intervals": [
            {
                "interval_seconds": best * times,
                "by_formula": effective_share(conditions, best * times),
                "played": asdict(play(conditions, best * times, seed=seed)),
            }
            for times in _TIMES
        ],
    }
    typer.echo(json.dumps(found, indent=1) if as_json else _table(gpus, found, step_seconds))


def _table(gpus: int, found: dict[str, Any], step_seconds: float | None) -> str:
    """Return what was found for people to read."""
    hours = found["seconds_between_failures"] / 3600
    best = _interval(found["best_interval_seconds"], step_seconds)
    played = _interval(found["best_interval_played_seconds"], step_seconds)
    lines = [
        f"{gpus:,} GPUs fail every {hours:,.2f} hours.",
        f"Best is a checkpoint after every {best} ({played} when played through).",
        "",
        f"{'every':>18}  {'formula':>8}  {'played':>8}  {'blocked':>8}  {'lost':>8}  {'stood':>8}",
    ]
    for one in found["intervals"]:
        shares = [one["by_formula"], *(one["played"][key] for key in _SHARES)]
        numbers = "  ".join(f"{100 * share:>6.1f} %" for share in shares)
        lines.append(f"{_interval(one['interval_seconds'], step_seconds):>18}  {numbers}")
    return "\n".join(lines)


def _interval(seconds: float, step_seconds: float | None) -> str:
    if step_seconds is not None:
        return f"{max(1, round(seconds / step_seconds)):,} steps"
    return f"{seconds:,.0f} s"
