"""`hunmin billing`, as whoever runs the house calls it."""

import pytest
from typer.testing import CliRunner

from hunmin import accounts, organizations
from hunmin.__main__ import app as hunmin_app
from hunmin.act import SYSTEM, open_act
from hunmin.db import open_database


@pytest.fixture
def hunmin(settings, migrated_file):
    """Give `hunmin(*arguments)`, with an organization and a person in the database."""
    settings.data.mkdir(parents=True)
    file = settings.data / "hunmin.db"
    file.write_bytes(migrated_file.read_bytes())
    database = open_database(f"sqlite:///{file}")
    with open_act(database, SYSTEM) as act:
        dana = accounts.create_user(act, name="dana")
        made = organizations.create_organization(act, name="Sejong", owner_id=dana.id)
        organizations.create_project(act, made.id, name="Hangul")
    database.close()

    def call(*arguments: str):
        return CliRunner().invoke(hunmin_app, ["billing", *arguments, "--data", str(settings.data)])

    return call


def test_limits_are_set_and_listed(hunmin):
    project = ("--organization", "sejong", "--project", "hangul")
    assert hunmin("limit", *project, "--requests-per-minute", "5").exit_code == 0
    assert hunmin("limit", "--organization", "Sejong", "--tokens-per-minute", "900").exit_code == 0
    assert hunmin("limit", "--user", "dana", "--at-once", "2").exit_code == 0

    listed = hunmin("limits").stdout
    assert "5 requests a minute" in listed
    assert "900 tokens a minute" in listed
    assert "2 answers at once" in listed
    assert hunmin("limit", "--user", "dana").exit_code == 0
    assert "at once" not in hunmin("limits").stdout


def test_it_must_be_clear_whose_limit_is_meant(hunmin):
    assert hunmin("limit", "--at-once", "2").exit_code == 2
    assert hunmin("limit", "--user", "dana", "--project", "x", "--at-once", "2").exit_code == 2
    assert hunmin("limit", "--organization", "nobody", "--at-once", "2").exit_code == 1


def test_prices_and_budgets_are_set(hunmin):
    numbers = ("--prompt", "100", "--cached", "10", "--answer", "400")
    assert hunmin("price", "paper", *numbers).exit_code == 0
    assert hunmin("price", "paper", *numbers).exit_code == 1
    own = ("--from", "2040-01-01", "--organization", "Sejong")
    assert hunmin("price", "paper", *numbers, *own).exit_code == 0
    assert hunmin("prices").stdout.count("100 / 10 / 400 won") == 2

    assert hunmin("budget", "500", "--organization", "Sejong").exit_code == 0
    project = ("--organization", "Sejong", "--project", "Hangul", "--unit", "tokens")
    assert hunmin("budget", "500", *project, "--period", "day", "--soft").exit_code == 0
    assert hunmin("budget", "500", "--user", "dana").exit_code == 0
    assert hunmin("budget", "500").exit_code == 2
