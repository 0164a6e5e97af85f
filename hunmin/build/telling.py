"""What a line says of its steps, on stderr."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def tell(line: str) -> None:
    """Say one thing."""
    sys.stderr.write(f"== {line}\n")


@contextmanager
def told(step: str) -> Iterator[None]:
    """Say which step begins and how long it took."""
    started = time.monotonic()
    tell(step)
    yield
    tell(f"{step}: {time.monotonic() - started:.0f} s")
