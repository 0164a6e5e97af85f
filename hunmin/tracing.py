"""Traces: where a request spends its time, span by span, for a collector of the operator's own.

Loaded only where `telemetry.otlp_url` names one. No span has anybody's words, name or key: its
attributes are those of `Attributes`, and their values numbers, ids of ours and words of closed
sets. A thread of its own sends them. One that cannot be sent to slows nobody: what does not fit
into a short queue is dropped. Left out: numbers (`telemetry`), and which spans there are (`web`,
`gateway`).
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypedDict, cast

from typing_extensions import override

import hunmin
from hunmin import logs
from hunmin.errors import ExtraMissing, HunminError

try:
    import requests
    from opentelemetry.context import Context
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
    from opentelemetry.sdk.trace.sampling import DEFAULT_ON
    from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as error:
    raise ExtraMissing(extra="otel") from error

SEND_SECONDS_MAX = 2
"""How long sending some spans may take, with every further try; it is also what closing waits."""

SEND_EVERY_SECONDS = 2

WAITING_MAX = 4096
"""Spans that wait to be sent: those of a thousand answers. What comes beyond is dropped."""

TOGETHER_MAX = 512

log = logs.get(__name__)

Attributes = TypedDict(
    "Attributes",
    {
        "error.type": str,
        "gen_ai.operation.name": str,
        "gen_ai.provider.name": str,
        "gen_ai.request.max_tokens": int,
        "gen_ai.request.model": str,
        "gen_ai.server.time_to_first_token": float,
        "gen_ai.usage.input_tokens": int,
        "gen_ai.usage.output_tokens": int,
        "http.request.method": str,
        "http.response.status_code": int,
        "http.route": str,
        "hunmin.outcome": str,
        "hunmin.request_id": str,
    },
    total=False,
)
"""Everything a span may tell, by OpenTelemetry's names and in its units (seconds)."""


class Trip:
    """The way of one request, and the span `http` that all others of it hang from.

    That one is begun only when it is needed: whose request it is, and so whether the trace it
    says it belongs to is believed, is known once its key was read.
    """

    def __init__(
        self, tracer: "Tracer", traceparent: str | None, *, believed: Callable[[], bool]
    ) -> None:
        """Begin a trip now.

        Args:
            tracer: Whose.
            traceparent: The trace that the request says it belongs to (W3C Trace Context).
            believed: Whether that is to be believed, as far as is known when it is asked.
        """
        self._tracer = tracer
        self._traceparent = traceparent
        self._believed = believed
        self._began_ns = time.time_ns()
        self._span: Span | None = None

    @property
    def span(self) -> Span:
        """Return its span, begun when the trip was."""
        if self._span is None:
            parent = Context()
            if self._traceparent is not None and self._believed():
                carrier = {"traceparent": self._traceparent}
                parent = TraceContextTextMapPropagator().extract(carrier, parent)
            self._span = self._tracer.begin(
                "http", parent, began_ns=self._began_ns, kind=SpanKind.SERVER
            )
        return self._span

    def end(self, attributes: Attributes) -> None:
        """End its span. What is still under way then hangs from it all the same."""
        _end(self.span, attributes)


_trip: ContextVar[Trip | None] = ContextVar("trip", default=None)


class Tracer:
    """Makes spans and has them sent."""

    def __init__(self, url: str) -> None:
        """Begin to send to a collector, which need not be there.

        Args:
            url: Where it takes OTLP over HTTP; spans go to `/v1/traces` below it.
        """
        # What the library says of each try, `_Sender` says once.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._sender = _Sender(f"{url.rstrip('/')}/v1/traces")
        # Everything is said here, or the library would ask the environment.
        self._provider = TracerProvider(
            sampler=DEFAULT_ON,
            resource=Resource({"service.name": "hunmin", "service.version": hunmin.__version__}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                self._sender,
                max_queue_size=WAITING_MAX,
                schedule_delay_millis=SEND_EVERY_SECONDS * 1000,
                max_export_batch_size=TOGETHER_MAX,
                export_timeout_millis=SEND_SECONDS_MAX * 1000,
            )
        )
        self._spans = self._provider.get_tracer("hunmin", hunmin.__version__)

    @contextmanager
    def trip(self, traceparent: str | None, *, believed: Callable[[], bool]) -> Iterator[Trip]:
        """Give a trip that every span begun inside the block hangs from. See `Trip`."""
        trip = Trip(self, traceparent, believed=believed)
        token = _trip.set(trip)
        try:
            yield trip
        finally:
            _trip.reset(token)

    @contextmanager
    def span(self, name: str, attributes: Attributes) -> Iterator[None]:
        """Make a span of a block. An error is noted by its code, without its words."""
        span = self.begin(name, _parent())
        failed: Attributes = {}
        try:
            yield
        except BaseException as failure:
            failed = {"error.type": error_type(failure)}
            raise
        finally:
            _end(span, {**attributes, **failed})

    def past(self, name: str, attributes: Attributes, *, began_ns: int) -> None:
        """Make a span of what has just ended and began at a moment, in nanoseconds of Unix time."""
        _end(self.begin(name, _parent(), began_ns=began_ns), attributes)

    def begin(
        self,
        name: str,
        parent: Context,
        *,
        began_ns: int | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> Span:
        """Begin a span."""
        return self._spans.start_span(name, parent, kind=kind, start_time=began_ns)

    def close(self) -> None:
        """Send what waits, if that can be done within seconds."""
        giving_up = threading.Timer(SEND_SECONDS_MAX, self._sender.shutdown)
        giving_up.start()
        self._provider.shutdown()
        giving_up.cancel()


def error_type(failure: BaseException) -> str:
    """Return what kind of failure it is: the code of ours, for others the name of the class."""
    return failure.code if isinstance(failure, HunminError) else type(failure).__name__


def _parent() -> Context:
    """Return what a span begun now hangs from: the trip, or nothing."""
    trip = _trip.get()
    return Context() if trip is None else set_span_in_context(trip.span, Context())


def _end(span: Span, attributes: Attributes) -> None:
    """End a span. What is not in the list is left out, whatever the type checker was told."""
    told = cast("dict[str, str | int | float]", attributes)
    span.set_attributes({name: told[name] for name in told if name in Attributes.__annotations__})
    if "error.type" in told:
        span.set_status(StatusCode.ERROR)
    span.end()


class _Sender(SpanExporter):
    """Sends spans to one address only, and says once that it cannot, and once that it can again."""

    def __init__(self, address: str) -> None:
        session = requests.Session()
        session.trust_env = False  # no proxy, and no password, of the environment
        session.max_redirects = 0
        self._sender = OTLPSpanExporter(address, timeout=SEND_SECONDS_MAX, session=session)
        self._fails = False
        self._closed = False

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._closed:
            return SpanExportResult.FAILURE
        result = self._sender.export(spans)
        fails = result is not SpanExportResult.SUCCESS
        if fails and not self._fails:
            log.warning("spans cannot be sent and are dropped")
        elif self._fails and not fails:
            log.info("spans are sent again")
        self._fails = fails
        return result

    @override
    def shutdown(self) -> None:
        if not self._closed:
            self._closed = True
            self._sender.shutdown()
