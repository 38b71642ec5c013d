"""From a file and the environment to `Settings`, or to one error that lists everything that is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from automation_scripts.settings.document import Document, read_document
from automation_scripts.settings.environ import KEYS, Variables, read_variables, source
from automation_scripts.settings.explain import Explanation, explain
from automation_scripts.settings.model import (
    DEFAULT_ENVIRONMENTS,
    AutomationSettings,
    Configuration,
    Settings,
)
from automation_scripts.settings.problems import Problem, SettingsError

_MOST_PROBLEMS = 500
"""Enough for any honest file; explaining many thousands would take seconds."""


def load_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in use.

    `path` is the settings file; without it AUTOMATION_CONFIG_PATH names it; without both the defaults hold.
    `environ` stands in for the process's environment variables, which win over the file.
    Raises SettingsError (a ConfigurationError) with every problem of the file and of the variables.
    """
    variables = read_variables(os.environ if environ is None else environ)
    file = Path(path) if path else variables.config_path
    document = read_document(file) if file else Document()
    problems = [
        *variables.problems,
        *_variable_problems(variables),
        *document.problems,
        *_file_problems(document),
    ]
    if problems:
        raise SettingsError(problems)
    merged = dict(document.data)
    for section, keys in variables.data.items():
        merged[section] = {**(merged.get(section) or {}), **keys}
    place = {"home": variables.home, "config_path": file.absolute() if file else None}
    return Settings.model_validate({**merged, **place}, context={"environments": _environments(document)})


def _variable_problems(variables: Variables) -> Iterator[Problem]:
    names = {path: name for name, path in KEYS.items()}
    for path, message, _ in _violations(variables.data, None):
        yield Problem(message, source=source(names[path]))


def _file_problems(document: Document) -> Iterator[Problem]:
    for path, message, at_key in _violations(document.data, _environments(document)):
        places = document.keys if at_key else document.values
        yield Problem(message, path, document.file, places.get(path))
    yield from _approval_lost(document)


def _violations(data: dict[str, Any], environments: tuple[str, ...] | None) -> Iterator[Explanation]:
    try:
        Configuration.model_validate(data, context={"environments": environments})
    except ValidationError as error:
        yield from map(explain, islice(error.errors(include_url=False), _MOST_PROBLEMS))


def _environments(document: Document) -> tuple[str, ...]:
    """The names that the file defines; the usual ones while it defines none that can be read."""
    names = document.data.get("environments")
    if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        return tuple(names)
    return DEFAULT_ENVIRONMENTS


def _approval_lost(document: Document) -> Iterator[Problem]:
    """Renaming `production` must not quietly take its approval away."""
    automation = document.data.get("automation")
    if isinstance(automation, dict) and "require_approval_for" in automation:
        return
    known = _environments(document)
    protected = AutomationSettings().require_approval_for
    if missing := [name for name in protected if name not in known]:
        yield Problem(
            f"leaves out {', '.join(missing)}, which needs approval by default; set "
            f"automation.require_approval_for to those of {', '.join(known)} that need it, or to []",
            ("environments",),
            document.file,
            document.keys.get(("environments",)),
        )
