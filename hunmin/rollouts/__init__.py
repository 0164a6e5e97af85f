"""Answers a model gives to prompts, and what verifiers say they are worth: files between steps.

    prompts + model  ->  generate  ->  rollouts  ->  score  ->  rewards  ->  hunmin.train

A *rollout* is one answer with its token ids and their log-probabilities under the model that gave
it; the answers to one prompt are a *group*. `generate` and `score` are steps of the lab, so what a
model learned from its own answers can be walked back to prompts, licenses and consents. How a
model learns from rewards is the business of `train`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hunmin.rollouts.config import RolloutsConfig, VerifierConfig
    from hunmin.rollouts.generating import generate
    from hunmin.rollouts.scoring import score
    from hunmin.rollouts.verifiers import make_verifier, verifier_names

_HOME = {
    "RolloutsConfig": "config",
    "VerifierConfig": "config",
    "generate": "generating",
    "make_verifier": "verifiers",
    "score": "scoring",
    "verifier_names": "verifiers",
}
"""The file of the room each public name lives in; loaded when first used."""

__all__ = [
    "RolloutsConfig",
    "VerifierConfig",
    "generate",
    "make_verifier",
    "score",
    "verifier_names",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"hunmin.rollouts.{_HOME[name]}"), name)
