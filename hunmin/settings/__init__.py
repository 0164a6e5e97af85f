"""Every setting, typed, with its default and its reason: defaults, hunmin.toml, environment.

Shells read settings once and pass them down; no room looks up a setting by itself. A training run
is not a setting but a recipe.
"""

from hunmin.settings.load import Origin, Settings, SettingView
from hunmin.settings.sections import (
    AccountsSettings,
    AlertsSettings,
    ChatSettings,
    DatabaseSettings,
    FilesSettings,
    GatewaySettings,
    InferenceSettings,
    LaunchSettings,
    LogsSettings,
    ProviderSettings,
    RunsSettings,
    UpstreamSettings,
    WebSettings,
    WorkerSettings,
)

__all__ = [
    "AccountsSettings",
    "AlertsSettings",
    "ChatSettings",
    "DatabaseSettings",
    "FilesSettings",
    "GatewaySettings",
    "InferenceSettings",
    "LaunchSettings",
    "LogsSettings",
    "Origin",
    "ProviderSettings",
    "RunsSettings",
    "SettingView",
    "Settings",
    "UpstreamSettings",
    "WebSettings",
    "WorkerSettings",
]
