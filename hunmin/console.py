"""What commands that ask the database have in common: an act of the house itself, a line of output.

Everything slow is imported where it is needed, so that `--help` stays quick.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hunmin.act import Act
    from hunmin.db import Database
    from hunmin.settings import Settings


@contextmanager
def house_act(
    config: Path | None, data: Path | None, *, read_only: bool = False
) -> "Iterator[Act]":
    """Open an act of the house itself, as `house_act_of` does, on what two options name.

    Args:
        config: The file of settings; where settings are looked for by default.
        data: The folder of the data; the one the settings name by default.
        read_only: The act only asks.
    """
    from hunmin.settings import Settings  # noqa: PLC0415 (slow to import)

    with house_act_of(Settings.load(config, data), read_only=read_only) as act:
        yield act


@contextmanager
def house_act_of(settings: "Settings", *, read_only: bool = False) -> "Iterator[Act]":
    """Open an act of the house itself: committed when the block ends, undone when it raises.

    Raises:
        HunminError: The database is away, full, locked, not writable, or newer than this program.
    """
    from hunmin.act import SYSTEM, open_act  # noqa: PLC0415 (slow to import)

    with opened(settings) as database, open_act(database, SYSTEM, read_only=read_only) as act:
        yield act


@contextmanager
def opened(settings: "Settings") -> "Iterator[Database]":
    """Open the database that settings name, brought to today's tables; close it in the end."""
    from hunmin.db import open_database  # noqa: PLC0415 (slow to import)

    database = open_database(settings.database_url)
    try:
        database.migrate()
        yield database
    finally:
        database.close()


def say(line: str) -> None:
    """Write a line to where a command's result goes: stdout."""
    sys.stdout.write(line + "\n")
