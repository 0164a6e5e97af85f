"""`hunmin worker`: background jobs in a process of their own."""

import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hunmin.console import opened
from hunmin.settings.options import ConfigOption, DataOption

if TYPE_CHECKING:
    from hunmin.db import Database
    from hunmin.worker.loop import Worker


def register(app: typer.Typer) -> None:
    """Add this room's command."""
    app.command("worker")(work)


def work(
    *,
    config: ConfigOption = None,
    data: DataOption = None,
    once: Annotated[bool, typer.Option("--once", help="Do what is due now, and end.")] = False,
    failed: Annotated[
        bool, typer.Option("--failed", help="List the jobs that were given up, and end.")
    ] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Let the jobs that were given up begin anew, and end.")
    ] = False,
) -> None:
    """Do background jobs until stopped.

    `hunmin serve` does them too unless worker.embedded is false; run this beside it where there
    is much to do. Ctrl-C or SIGTERM ends it after the job at hand; a second one ends it at once,
    and the job is done again by another worker.
    """
    from hunmin import logs, worker  # noqa: PLC0415 (slow to import)
    from hunmin.settings import Settings  # noqa: PLC0415

    settings = Settings.load(config, data)
    logs.set_up(format=settings.logs.format, level=settings.logs.level)
    with opened(settings) as database:
        if failed or retry:
            _list_failed(database, retry=retry)
            return
        hand = worker.Worker(
            database,
            worker.find_handlers(),
            settings=settings,
            poll_seconds=settings.worker.poll_seconds,
            lease_seconds=settings.worker.lease_seconds,
        )
        _work(hand, once=once)


def _list_failed(database: "Database", *, retry: bool) -> None:
    from hunmin.act import SYSTEM, open_act  # noqa: PLC0415 (slow to import)
    from hunmin.worker import queue  # noqa: PLC0415

    with open_act(database, SYSTEM, read_only=not retry) as act:
        for row in queue.failed(act.session):
            sys.stdout.write(f"{row.id}  {row.handler}  {row.error_code}  {row.attempts}\n")
            if retry:
                queue.retry(act, row.id)


def _work(hand: "Worker", *, once: bool) -> None:
    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        hand.stop(wait_seconds=0)

    if once:
        hand.schedule()
        while hand.run_once():
            pass
        return
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    hand.run()
