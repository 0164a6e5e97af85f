"""The application: every room's routes behind one set of guards, started and stopped as one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response

from hunmin import (
    __version__,
    accounts,
    audit,
    batches,
    chat,
    documents,
    faces,
    gateway,
    logs,
    plugins,
    signin,
    worker,
)
from hunmin.accounts import pages as accounts_pages
from hunmin.accounts import people_pages
from hunmin.batches import routes as batches_routes
from hunmin.billing import invoice_pages, usage_pages, usage_routes
from hunmin.billing import pages as billing_pages
from hunmin.billing import routes as billing_routes
from hunmin.chat import pages as chat_pages
from hunmin.chat import routes as chat_routes
from hunmin.db import Database, open_database
from hunmin.documents import pages as documents_pages
from hunmin.documents import routes as documents_routes
from hunmin.errors import EngineUnknown, HunminError, ModelFolderMissing, ModelNameWrong
from hunmin.organizations import pages as organizations_pages
from hunmin.organizations import project_pages
from hunmin.organizations import routes as organizations_routes
from hunmin.runs import pages as runs_pages
from hunmin.settings import Settings
from hunmin.signin import pages as signin_pages
from hunmin.signin import passkey_routes, provider_pages, provider_routes, security_pages
from hunmin.web import assets, health, install, openapi, pages, status
from hunmin.web.middleware import LOOPBACK, BodyLimits, Desk, Guards, write_headers
from hunmin.web.straight import Straight
from hunmin.web.traced import Traced

if TYPE_CHECKING:
    from hunmin.tracing import Tracer

log = logs.get(__name__)

GZIP_BYTES_MIN = 1024

UNTOLD: TelemetryConfig = {
    "auto_configure": False,
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
}
"""FastAPI would send whole addresses, with the secrets in them, where the environment asks."""


def create_app(settings: Settings, *, engine: plugins.Engine | None = None) -> FastAPI:
    """Return the application. It opens its database and starts its engine when it is served.

    Args:
        settings: Everything that can be set.
        engine: What answers; by default the engine and models the settings name.

    Raises:
        HunminError: A setting names an engine or a model that is not there, or one name twice.
    """
    engine_name = settings.inference.engine if engine is None else type(engine).__name__
    engine = engine or gateway.Fleet(find_engines(settings))
    app = FastAPI(
        title="Hunmin",
        version=__version__,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry=UNTOLD,
    )
    tracer = _open_tracer(settings)
    app.state.tracer = tracer
    app.state.settings = settings
    app.state.database = open_database(settings.database_url)
    app.state.gateway = gateway.Gateway(engine, app.state.database, settings.gateway, tracer=tracer)
    app.state.providers = signin.Providers(settings.accounts.providers)
    app.state.batches = batches.Runner(app.state.gateway, app.state.database, settings)
    app.state.known_keys = accounts.KnownKeys()
    app.state.engine_name = engine_name
    app.state.draining = False
    app.state.status_board = status.Board(app)
    app.state.nav = list(pages.NAV)
    app.state.speaks_https = settings.web.public_url.startswith("https://")
    app.state.installable = settings.web.installable
    app.state.adopters = [chat.adopt_history, documents.adopt_files]
    app.state.error_faces = dict.fromkeys(gateway.API_PATHS, gateway.error_face)
    # Routes are tried in this order, and nothing is asked as often as the gateway.
    rooms = (
        gateway,
        pages,
        accounts_pages,
        people_pages,
        provider_pages,
        provider_routes,
        signin_pages,
        passkey_routes,
        security_pages,
        organizations_pages,
        project_pages,
        organizations_routes,
        billing_pages,
        usage_pages,
        invoice_pages,
        billing_routes,
        usage_routes,
        batches_routes,
        chat_pages,
        chat_routes,
        documents_pages,
        documents_routes,
        runs_pages,
        health,
        status,
        install,
        assets,
    )
    for room in rooms:
        app.include_router(room.router)
    openapi.describe(app)
    for kind in (HunminError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _show_error)
    app.add_exception_handler(ResponseValidationError, _show_misfit)
    app.add_exception_handler(Exception, _show_fault)
    # The last one added is the outermost.
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_BYTES_MIN)
    app.add_middleware(Straight, routes=gateway.STRAIGHT)
    app.add_middleware(
        Guards,
        hosts=hosts_of(settings),
        any_address=settings.web.host not in LOOPBACK,
        # The gateway reads bodies itself, to its own limit; this one is only a net below it.
        limits=BodyLimits(
            settings.web.request_bytes_max,
            under={
                batches_routes.FILES_PATH: batches_routes.FORM_BYTES_MAX,
                **dict.fromkeys(gateway.API_PATHS, 2 * settings.gateway.request_bytes_max),
                documents_routes.FILES_PATH: (
                    settings.documents.file_bytes_max + documents_routes.FORM_BYTES
                ),
            },
        ),
    )
    app.add_middleware(Desk)
    if tracer is not None:
        app.add_middleware(Traced, tracer=tracer)
    return app


def _open_tracer(settings: Settings) -> "Tracer | None":
    if not settings.telemetry.otlp_url:
        return None
    from hunmin.tracing import Tracer  # noqa: PLC0415 (an extra: only who traces loads it)

    return Tracer(settings.telemetry.otlp_url)


def find_engines(settings: Settings) -> list[plugins.Engine]:
    """Return an engine for each model the settings name, not yet started; one for all upstreams.

    Each model has its own, so that one that cannot start takes no other down.

    Raises:
        EngineUnknown: None of that name is installed.
        UpstreamWrong: The settings of an upstream make no sense.
        ModelNameWrong: A model has a name that no event of the audit log could hold.
        ModelFolderMissing: A model is not where the settings say.
    """
    open_engine = plugins.find_engine(settings.inference.engine)
    if open_engine is None:
        raise EngineUnknown(name=settings.inference.engine, known=plugins.engine_names())
    for name, folder in settings.models.items():
        if not audit.is_word(name):
            raise ModelNameWrong(name=name)
        if not (folder / "config.json").is_file():
            raise ModelFolderMissing(folder=folder)
    for upstream in settings.upstreams.values():
        for name in upstream.names:
            if not audit.is_word(name):
                raise ModelNameWrong(name=name)
    cache, threads = settings.data / "cache", settings.inference.threads
    engines = [
        open_engine(
            {name: folder},
            cache=cache,
            threads=threads,
            prefix_cache=settings.inference.prefix_cache,
        )
        for name, folder in settings.models.items()
    ]
    if settings.upstreams:
        engines.append(plugins.find_upstreams()(settings.upstreams, data=settings.data))
    return engines


def hosts_of(settings: Settings) -> set[str]:
    """Return the names this service goes by."""
    public = urlsplit(settings.web.public_url)
    named = {settings.web.host, public.hostname or "", public.netloc, *settings.web.hosts}
    return (named | LOOPBACK) - {"", "0.0.0.0", "::"}  # noqa: S104 (not listened at)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Migrate, start the engine beside everything else, do jobs; in the end stop them all."""
    database: Database = app.state.database
    await asyncio.to_thread(database.migrate)
    app.state.gateway.launch()
    app.state.batches.launch()
    hand = _start_worker(app.state.settings, database)
    looking = asyncio.create_task(status.keep_looking(app.state.status_board))
    try:
        yield
    finally:
        looking.cancel()
        if hand is not None:
            await asyncio.to_thread(hand.stop)
        await app.state.batches.close()
        await app.state.gateway.close()
        await asyncio.to_thread(database.close)
        if app.state.tracer is not None:
            await asyncio.to_thread(app.state.tracer.close)


async def end_answers(app: FastAPI) -> None:
    """End what is being written and keep it, while the connections it is read by still stand."""
    await app.state.batches.close()
    await app.state.chat_answers.close()
    await app.state.gateway.close()


def _start_worker(settings: Settings, database: Database) -> worker.Worker | None:
    if not settings.worker.embedded:
        return None
    hand = worker.Worker(
        database,
        worker.find_handlers(),
        settings=settings,
        poll_seconds=settings.worker.poll_seconds,
        lease_seconds=settings.worker.lease_seconds,
    )
    hand.start()
    return hand


async def _show_error(request: Request, error: Exception) -> Response:
    """Answer with what went wrong, in the face that fits."""
    headers = dict(getattr(error, "headers", None) or {})
    problem = faces.problem_of(request, error)
    if problem.status == 401:  # noqa: PLR2004 (RFC 9110 asks for the scheme)
        headers.setdefault("WWW-Authenticate", "Bearer")
    return faces.show_problem(request, problem, headers=headers)


async def _show_misfit(request: Request, error: Exception) -> Response:
    """Answer for an answer of ours that is not as described. Its text quotes what it holds."""
    assert isinstance(error, ResponseValidationError)
    log.error(
        "an answer is not as described",
        request_id=getattr(request.state, "request_id", ""),
        route=error.endpoint_path,
        kinds=sorted({one["type"] for one in error.errors()}),
    )
    return await _show_error(request, error)


async def _show_fault(request: Request, error: Exception) -> Response:
    """Answer for a mistake of ours. It is outside every middleware, so it writes its headers."""
    # The server prints the traceback; this line says which request it was.
    request_id = getattr(request.state, "request_id", "")
    log.error("fault", request_id=request_id, kind=type(error).__name__)
    response = await _show_error(request, error)
    write_headers(request.scope, MutableHeaders(raw=response.raw_headers))
    return response
