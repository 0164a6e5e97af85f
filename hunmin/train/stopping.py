"""Being asked to stop: the step under way ends, and is saved."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether someone asked the run to end."""

    def __init__(self) -> None:
        self.wanted = False

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        """Be the handler of a signal."""
        self.wanted = True


@contextmanager
def asked_to_stop() -> Iterator[Stop]:
    """Turn SIGINT and SIGTERM into a wish, so that the step under way ends and is saved."""
    stop = Stop()
    try:
        earlier = {number: signal.signal(number, stop) for number in _SIGNALS}
    except ValueError:  # not the main thread: nobody sends signals here
        yield stop
        return
    try:
        yield stop
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
