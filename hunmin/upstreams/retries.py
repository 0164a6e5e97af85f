"""How many requests may be asked a second time: few, so that trouble is not made worse. Pure."""

SHARE = 0.1
"""Of all requests, this share may be sent again to another upstream."""
SAVED_MAX = 10.0
"""So many may be sent again at once after a quiet time."""


class RetryBudget:
    """Earned by requests, spent by sending one again."""

    def __init__(self) -> None:
        self._saved = SAVED_MAX

    def earn(self) -> None:
        """Note a request."""
        self._saved = min(SAVED_MAX, self._saved + SHARE)

    def spend(self) -> bool:
        """Return whether one may be sent again, and note that it is."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
