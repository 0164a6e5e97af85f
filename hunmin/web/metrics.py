"""The numbers of this process for Prometheus, at a port of their own and never the public one.

A thread answers, so that the numbers come also while the event loop is late. What is asked of the
database is asked anew at most every few seconds, however many look.
"""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from hunmin import audit, telemetry, worker
from hunmin.act import SYSTEM, open_act
from hunmin.db import Database
from hunmin.errors import HunminError
from hunmin.gateway import Gateway

ASK_AGAIN_SECONDS = 5.0
"""How old an answer of the database may be."""

REQUEST_SECONDS_MAX = 10
"""How long a request for the numbers may take: nobody holds a thread for ever."""


@dataclass(frozen=True, slots=True)
class _Behind:
    """What the database says: how far jobs and seals are behind."""

    jobs: int
    events: int


class Everything(Collector):
    """What the process counts, and what is counted when somebody looks: models, jobs, seals."""

    def __init__(self, app: FastAPI) -> None:
        self._gateway: Gateway = app.state.gateway
        self._database: Database = app.state.database
        self._lock = threading.Lock()
        self._asked_at = -ASK_AGAIN_SECONDS
        self._behind: _Behind | None = None

    @override
    def collect(self) -> Iterator[Metric]:
        """Return the numbers of now; those of the database are left out while it is away."""
        yield from telemetry.REGISTRY.collect()
        up = GaugeMetricFamily(
            "hunmin_engine_up", "Whether a model can take a request.", labels=["model"]
        )
        running = GaugeMetricFamily(
            "hunmin_answers_running", "Answers being written.", labels=["model"]
        )
        counts = self._gateway.answers_running()
        for card in self._gateway.models():
            up.add_metric([card.id], float(self._gateway.can_answer(card.id)))
            running.add_metric([card.id], counts.get(card.id, 0))
        yield up
        yield running
        behind = self._ask()
        if behind is not None:
            said = "Jobs that are due and wait for a worker."
            yield GaugeMetricFamily("hunmin_jobs_waiting", said, value=behind.jobs)
            said = "Audit events after the last seal."
            yield GaugeMetricFamily("hunmin_log_unsealed", said, value=behind.events)

    def _ask(self) -> _Behind | None:
        with self._lock:
            if time.monotonic() - self._asked_at >= ASK_AGAIN_SECONDS:
                self._behind = _ask(self._database)
                self._asked_at = time.monotonic()
            return self._behind


def _ask(database: Database) -> _Behind | None:
    try:
        with open_act(database, SYSTEM, request_id="metrics", read_only=True) as act:
            return _Behind(worker.read_due(act).jobs, audit.read_unsealed(act).events)
    except HunminError:
        return None


class MetricsServer:
    """Serves the numbers of an application until `close`."""

    def __init__(self, app: FastAPI, listening: socket.socket) -> None:
        """Begin to serve on a socket that listens."""
        page = CollectorRegistry()
        page.register(Everything(app))
        self._server = _Server(listening, make_wsgi_app(page))
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="hunmin-metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop. Safe to call twice."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingMixIn, WSGIServer):
    """A small web server on a socket that listens already."""

    daemon_threads = True

    def __init__(self, listening: socket.socket, app: Any) -> None:  # noqa: ANN401 (WSGI)
        super().__init__(listening.getsockname(), _Quiet, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        host, port = listening.getsockname()[:2]
        self.server_name, self.server_port = host, port
        self.setup_environ()
        self.set_app(app)


class _Quiet(WSGIRequestHandler):
    """Logs nothing, and waits for nobody for ever."""

    timeout = REQUEST_SECONDS_MAX

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a look every few seconds is no news."""
