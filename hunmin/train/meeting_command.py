"""The command `hunmin train meeting`: where the replicas of a run meet."""

from typing import Annotated

import typer

from hunmin.train.stopping import asked_to_stop


def meeting_command(
    *,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Where; 0 for any that is free.")
    ] = 29600,
    replicas: Annotated[
        int,
        typer.Option(
            "--replicas", min=1, help="How many a run waits for to begin, a minute at most."
        ),
    ] = 1,
    lost_after: Annotated[
        float | None,
        typer.Option(
            "--lost-after",
            min=1,
            help="Seconds replicas wait for one that hangs: longer than a step takes. Default: 8.",
        ),
    ] = None,
) -> None:
    """Keep the roll of the replicas that train one model and are lost, and come back, alone.

    Each replica is started with `hunmin train run ... --meeting HOST:PORT`. The meeting needs
    neither a GPU nor the run's folder, and has nothing to lose: started again at the same place it
    is found again. It runs until Ctrl-C. Keep its port within the cluster: whoever reaches it can
    disturb the run.
    """
    from hunmin.train.meeting import PATIENCE_SECONDS, Meeting  # noqa: PLC0415 (slow to load)

    patience_seconds = PATIENCE_SECONDS if lost_after is None else lost_after
    meeting = Meeting(port, replicas=replicas, patience_seconds=patience_seconds)
    typer.echo(f"hunmin: replicas meet at port {meeting.port}", err=True)
    with asked_to_stop() as stop:
        meeting.keep(lambda said: typer.echo(f"hunmin: {said}", err=True), stop)
