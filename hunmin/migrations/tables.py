"""Every table of the house on the one metadata; the only place that knows all rooms' tables."""

import importlib
from pathlib import Path

from sqlalchemy import MetaData

import hunmin
from hunmin.db import Base


def all_tables() -> MetaData:
    """Import every room's `tables` and return what they put on the base."""
    package = Path(str(hunmin.__file__)).parent
    for path in sorted(package.glob("*/tables.py")):
        if path.parent.name != "migrations":
            importlib.import_module(f"hunmin.{path.parent.name}.tables")
    return Base.metadata
