"""The models one may chat with, as the page shows them, and where they came from."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from hunmin import audit
from hunmin.act import Actor
from hunmin.errors import ManifestBroken, ManifestMissing, ModelNotFound, TraceMissing
from hunmin.gateway import Gateway, models_of
from hunmin.manifest import MANIFEST_NAME, manifest_sha256
from hunmin.plugins import ModelCard, ModelState

State = Literal["ready", "starting", "unavailable"]

_STATES: dict[str, State] = {"ok": "ready", "starting": "starting", "failed": "unavailable"}


class ModelView(BaseModel):
    """A model one may chat with."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    context_tokens: int
    state: ModelState
    has_trace: bool
    """Whether its manifest is on this machine, so that one can see what it was made from."""


class ModelsView(BaseModel):
    """The models one may chat with, and whether they can answer now."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    state: State
    models: list[ModelView]


def list_models(gateway: Gateway, actor: Actor) -> ModelsView:
    """Return the models that an actor may chat with, the one taken where none is named first."""
    return ModelsView(
        state=_STATES[gateway.state()],
        models=[
            ModelView(
                id=card.id,
                context_tokens=card.context_tokens,
                state=card.state,
                has_trace=card.folder is not None and (card.folder / MANIFEST_NAME).is_file(),
            )
            for card in _cards(gateway, actor)
        ],
    )


def choose_model(
    gateway: Gateway, actor: Actor, name: str | None, *, preferred: Sequence[str] = ()
) -> ModelCard:
    """Return the card of the model that answers.

    Args:
        gateway: Who serves models.
        actor: Who asks; a key may be for some models alone.
        name: The model asked for, or None.
        preferred: Models to be taken where none is asked for, the best first. What is not served
            any more is passed over; in the end the first that can answer does.

    Raises:
        ModelNotFound: The model asked for is not served to the actor, or none is.
    """
    cards = {card.id: card for card in _cards(gateway, actor)}
    served = [one for one in preferred if one in cards] + list(cards)
    chosen = name if name is not None else next(iter(served), "")
    if chosen not in cards:
        raise ModelNotFound
    return cards[chosen]


def trace(gateway: Gateway, actor: Actor, name: str) -> audit.TraceNode:
    """Return the chain from a model back to sources and licenses.

    What is wrong with a link is told by its state alone: the sentences name folders of this
    machine, which are for its operator (`hunmin trace`).

    Raises:
        ModelNotFound: No model of this name is served to the actor.
        TraceMissing: It has no manifest on this machine.
    """
    folder = choose_model(gateway, actor, name).folder
    if folder is None:
        raise TraceMissing
    try:
        return _without_problems(audit.trace_model(folder))
    except (ManifestMissing, ManifestBroken) as error:
        raise TraceMissing from error


def _without_problems(node: audit.TraceNode) -> audit.TraceNode:
    inputs = [_without_problems(one) for one in node.inputs]
    return node.model_copy(update={"problems": [], "inputs": inputs})


async def identity_of(card: ModelCard) -> str | None:
    """Return the SHA-256 of a model's manifest, or None where there is none on this machine."""
    if card.folder is None:
        return None
    return await asyncio.to_thread(_identity, card.folder)


def _identity(folder: Path) -> str | None:
    try:
        changed = (folder / MANIFEST_NAME).stat().st_mtime_ns
        return _sha256(folder, changed)
    except (OSError, ManifestMissing):
        return None


@lru_cache(maxsize=64)
def _sha256(folder: Path, _changed: int) -> str:
    return manifest_sha256(folder)


def _cards(gateway: Gateway, actor: Actor) -> list[ModelCard]:
    """Return the models an actor may chat with, those that cannot answer now after the others."""
    cards = [card for card in models_of(actor, gateway.models()) if "chat" in card.capabilities]
    return sorted(cards, key=lambda card: card.state != "ready")
