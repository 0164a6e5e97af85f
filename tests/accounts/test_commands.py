"""`hunmin accounts` and `hunmin key`, in one process: what they print and what they change."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from hunmin import accounts, organizations
from hunmin.__main__ import load_command
from hunmin.act import SYSTEM, open_act
from hunmin.db import open_database
from hunmin.errors import KeyNotFound, ScopeUnknown, UserExists, UserNotFound, UserUnclear


@pytest.fixture
def hunmin(tmp_path, migrated_file):
    """Give `hunmin("key", "create", ...)`: the lines it prints; what it refuses is raised."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "hunmin.db").write_bytes(Path(migrated_file).read_bytes())

    def hunmin(name: str, *arguments: str) -> list[str]:
        command = [*arguments, "--data", str(data)]
        result = CliRunner().invoke(load_command(name), command)
        if result.exception is not None:
            raise result.exception
        return result.stdout.splitlines()

    return hunmin


def test_the_first_key_makes_its_administrator(hunmin):
    (secret,) = hunmin("key", "create", "report")

    assert re.fullmatch(r"hm-[A-Za-z0-9_-]{43}", secret)
    (account,) = hunmin("accounts", "list")
    assert account.endswith("admin  administrator, person")
    (key,) = hunmin("key", "list")
    assert f"hm-…{secret[-4:]}  admin  report  never used, does not expire" in key


def test_a_key_is_the_only_administrators_unless_somebody_is_named(hunmin):
    hunmin("accounts", "create", "chief", "--role", "administrator")
    hunmin("accounts", "create", "dana")
    hunmin("key", "create", "one")
    hunmin("key", "create", "two", "--user", "DANA", "--days", "7")

    two, one = sorted(hunmin("key", "list"), key=lambda line: "one" in line)
    assert "chief  one" in one
    assert "dana  two" in two
    assert "expires" in two
    assert hunmin("key", "list", "--user", "dana") == [two]


def test_with_several_administrators_one_must_be_named(hunmin):
    hunmin("accounts", "create", "chief", "--role", "administrator")
    hunmin("accounts", "create", "other", "--role", "administrator")

    with pytest.raises(UserUnclear):
        hunmin("key", "create", "x")
    with pytest.raises(UserNotFound):
        hunmin("key", "create", "x", "--user", "nobody")
    assert hunmin("key", "list") == []


def test_a_revoked_key_is_listed_no_more(hunmin):
    hunmin("key", "create", "x")
    key_id = hunmin("key", "list")[0].split()[0]

    assert hunmin("key", "revoke", key_id) == []
    assert hunmin("key", "list") == []
    with pytest.raises(KeyNotFound):
        hunmin("key", "revoke", key_id)


def test_keys_of_service_accounts_are_listed_and_revoked_too(hunmin, tmp_path):
    hunmin("accounts", "create", "dana")
    database = open_database(f"sqlite:///{tmp_path / 'data' / 'hunmin.db'}")
    with open_act(database, SYSTEM) as act:
        dana = accounts.find_user(act, "dana")
        made = organizations.create_organization(act, name="Sejong", owner_id=dana.id)
        project = organizations.create_project(act, made.id, name="Hangul")
        organizations.create_service_account(act, made.id, project.id, name="robot")
    database.close()

    (listed,) = hunmin("key", "list")
    assert "  robot  " in listed
    assert hunmin("key", "revoke", listed.split()[0]) == []
    assert hunmin("key", "list") == []


def test_an_account_is_made_with_a_link_and_given_another(hunmin):
    (first,) = hunmin("accounts", "create", "다나", "--role", "auditor")
    (second,) = hunmin("accounts", "link", "다나")

    assert first.startswith("http://127.0.0.1:8700/sign-in/")
    assert first != second
    with pytest.raises(UserExists):
        hunmin("accounts", "create", "다나")
    with pytest.raises(UserNotFound):
        hunmin("accounts", "link", "nobody")


def test_where_only_a_demo_was_run_its_data_is_meant(tmp_path, migrated_file, monkeypatch):
    monkeypatch.chdir(tmp_path)
    demo = tmp_path / "var" / "demo"
    demo.mkdir(parents=True)
    (demo / "hunmin.db").write_bytes(Path(migrated_file).read_bytes())
    result = CliRunner().invoke(load_command("key"), ["create", "x"])

    assert result.exit_code == 0
    assert "var/demo" in result.stderr
    assert not (tmp_path / "var" / "hunmin.db").exists()


def test_a_service_that_was_killed_leaves_no_address_that_is_believed(hunmin, tmp_path):
    (tmp_path / "data" / "address").write_text("http://127.0.0.1:1\n")
    (link,) = hunmin("accounts", "create", "dana")

    assert link.startswith("http://127.0.0.1:8700/sign-in/")


def test_a_key_is_made_for_some_things_and_models_only(hunmin):
    hunmin("key", "create", "x", "--scope", "chat", "--scope", "usage", "--model", "small")
    with pytest.raises(ScopeUnknown):
        hunmin("key", "create", "x", "--scope", "everything")


def test_a_key_is_replaced_and_both_are_listed_for_a_while(hunmin):
    hunmin("key", "create", "report")
    (old,) = hunmin("key", "list")
    (secret,) = hunmin("key", "rotate", old.split()[0], "--hours", "1")

    assert re.fullmatch(r"hm-[A-Za-z0-9_-]{43}", secret)
    assert len(hunmin("key", "list")) == 2
    hunmin("key", "revoke", old.split()[0])
    (left,) = hunmin("key", "list")
    assert secret[-4:] in left
    with pytest.raises(KeyNotFound):
        hunmin("key", "rotate", "nothing")


def test_an_account_is_shut_and_opened_again(hunmin):
    hunmin("accounts", "create", "dana")
    hunmin("accounts", "disable", "dana")
    assert hunmin("accounts", "list")[0].endswith("dana  person  (disabled)")
    hunmin("accounts", "enable", "dana")
    assert hunmin("accounts", "list")[0].endswith("dana  person")
