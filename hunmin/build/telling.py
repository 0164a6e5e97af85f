"""What a line says of its steps, on stderr."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def told(step: str) -> Iterator[None]:
    """Say which step begins and how long it took."""
    started = time.monotonic()
    sys.stderr.write(f"== {step}\n")
    yield
    sys.stderr.write(f"== {step}: {time.monotonic() - started:.0f} s\n")
