"""Serving with a supervisor: its own start, and that of a server under it."""

import asyncio
import sys
from collections.abc import Callable

from hunmin.errors import HunminError
from hunmin.settings import Settings
from hunmin.web import serving
from hunmin.web.app import create_app
from hunmin.web.supervisor import Place, Supervisor


def supervise(
    settings: Settings, *, on_open: Callable[[str], None], on_ready: Callable[[], None]
) -> None:
    """Have servers serve until told to stop.

    Args:
        settings: Where, and how many of them.
        on_open: Called with the address once pages answer.
        on_ready: Called once every server's model answers.

    Raises:
        PortInUse: Another program listens there.
        ListenRefused: The address is not ours, or the port needs more rights.
    """
    listening = serving.listen_for_pages(settings)
    metrics = serving.listen_for_numbers(settings, servers=settings.web.servers)
    supervisor = Supervisor(listening, metrics, servers=settings.web.servers)
    with serving.announced(settings, listening) as address:
        well = asyncio.run(supervisor.run(on_open=lambda: on_open(address), on_ready=on_ready))
    if not well:
        sys.exit(1)


def serve_in(place: Place, settings: Settings, *, failed: Callable[[HunminError], None]) -> None:
    """Serve in a place a supervisor gave, and report to it.

    Args:
        place: What it gave.
        settings: As they are now; the address is the supervisor's.
        failed: Called with the reason where no model can answer.
    """

    def on_ready(failure: HunminError | None) -> None:
        if failure is not None:
            failed(failure)
        place.report("ready" if failure is None else "failed")

    app = create_app(settings)
    app.state.database.migrate()
    with serving.numbers(app, place.metrics) as numbers:
        serving.serve(
            app,
            place.listening,
            on_open=lambda: place.report("open"),
            on_ready=on_ready,
            on_drain=numbers.close if numbers is not None else None,
            line=place.line,
        )
