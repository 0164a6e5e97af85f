"""Every address of the API, as the application takes it."""

from fastapi import APIRouter

from hunmin.gateway import embedding_routes, response_routes, routes, token_routes

API_PATHS = ("/v1", *token_routes.PATHS)
"""What the API's addresses begin with: errors there have OpenAI's envelope, bodies its limit."""

router = APIRouter()
for part in (routes, response_routes, embedding_routes, token_routes):
    router.include_router(part.router)
