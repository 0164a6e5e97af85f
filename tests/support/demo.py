"""`hunmin` in a process of its own, with a scripted engine in place of every real one."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from hunmin import plugins
from hunmin.__main__ import main
from tests import fakes


def open_engine(models: Mapping[str, Path], **settings: object) -> plugins.Engine:
    """Open a scripted engine that takes as long for a token as the environment says."""
    engine = fakes.open_engine(models, **settings)
    engine.pause_seconds = float(os.environ.get("PAUSE_SECONDS", "0"))
    return engine


def find_engine(name: str) -> plugins.OpenEngine | None:
    """Find the scripted engine, whatever was asked for."""
    return None if name == "missing" else open_engine


if __name__ == "__main__":
    plugins.find_engine = find_engine
    sys.exit(main())
