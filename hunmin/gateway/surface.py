"""Every address of the API, as the application takes it."""

from fastapi import APIRouter
from fastapi.routing import APIRoute

from hunmin.gateway import embedding_routes, response_routes, routes, token_routes
from hunmin.gateway.exchange import Handler, straight_handler

API_PATHS = ("/v1", *token_routes.PATHS)
"""What the API's addresses begin with: errors there have OpenAI's envelope, bodies its limit."""

router = APIRouter()
for part in (routes, response_routes, embedding_routes, token_routes):
    router.include_router(part.router)

_ASKED_MOST = ("/v1/chat/completions", "/v1/completions", "/v1/responses")

STRAIGHT: list[tuple[APIRoute, Handler]] = [
    (route, straight_handler(route))
    for part in (routes, response_routes)
    for route in part.router.routes
    if isinstance(route, APIRoute) and route.path in _ASKED_MOST
]
"""The routes that are asked most, each with a handler that needs no router."""
