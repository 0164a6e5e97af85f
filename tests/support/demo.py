"""`hunmin` in a process of its own, with a scripted engine in place of every real one.

Where the settings ask for the engine `child`, it is the real one around a model that only counts:
its process can be killed.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hunmin import plugins
from hunmin.__main__ import main
from tests import fakes


def open_engine(models: Mapping[str, Path], **settings: object) -> plugins.Engine:
    """Open a scripted engine that takes as long for a token as the environment says."""
    engine = fakes.open_engine(models, **settings)
    engine.pause_seconds = float(os.environ.get("PAUSE_SECONDS", "0"))
    return engine


def open_child(models: Mapping[str, Path], **settings: Any) -> plugins.Engine:
    """Open an engine whose model counts in a process of its own."""
    from hunmin.inference import EmbeddedEngine, Way

    pause = os.environ.get("PAUSE_SECONDS", "0.001")
    counting = Way("counting", "tests.inference.fake_backend:open_backend", {"pause": pause})
    return EmbeddedEngine(models, [counting], **settings)


def find_engine(name: str) -> plugins.OpenEngine | None:
    """Find the scripted engine, unless another one of this file was asked for."""
    return {"missing": None, "child": open_child}.get(name, open_engine)


if __name__ == "__main__":
    plugins.find_engine = find_engine
    sys.exit(main())
