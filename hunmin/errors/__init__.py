"""The error catalog: every `HunminError`, by the part of the house it speaks of.

Each has a stable public `code`, an HTTP `status`, and a message with the next step in English
and Korean. `docs/reference/errors.md` is generated from these classes.
"""

from hunmin.errors.base import HunminError
from hunmin.errors.office import (
    DatabaseBroken,
    DatabaseBusy,
    DatabaseFull,
    DatabaseNotWritable,
    DatabaseTooNew,
    DatabaseUnreachable,
    DatabaseUrlWrong,
    EventHoldsContent,
    SettingsFileWrong,
    SettingWrong,
    UnknownEventKind,
)
from hunmin.errors.steps import (
    DiskFull,
    ManifestBroken,
    ManifestMissing,
    OutputBusy,
    OutputExists,
    WrongInput,
)

__all__ = [
    "DatabaseBroken",
    "DatabaseBusy",
    "DatabaseFull",
    "DatabaseNotWritable",
    "DatabaseTooNew",
    "DatabaseUnreachable",
    "DatabaseUrlWrong",
    "DiskFull",
    "EventHoldsContent",
    "HunminError",
    "ManifestBroken",
    "ManifestMissing",
    "OutputBusy",
    "OutputExists",
    "SettingWrong",
    "SettingsFileWrong",
    "UnknownEventKind",
    "WrongInput",
]
