"""How good a model is: bits per byte on text it never saw, and Korean tasks, with honest errors.

Tasks are those of lm-evaluation-harness, from local packs, asked as the field asks them. Takes a
finished checkpoint or model folder and makes an evaluation folder; knows neither training nor
serving. `run` is the step, `compare` puts two evaluations side by side, and `measure_exposure`
tells how much a model memorized of the canaries in its training text.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hunmin.evaluation.comparison import compare
    from hunmin.evaluation.exposure_step import measure_exposure
    from hunmin.evaluation.heldout import HeldoutPlan
    from hunmin.evaluation.packs import check_tasks
    from hunmin.evaluation.results import Results, read_results
    from hunmin.evaluation.step import run

_HOME = {
    "HeldoutPlan": "heldout",
    "Results": "results",
    "check_tasks": "packs",
    "compare": "comparison",
    "measure_exposure": "exposure_step",
    "read_results": "results",
    "run": "step",
}
"""The file of the room each public name lives in; loaded when first used."""

__all__ = [
    "HeldoutPlan",
    "Results",
    "check_tasks",
    "compare",
    "measure_exposure",
    "read_results",
    "run",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"hunmin.evaluation.{_HOME[name]}"), name)
