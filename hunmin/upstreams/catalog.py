"""The upstreams of the settings, and the models they serve as one."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path

from hunmin.errors import UpstreamWrong
from hunmin.inference.folder import ModelFolder
from hunmin.plugins import Capability, ModelCard, ModelState
from hunmin.settings import UpstreamSettings
from hunmin.upstreams.dialects import NEEDS_TOKENIZER
from hunmin.upstreams.replicas import name_of
from hunmin.upstreams.upstream import Upstream


def open_upstreams(settings: Mapping[str, UpstreamSettings]) -> list[Upstream]:
    """Return every upstream, not yet opened.

    Raises:
        UpstreamWrong: The settings of one make no sense, or not beside those of another.
        ModelFolderBroken: A tokenizer cannot be used.
    """
    folders: dict[Path, ModelFolder] = {}
    tokenizers: dict[str, Path | None] = {}
    upstreams: list[Upstream] = []
    for name, one in settings.items():
        path = one.tokenizer
        if path is not None and path not in folders:
            folders[path] = ModelFolder(path.name, path)
        names = [name]
        if one.launch is not None:
            names = [name_of(name, number) for number in range(1, one.launch.replicas_max + 1)]
        for replica in names:
            folder = None if path is None else folders[path]
            upstreams.append(Upstream(replica, one, folder=folder, of=name))
        for model in one.names:
            if tokenizers.setdefault(model, path) != path:
                raise UpstreamWrong(
                    name=name,
                    en=f"another upstream serves {model} with another tokenizer",
                    ko=f"다른 upstream이 {model} 모델을 다른 tokenizer로 제공합니다",
                )
    return upstreams


def card_of(name: str, upstreams: Sequence[Upstream]) -> ModelCard:
    """Return the card of a model that each of some upstreams serves."""
    folder = upstreams[0].folder
    listed = [one.listed[theirs] for one in upstreams if (theirs := one.models[name]) in one.listed]
    contexts = [one.context_tokens for one in listed if one.context_tokens]
    capabilities = reduce(
        frozenset[Capability].intersection, (one.capabilities for one in upstreams)
    )
    if folder is not None:
        return replace(
            folder.card,
            id=name,
            context_tokens=min([folder.context_tokens, *contexts]),
            capabilities=capabilities,
            state=_state(name, upstreams),
            parent=_parent(name, upstreams),
        )
    return ModelCard(
        id=name,
        folder=None,
        context_tokens=min(contexts, default=0),
        created_at=min((one.created_at for one in listed), default=int(time.time())),
        capabilities=capabilities - NEEDS_TOKENIZER,
        state=_state(name, upstreams),
        parent=_parent(name, upstreams),
    )


def _parent(name: str, upstreams: Sequence[Upstream]) -> str | None:
    """Return our name of the model an adapter belongs to, where it is one."""
    for one in upstreams:
        listed = one.listed.get(one.models[name])
        for ours, theirs in one.models.items():
            if listed is not None and listed.parent == theirs:
                return ours
    return None


def _state(name: str, upstreams: Sequence[Upstream]) -> ModelState:
    """Return whether one of them can answer, may yet come up, or none can."""
    if any(one.can_take(name) for one in upstreams):
        return "ready"
    return "failed" if any(one.reached for one in upstreams) else "starting"
