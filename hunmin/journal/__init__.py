"""What a run tells of itself: its log, its checkpoints and the state it is in, read and compared.

Files and arithmetic, known to both wings: training writes the log; the terminal and the office's
page read it. Nothing here writes into a run, and nothing leaves the machine.

Nouns: a *point* is a line of the log with a loss; an *event* is one that says what happened; a
*series* is one column of the points; the *mix* is what the data of a run is made of.
"""

from hunmin.journal.comparing import Comparison, Difference, compare
from hunmin.journal.folder import find_runs, is_run
from hunmin.journal.log import (
    HELDOUT,
    LIFE_EVENTS,
    LOG_NAME,
    MEASURES,
    STALLED_NAME,
    Log,
    read_log,
)
from hunmin.journal.rules import Axis, State, keep_extremes
from hunmin.journal.start import mfu_of_points
from hunmin.journal.summary import summarize
from hunmin.journal.values import Checkpoint, Event, Head, Part, Straggler, Summary

__all__ = [
    "HELDOUT",
    "LIFE_EVENTS",
    "LOG_NAME",
    "MEASURES",
    "STALLED_NAME",
    "Axis",
    "Checkpoint",
    "Comparison",
    "Difference",
    "Event",
    "Head",
    "Log",
    "Part",
    "State",
    "Straggler",
    "Summary",
    "compare",
    "find_runs",
    "is_run",
    "keep_extremes",
    "mfu_of_points",
    "read_log",
    "summarize",
]
