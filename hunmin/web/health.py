"""Whether the service can answer: for probes, and for people who wait for it."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse

from hunmin import __version__
from hunmin.gateway import Gateway
from hunmin.plugins import ModelState

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """What the service can do now."""

    model_config = ConfigDict(hide_input_in_errors=True)

    status: Literal["ok", "starting", "failed", "draining"]
    """`ok`: questions are answered, by one model at least. `starting`: pages work, the model is
    being loaded. `failed`: pages work, no model can answer; the log says why. `draining`: what
    is under way ends, and this process with it."""
    engine: str
    """The engine's name."""
    models: list[str]
    """The models served, also those that cannot answer now."""
    states: dict[str, ModelState]
    """What each can do now: a model that cannot answer takes no other down."""
    version: str


@router.get(
    "/healthz",
    response_model=Health,
    responses={503: {"model": Health, "description": "Questions cannot be answered now."}},
)
def healthz(request: Request) -> JSONResponse:
    """Say whether questions are answered: 200 when they are, 503 when not or not yet."""
    gateway: Gateway = request.app.state.gateway
    state, cards = gateway.state(), gateway.models()
    health = Health(
        status="draining" if request.app.state.draining else state,
        engine=request.app.state.engine_name,
        models=[card.id for card in cards],
        states={card.id: card.state for card in cards},
        version=__version__,
    )
    return JSONResponse(
        health.model_dump(),
        status_code=200 if health.status == "ok" else 503,
        headers={"Cache-Control": "no-store"},
    )
