"""The settings: `config.yaml` and the AUTOMATION_* variables, checked and typed. See `reference.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automation_scripts.lazy import lazy_names

if TYPE_CHECKING:
    from automation_scripts.settings.load import load_settings
    from automation_scripts.settings.model import AlertSeverity, Channel, Configuration, LogLevel, Settings
    from automation_scripts.settings.problems import REFERENCE, Position, Problem, SettingsError
    from automation_scripts.settings.values import BaselineMultiple

__all__ = [
    "REFERENCE",
    "AlertSeverity",
    "BaselineMultiple",
    "Channel",
    "Configuration",
    "LogLevel",
    "Position",
    "Problem",
    "Settings",
    "SettingsError",
    "load_settings",
]

_MODEL, _PROBLEMS = "automation_scripts.settings.model", "automation_scripts.settings.problems"
__getattr__ = lazy_names(
    __name__,
    {
        "load_settings": "automation_scripts.settings.load",
        **dict.fromkeys(("AlertSeverity", "Channel", "Configuration", "LogLevel", "Settings"), _MODEL),
        **dict.fromkeys(("REFERENCE", "Position", "Problem", "SettingsError"), _PROBLEMS),
        "BaselineMultiple": "automation_scripts.settings.values",
    },
)
