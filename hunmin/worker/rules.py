"""How long a failed job waits, and when it is given up. Pure."""

RETRY_SECONDS_FIRST = 5
RETRY_SECONDS_MAX = 3600


def retry_seconds(attempts: int) -> int:
    """Return how long to wait after the given number of failed attempts: doubled each time."""
    assert attempts >= 1
    doublings = min(attempts - 1, 20)
    return min(RETRY_SECONDS_FIRST * 2**doublings, RETRY_SECONDS_MAX)


def given_up(*, attempts: int, attempts_max: int) -> bool:
    """Return whether a job that failed is left for a person to look at."""
    return attempts >= attempts_max
