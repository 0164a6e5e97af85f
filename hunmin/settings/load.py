"""Reading the settings: defaults, then hunmin.toml, then the environment, then the command line.

Each value remembers where it came from, so a wrong one is reported with the place to correct it.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from typing_extensions import override

import hunmin
from hunmin.errors import SettingsFileWrong, SettingWrong
from hunmin.settings import reasons
from hunmin.settings.sections import (
    AccountsSettings,
    AlertsSettings,
    ChatSettings,
    DatabaseSettings,
    DocumentsSettings,
    FilesSettings,
    GatewaySettings,
    InferenceSettings,
    LogsSettings,
    OrganizationsSettings,
    RunsSettings,
    TelemetrySettings,
    UpstreamSettings,
    WebSettings,
    WorkerSettings,
)

CONFIG_NAME = "hunmin.toml"
_PREFIX = "HUNMIN_"
_CONFIG_VARIABLE = "HUNMIN_CONFIG"
_DELIMITER = "__"

REFERENCE_NAME = "hunmin-reference"
REFERENCE_FOLDER = Path(hunmin.__file__).parents[1] / "models" / "reference"
"""The model that ships with Hunmin."""

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Origin = Literal["default", "hunmin.toml", "environment", "command line"]

_Layer = tuple[Origin, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class SettingView:
    """One setting as it is shown to a person."""

    key: str
    """`section.field`, as in hunmin.toml."""
    variable: str
    """Its name in the environment."""
    value: Any
    """As plain JSON; a secret is masked."""
    origin: Origin
    reason: str
    """What it is for."""


class Settings(BaseSettings):
    """Every setting of the house. Made by `Settings.load`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        env_prefix=_PREFIX,
        env_nested_delimiter=_DELIMITER,
        env_ignore_empty=True,
    )

    data: Path = Path("var")
    """The folder for everything Hunmin keeps on this machine."""
    web: WebSettings = Field(default_factory=WebSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    files: FilesSettings = Field(default_factory=FilesSettings)
    accounts: AccountsSettings = Field(default_factory=AccountsSettings)
    alerts: AlertsSettings = Field(default_factory=AlertsSettings)
    organizations: OrganizationsSettings = Field(default_factory=OrganizationsSettings)
    gateway: GatewaySettings = Field(default_factory=GatewaySettings)
    chat: ChatSettings = Field(default_factory=ChatSettings)
    documents: DocumentsSettings = Field(default_factory=DocumentsSettings)
    inference: InferenceSettings = Field(default_factory=InferenceSettings)
    runs: RunsSettings = Field(default_factory=RunsSettings)
    upstreams: dict[str, UpstreamSettings] = {}
    """Engines on other machines, by a name of your choice, as `[upstreams.NAME]`: `url`, `launch`,
    `kind`, `models`, `adapters`, `key`, `tokenizer`, `embeds`, `matryoshka`, `tools`, `private`,
    `concurrent_max` and `first_token_seconds_max`, as the guide "Serve on other machines" tells."""
    logs: LogsSettings = Field(default_factory=LogsSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)
    worker: WorkerSettings = Field(default_factory=WorkerSettings)

    _origins: dict[str, Origin] = PrivateAttr(default_factory=dict)

    @classmethod
    def load(
        cls,
        config: Path | None = None,
        data: Path | None = None,
        **overrides: Any,  # noqa: ANN401 (values of any setting)
    ) -> Self:
        """Read every setting.

        Args:
            config: The settings file. By default the one `HUNMIN_CONFIG` names, else
                `hunmin.toml` in the working folder where there is one.
            data: The data folder, when the command line names one.
            overrides: What the command line says, as `web__port=8701`; None says nothing.

        Raises:
            SettingsFileWrong: The file is missing or is not TOML.
            SettingWrong: A value is wrong or a key is not known; it says which and where.
        """
        path = _config_path(config)
        said = {"data": data, **overrides}
        layers: list[_Layer] = [
            ("hunmin.toml", _read_file(path) if path else {}),
            ("environment", _read_environment(cls)),
            (
                "command line",
                _nest({key: value for key, value in said.items() if value is not None}),
            ),
        ]
        values, origins = _merge(cls, layers)
        _judge_by_whom_is_served(values, origins)
        _share_prefixes(values, origins)
        try:
            settings = cls(**values)
        except ValidationError as error:
            raise _wrong(cls, error, origins, path) from error
        settings._origins.update(origins)
        return settings

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what is handed in: `load` reads the other sources and remembers them."""
        return (init_settings,)

    @property
    def database_url(self) -> str:
        """Return the address of the database, with its password."""
        said = self.database.url.get_secret_value()
        return said or f"sqlite:///{self.data.absolute() / 'hunmin.db'}"

    @property
    def files_url(self) -> str:
        """Return where large files are kept: `s3://…` or a folder."""
        return self.files.url or str(self.data.absolute() / "files")

    @property
    def models(self) -> dict[str, Path]:
        """Return the model folders to serve here, by the name each is served under."""
        if self.inference.models or self.upstreams:
            return self.inference.models
        return {REFERENCE_NAME: REFERENCE_FOLDER}

    def views(self) -> list[SettingView]:
        """Return every setting as a person may see it."""
        return [
            SettingView(
                key=key,
                variable=_variable(key),
                value=_shown(value),
                origin=self._origins.get(key, "default"),
                reason=reason,
            )
            for key, value, reason in _leaves(self)
        ]


def _config_path(config: Path | None) -> Path | None:
    if config is not None:
        return config
    if named := os.environ.get(_CONFIG_VARIABLE):
        return Path(named)
    path = Path(CONFIG_NAME)
    return path if path.is_file() else None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SettingsFileWrong(path=path, reason=str(reason)) from error
    return _beside(values, path.absolute().parent)


def _beside(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Read the relative paths of a settings file from the folder the file is in."""
    if isinstance(values.get("data"), str):
        values["data"] = folder / values["data"]
    runs = values.get("runs")
    if isinstance(runs, dict) and isinstance(runs.get("folder"), str):
        runs["folder"] = folder / runs["folder"]
    inference = values.get("inference")
    models = inference.get("models") if isinstance(inference, dict) else None
    if isinstance(models, dict):
        models.update({n: folder / p for n, p in models.items() if isinstance(p, str)})
    upstreams = values.get("upstreams")
    for upstream in upstreams.values() if isinstance(upstreams, dict) else ():
        if isinstance(upstream, dict) and isinstance(upstream.get("tokenizer"), str):
            upstream["tokenizer"] = folder / upstream["tokenizer"]
    return values


def _read_environment(cls: type[Settings]) -> dict[str, Any]:
    known = {_variable(key) for key, _, _ in _leaves(cls())}
    for variable in os.environ:
        name = variable.upper()
        if name.startswith(_PREFIX) and _DELIMITER in name.removeprefix(_PREFIX):
            under_known = any(name.startswith(other + _DELIMITER) for other in known)
            if name not in known and not under_known:
                raise _unknown(variable, "environment", known)
    try:
        return EnvSettingsSource(cls)()
    except SettingsError as error:
        field = re.search(r'field "(\w+)"', str(error))
        key = field[1] if field else "?"
        raise SettingWrong(key=key, where="environment", reason=reasons.WRONG_TYPE) from error


def _nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        section, _, field = key.partition(_DELIMITER)
        if field:
            nested.setdefault(section, {})[field] = value
        elif isinstance(value, Mapping):
            nested.setdefault(section, {}).update(value)
        else:
            nested[section] = value
    return nested


def _merge(cls: type[Settings], layers: list[_Layer]) -> tuple[dict[str, Any], dict[str, Origin]]:
    """Lay the sources over each other, setting by setting; the last that speaks is right.

    Providers are laid over each other one by one, so that the environment may give the secret of
    one that a file describes.
    """
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for origin, layer in layers:
        for name, value in layer.items():
            field = cls.model_fields.get(name)
            is_section = field is not None and _is_section(field.annotation)
            if not (is_section and isinstance(value, Mapping)):
                values[name] = value
                origins[name] = origin
                continue
            section = values.setdefault(name, {})
            section.update(_with_known(section, value, name="providers"))
            origins.update({f"{name}.{inner}": origin for inner in value})
    return values, origins


def _with_known(
    known: Mapping[str, Any], said: Mapping[str, Any], *, name: str
) -> Mapping[str, Any]:
    """Return what a source says, with what is known of the sections of a table it speaks of."""
    before, now = known.get(name), said.get(name)
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return said
    both = {
        key: {**before[key], **section}
        if isinstance(before.get(key), Mapping) and isinstance(section, Mapping)
        else section
        for key, section in now.items()
    }
    return {**said, name: {**before, **both}}


def _judge_by_whom_is_served(values: dict[str, Any], origins: Mapping[str, Origin]) -> None:
    """Where nothing is said of guests and second factors, judge by whom is served.

    Guests are welcome, and one factor is enough, if only this machine is.
    """
    web, accounts = values.get("web", {}), values.setdefault("accounts", {})
    if not (isinstance(web, dict) and isinstance(accounts, dict)):
        return
    is_alone = str(web.get("host", WebSettings().host)) in _LOOPBACK
    if "accounts.guests" not in origins:
        accounts["guests"] = is_alone
    named = web.get("public_url") or web.get("hosts")
    if is_alone and not named and "accounts.second_factor" not in origins:
        accounts["second_factor"] = "optional"


def _share_prefixes(values: dict[str, Any], origins: Mapping[str, Origin]) -> None:
    """Where nothing is said of prompts seen before, share them if only this machine is served."""
    web, inference = values.get("web", {}), values.setdefault("inference", {})
    if not isinstance(web, dict) or not isinstance(inference, dict):
        return
    local = str(web.get("host", WebSettings().host)) in _LOOPBACK
    named = web.get("public_url") or web.get("hosts")
    if local and not named and "inference.prefix_cache" not in origins:
        inference["prefix_cache"] = "shared"


def _is_section(annotation: Any) -> bool:  # noqa: ANN401 (any type)
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _leaves(settings: Settings) -> Iterator[tuple[str, Any, str]]:
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if not isinstance(value, BaseModel):
            yield name, value, field.description or ""
            continue
        for inner, inner_field in type(value).model_fields.items():
            yield f"{name}.{inner}", getattr(value, inner), inner_field.description or ""


def _variable(key: str) -> str:
    return _PREFIX + key.replace(".", _DELIMITER).upper()


_PASSWORD = re.compile(r"(?<=://)([^:@/]*):[^@/]*@")


def _shown(value: Any) -> Any:  # noqa: ANN401 (any setting)
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        if "://" in secret:
            return _PASSWORD.sub(r"\1:***@", secret)
        return "***" if secret else ""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, BaseModel):
        return {key: _shown(getattr(value, key)) for key in type(value).model_fields}
    if isinstance(value, dict):
        return {key: _shown(inner) for key, inner in value.items()}
    return value


def _wrong(
    cls: type[Settings],
    error: ValidationError,
    origins: Mapping[str, Origin],
    path: Path | None,
) -> SettingWrong:
    """Name the first wrong setting, where it was said, and what would be right."""
    first = error.errors(include_url=False)[0]
    parts = [str(part) for part in first["loc"]]
    key = ".".join(parts)
    origin = next(
        (origins[".".join(parts[:n])] for n in (2, 1) if ".".join(parts[:n]) in origins), "default"
    )
    where = str(path) if origin == "hunmin.toml" else origin
    if first["type"] == "extra_forbidden":
        known = {known for known, _, _ in _leaves(cls())} | set(cls.model_fields)
        return _unknown(key, where, known)
    return SettingWrong(key=key, where=where, reason=reasons.explain(first))


def _unknown(key: str, where: str, known: set[str]) -> SettingWrong:
    return SettingWrong(key=key, where=where, reason=reasons.unknown(key, known))
