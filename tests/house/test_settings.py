"""Settings: where each value comes from, and clear words where one is wrong."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hunmin.errors import SettingsFileWrong, SettingWrong
from hunmin.settings import Settings


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def _write(text):
    Path("hunmin.toml").write_text(text, "utf-8")


def _origin(settings, key):
    return next(view.origin for view in settings.views() if view.key == key)


def test_without_a_word_everything_has_its_default():
    settings = Settings.load()

    assert (settings.web.host, settings.web.port) == ("127.0.0.1", 8700)
    assert settings.database_url == f"sqlite:///{Path.cwd() / 'var' / 'hunmin.db'}"
    assert settings.files_url == str(Path.cwd() / "var" / "files")
    assert list(settings.models) == ["hunmin-reference"]
    assert {view.origin for view in settings.views()} == {"default"}


def test_the_file_is_right_over_the_default_the_environment_over_the_file_and_the_line_over_all(
    monkeypatch,
):
    _write("[web]\nport = 1\nhost = '::1'\n[gateway]\ncompletion_tokens_max = 7")
    assert Settings.load().web.port == 1
    monkeypatch.setenv("HUNMIN_WEB__PORT", "2")
    assert Settings.load().web.port == 2
    settings = Settings.load(web__port=3)

    assert settings.web.port == 3
    assert settings.web.host == "::1"
    assert settings.gateway.completion_tokens_max == 7
    assert _origin(settings, "web.port") == "command line"
    assert _origin(settings, "web.host") == "hunmin.toml"
    assert _origin(settings, "logs.level") == "default"
    monkeypatch.setenv("HUNMIN_LOGS__LEVEL", "debug")
    assert _origin(Settings.load(), "logs.level") == "environment"


def test_the_file_is_named_on_the_line_or_in_the_environment_or_lies_in_the_folder(
    tmp_path, monkeypatch
):
    for port, name in enumerate(["hunmin.toml", "b.toml", "c.toml"], start=1):
        (tmp_path / name).write_text(f"web.port = {port}")

    assert Settings.load().web.port == 1
    monkeypatch.setenv("HUNMIN_CONFIG", str(tmp_path / "b.toml"))
    assert Settings.load().web.port == 2
    assert Settings.load(config=tmp_path / "c.toml").web.port == 3


def test_paths_in_a_file_are_counted_from_where_the_file_is(tmp_path):
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "x.toml").write_text("data = 'kept'\ninference.models = {ours = 'm/ours'}")

    settings = Settings.load(config=folder / "x.toml")

    assert settings.data == folder / "kept"
    assert settings.models == {"ours": folder / "m" / "ours"}


def test_guests_are_welcome_where_only_this_machine_is_served_unless_said_otherwise(monkeypatch):
    assert Settings.load().accounts.guests
    assert Settings.load(web__host="localhost").accounts.guests
    assert not Settings.load(web__host="0.0.0.0").accounts.guests  # noqa: S104 (asked for)
    assert Settings.load(web__host="0.0.0.0", accounts__guests=True).accounts.guests  # noqa: S104
    monkeypatch.setenv("HUNMIN_ACCOUNTS__GUESTS", "false")
    assert not Settings.load().accounts.guests


@pytest.mark.parametrize(
    ("said", "prefix_cache"),
    [
        ({}, "shared"),
        ({"web__host": "localhost"}, "shared"),
        ({"web__host": "0.0.0.0"}, "tenant"),  # noqa: S104 (asked for)
        ({"web__public_url": "https://chat.example.kr"}, "tenant"),
        ({"web__hosts": ["chat.example.kr"]}, "tenant"),
        ({"inference__prefix_cache": "off"}, "off"),
        ({"web__host": "0.0.0.0", "inference__prefix_cache": "shared"}, "shared"),  # noqa: S104
    ],
)
def test_prompts_of_tenants_are_kept_apart_unless_only_this_machine_is_served(said, prefix_cache):
    assert Settings.load(**said).inference.prefix_cache == prefix_cache


def test_the_environment_gives_the_secret_of_a_provider_that_the_file_describes(monkeypatch):
    _write(
        '[accounts.providers.gov]\nissuer = "https://login.example.go.kr"\nclient_id = "hunmin"\n'
        '[accounts.providers.uni]\nissuer = "https://id.example.ac.kr"\nclient_id = "hunmin"\n'
    )
    monkeypatch.setenv("HUNMIN_ACCOUNTS__PROVIDERS__GOV__CLIENT_SECRET", "from a safe")
    settings = Settings.load()

    gov, uni = settings.accounts.providers["gov"], settings.accounts.providers["uni"]
    assert (gov.issuer, gov.client_id) == ("https://login.example.go.kr", "hunmin")
    assert gov.client_secret.get_secret_value() == "from a safe"
    assert uni.client_secret.get_secret_value() == ""
    assert "from a safe" not in str(settings.views())


def test_an_empty_variable_says_nothing(monkeypatch):
    monkeypatch.setenv("HUNMIN_WEB__PORT", "")

    assert Settings.load().web.port == 8700


def test_a_variable_of_another_program_is_left_alone(monkeypatch):
    monkeypatch.setenv("HUNMIN_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("HUNMIN_PORT", "tcp://10.0.0.1:80")

    assert Settings.load().web.port == 8700


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("[web]\nport = 'x'", "web.port", "whole number"),
        ("[web]\nport = 70000", "web.port", "at most 65535"),
        ("[web]\nport = -1", "web.port", "at least 0"),
        ("[web]\nprot = 1", "web.prot", "perhaps web.port"),
        ("[wev]\nport = 1", "wev", "perhaps web"),
        ("[accounts]\nguests = 'perhaps'", "accounts.guests", "true or false"),
        ("[logs]\nlevel = 'loud'", "logs.level", "debug, info, warning or error"),
        ("web = 1", "web", "section"),
        ("[inference]\nmodels = 3", "inference.models", "table"),
        ("[worker]\npoll_seconds = 0", "worker.poll_seconds", "more than 0"),
    ],
)
def test_a_wrong_value_in_the_file_is_named_with_its_key_and_file(text, key, reason):
    _write(text)

    with pytest.raises(SettingWrong) as refusal:
        Settings.load()

    assert refusal.value.key == key
    assert "hunmin.toml" in refusal.value.en
    assert reason in refusal.value.en
    assert key in refusal.value.ko


def test_a_wrong_value_in_the_environment_is_named(monkeypatch):
    monkeypatch.setenv("HUNMIN_WEB__PORT", "x")
    with pytest.raises(SettingWrong, match="web.port \\(environment\\)"):
        Settings.load()
    monkeypatch.delenv("HUNMIN_WEB__PORT")
    monkeypatch.setenv("HUNMIN_WEB__PROT", "1")
    with pytest.raises(SettingWrong, match="perhaps HUNMIN_WEB__PORT"):
        Settings.load()
    monkeypatch.delenv("HUNMIN_WEB__PROT")
    monkeypatch.setenv("HUNMIN_INFERENCE__MODELS", "not json")
    with pytest.raises(SettingWrong, match="inference"):
        Settings.load()


@pytest.mark.parametrize("content", [b"web = ", b"\xff\xfe", b"[web]\nport = 1\nport = 2"])
def test_a_file_that_is_no_toml_is_said(content):
    Path("hunmin.toml").write_bytes(content)

    with pytest.raises(SettingsFileWrong):
        Settings.load()


def test_a_file_that_is_not_there_is_said():
    with pytest.raises(SettingsFileWrong, match="No such file"):
        Settings.load(config=Path("nowhere.toml"))


@given(text=st.text(max_size=60))
def test_any_text_in_the_environment_is_a_value_or_a_clear_error(text):
    if "\x00" in text or "\ud800" <= max(text, default="") <= "\udfff":
        return
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(SettingWrong):
        patch.setenv("HUNMIN_WEB__PORT", text)
        assert 0 <= Settings.load().web.port <= 65535


def test_settings_are_frozen():
    settings = Settings.load()

    with pytest.raises(ValidationError):
        settings.data = Path("elsewhere")
    with pytest.raises(ValidationError):
        settings.web.port = 1


def test_secrets_are_masked_wherever_settings_are_shown():
    settings = Settings.load(
        database__url="postgresql://hunmin:hush@db.example.org/hunmin",
        files__s3_secret_access_key="hush",
    )

    shown = {view.key: view.value for view in settings.views()}
    assert shown["database.url"] == "postgresql://hunmin:***@db.example.org/hunmin"
    assert shown["files.s3_secret_access_key"] == "***"
    assert "hush" not in repr(settings) + str(shown)
    assert settings.database_url == "postgresql://hunmin:hush@db.example.org/hunmin"


def test_every_setting_has_its_reason():
    assert [view.key for view in Settings.load().views() if not view.reason] == []


def test_there_are_few_settings():
    assert len(Settings.load().views()) < 60


def test_the_command_prints_each_value_with_its_origin():
    _write("[web]\nport = 1")
    run = [sys.executable, "-m", "hunmin", "settings"]
    environment = {**os.environ, "HUNMIN_LOGS__LEVEL": "debug"}

    people, programs = (
        subprocess.run(
            [*run, *words], env=environment, check=True, capture_output=True, text=True
        ).stdout
        for words in ([], ["--json"])
    )

    lines = [line.split(maxsplit=1) for line in people.splitlines()]
    assert ["web.port", "1  (hunmin.toml)"] in lines
    assert ["logs.level", '"debug"  (environment)'] in lines
    port = json.loads(programs)["web.port"]
    assert (port["value"], port["origin"], port["variable"]) == (
        1,
        "hunmin.toml",
        "HUNMIN_WEB__PORT",
    )
