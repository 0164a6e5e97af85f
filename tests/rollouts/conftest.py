"""A corpus of prompts, a tokenizer and a small model, for every test of the room."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.prompts import write_model, write_prompts, write_tokenizer


@dataclass(frozen=True)
class World:
    prompts: Path
    tokenizer: Path
    policy: Path


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    prompts = write_prompts(folder / "prompts")
    tokenizer = write_tokenizer(prompts, folder / "tokenizer")
    return World(prompts, tokenizer, write_model(tokenizer, folder / "policy"))
