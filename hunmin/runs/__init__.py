"""Runs: the pages on which training is watched and compared, for those who may see it.

Everything shown is read from run folders by `hunmin.journal`; nothing is kept here, and a run is
neither started nor stopped from here.
"""

from hunmin.runs.rules import WATCHERS

__all__ = ["WATCHERS"]
