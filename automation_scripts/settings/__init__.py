"""The settings: `config.yaml` and the AUTOMATION_* variables, checked and typed. See `reference.yaml`."""

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
