"""How much of anything one file may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may use. The defaults suit a service; tests take smaller ones."""

    bytes_max: int = 20_000_000
    """Of the file as it is brought."""
    memory_bytes_max: int = 1 << 30
    """Address space of the process that reads it."""
    cpu_seconds_max: int = 30
    wall_seconds_max: int = 60
    """Longer than the CPU time, for a busy machine."""
    unpacked_bytes_max: int = 200_000_000
    """Of all parts of a packed file that are read."""
    unpack_ratio_max: int = 100
    """Of one part, where it is larger than a megabyte; text packs to a tenth, seldom to a
    fiftieth."""
    pages_max: int = 2_000
    characters_max: int = 5_000_000
    nesting_max: int = 32
    """Tables in tables, and notes in notes."""
