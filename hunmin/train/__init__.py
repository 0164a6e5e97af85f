"""Turning a corpus and a tokenizer into a model: order of the data, loop, checkpoints, recipes.

Nouns: a *recipe* is the whole line as frozen values; a *stage* is one part of training
(pretraining, chats, preference pairs); a *run* is one execution of a stage, in a folder of
checkpoints.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hunmin.train.dial import plan
    from hunmin.train.groups import learnable_groups
    from hunmin.train.recipe import Recipe, TrainConfig, load_recipe
    from hunmin.train.runs import run

_HOME = {
    "Recipe": "recipe",
    "TrainConfig": "recipe",
    "learnable_groups": "groups",
    "load_recipe": "recipe",
    "plan": "dial",
    "run": "runs",
}

__all__ = ["Recipe", "TrainConfig", "learnable_groups", "load_recipe", "plan", "run"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"hunmin.train.{_HOME[name]}"), name)
