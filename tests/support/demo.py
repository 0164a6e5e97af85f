"""`hunmin` in a process of its own, with a scripted engine in place of every real one."""

import sys

from hunmin import plugins
from hunmin.__main__ import main
from tests import fakes


def find_engine(name: str) -> plugins.OpenEngine | None:
    """Find the scripted engine, whatever was asked for."""
    return None if name == "missing" else fakes.open_engine


if __name__ == "__main__":
    plugins.find_engine = find_engine
    sys.exit(main())
