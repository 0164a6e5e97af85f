"""What the service measures of itself, in the form of Prometheus.

Numbers only: no words, names or ids of people, and labels come from closed sets, as the routes
there are, the models served and the codes of errors. Any room may count here; where the numbers
are served is for `web` to say. Left out: what is asked for only when somebody looks, as how many
jobs wait (`web.metrics`), and the way of one request (`tracing`).
"""

from collections.abc import Mapping
from typing import Literal

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

prometheus_client.disable_created_metrics()

REGISTRY = CollectorRegistry(auto_describe=True)
"""Everything this process counts."""

UpstreamState = Literal["ok", "resting", "drained", "failed"]
UPSTREAM_STATES: tuple[UpstreamState, ...] = ("ok", "resting", "drained", "failed")
"""Of an engine on another machine: it takes requests; it failed often and is left alone for a
moment; it is to get no more; it does not answer when asked how it is."""

NO_ROUTE = "none"
"""Stands for every address where there is nothing: they have no end."""

_SHORT = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_LONG = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0, 600.0)

_REQUESTS = Counter(
    "hunmin_requests",
    "Requests answered, by route and HTTP status; 0 where nobody waited for the answer.",
    ["route", "status"],
    registry=REGISTRY,
)
_REFUSALS = Counter(
    "hunmin_refusals", "Requests answered with an error, by its code.", ["code"], registry=REGISTRY
)
_ADMISSION = Histogram(
    "hunmin_admission_seconds",
    "From a request that was read to an answer that was let in.",
    buckets=_SHORT,
    registry=REGISTRY,
)
_FIRST_TOKEN = Histogram(
    "hunmin_first_token_seconds",
    "From an answer that was begun to its first text.",
    ["model"],
    buckets=_LONG,
    registry=REGISTRY,
)
_ANSWER = Histogram(
    "hunmin_answer_seconds",
    "From an answer that was begun to its end, by how it ended.",
    ["model", "outcome"],
    buckets=_LONG,
    registry=REGISTRY,
)
_TOKENS = Counter(
    "hunmin_tokens",
    "Tokens of answers that ended: of prompts, of them cached, and written.",
    ["model", "kind"],
    registry=REGISTRY,
)
_DATABASE = Histogram(
    "hunmin_database_seconds",
    "How long transactions took, by what they were for.",
    ["deed"],
    buckets=_SHORT,
    registry=REGISTRY,
)
_LOOP_LAG = Gauge(
    "hunmin_loop_lag_seconds", "How late the event loop was, last measured.", registry=REGISTRY
)
_UPSTREAM = Gauge(
    "hunmin_upstream_state",
    "Engines on other machines: 1 for the state each is in.",
    ["name", "state"],
    registry=REGISTRY,
)
_SHED = Counter(
    "hunmin_shed",
    "Answers that were not begun because the service was overloaded, by what pressed.",
    ["cause"],
    registry=REGISTRY,
)
_WAIT = Gauge(
    "hunmin_wait_seconds",
    "How long a new answer is expected to wait until it begins.",
    ["model"],
    registry=REGISTRY,
)
ProcessCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)


def request_ended(*, route: str, status: int, code: str | None) -> None:
    """Count a request.

    Args:
        route: The pattern of its address, as the route has it; empty where there is none.
        status: The HTTP status; 0 where none was sent.
        code: Of the error it was answered with, if it was one.
    """
    _REQUESTS.labels(route or NO_ROUTE, str(status)).inc()
    if code is not None:
        _REFUSALS.labels(code).inc()


def answer_admitted(*, seconds: float) -> None:
    """Count an answer that was let in, and how long that took."""
    _ADMISSION.observe(seconds)


def answer_ended(
    *,
    model: str,
    outcome: str,
    tokens: Mapping[str, int],
    first_token_ms: int | None,
    wall_ms: int,
) -> None:
    """Count an answer that has ended.

    Args:
        model: One of those served.
        outcome: How it ended, as its settlement says.
        tokens: How many there were of each kind.
        first_token_ms: When it began to speak, if it did.
        wall_ms: How long it took.
    """
    _ANSWER.labels(model, outcome).observe(wall_ms / 1000)
    if first_token_ms is not None:
        _FIRST_TOKEN.labels(model).observe(first_token_ms / 1000)
    for kind, count in tokens.items():
        _TOKENS.labels(model, kind).inc(count)


def transaction_ended(deed: str, *, seconds: float) -> None:
    """Count a transaction: `read`, `write`, or `record` where it did not wait for the disk."""
    _DATABASE.labels(deed).observe(seconds)


def loop_lagged(seconds: float) -> None:
    """Note how late the event loop is."""
    _LOOP_LAG.set(seconds)


def request_shed(cause: str) -> None:
    """Count a request that was refused because the service was overloaded."""
    _SHED.labels(cause).inc()


def answers_wait(model: str, *, seconds: float) -> None:
    """Note how long a new answer of a model is expected to wait until it begins."""
    _WAIT.labels(model).set(seconds)


def upstream_is(name: str, state: UpstreamState) -> None:
    """Note how an engine on another machine is."""
    for known in UPSTREAM_STATES:
        _UPSTREAM.labels(name, known).set(known == state)
