"""The error catalog: every `HunminError`, by the part of the house it speaks of.

Each has a stable public `code`, an HTTP `status`, and a message with the next step in English
and Korean. `docs/reference/errors.md` is generated from these classes.
"""

from hunmin.errors import all_of_the_lab, all_of_the_office
from hunmin.errors.all_of_the_lab import *  # noqa: F403 (it says what all is)
from hunmin.errors.all_of_the_office import *  # noqa: F403
from hunmin.errors.base import HunminError

__all__ = ["HunminError"]
__all__ += all_of_the_lab.__all__
__all__ += all_of_the_office.__all__


def catalog() -> list[type[HunminError]]:
    """Return every kind of error that has a code of its own, in the order of their names."""
    named = (globals()[name] for name in sorted(__all__))
    kinds = [kind for kind in named if isinstance(kind, type) and issubclass(kind, HunminError)]
    return [kind for kind in kinds if kind.code != HunminError.code]
