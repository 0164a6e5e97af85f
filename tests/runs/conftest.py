"""The application with a folder of runs of its own."""

import pytest

from hunmin.settings import Settings
from tests.support.desk import app, client, engine, migrated_file  # noqa: F401 (fixtures)
from tests.support.run_folders import make_run


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def settings(tmp_path, folder) -> Settings:
    make_run(folder)
    data = tmp_path / "var"
    return Settings.load(config=None, data=data, web__port=0, runs__folder=folder)
