"""The environment variables that are settings. They win over the file. Nothing else reads them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from automation_scripts.settings.problems import KeyPath, Problem
from automation_scripts.suggest import distance

CONFIG_PATH = "AUTOMATION_CONFIG_PATH"
HOME = "AUTOMATION_HOME"
KEYS: Mapping[str, KeyPath] = {
    "AUTOMATION_LOG_LEVEL": ("log", "level"),
    "AUTOMATION_DEFAULT_TIMEOUT": ("automation", "default_timeout"),
    "PREFECT_API_URL": ("prefect", "api_url"),
}
"""The variables that replace one key of the file."""

_PREFIX = "AUTOMATION_"
SECRETS = ("AUTOMATION_TOKEN", "AUTOMATION_ENCRYPTION_KEY", "AUTOMATION_ENCRYPTION_KEY_PREVIOUS")
"""Read where they are used, and kept nowhere."""
_KNOWN = (CONFIG_PATH, HOME, *SECRETS, *(name for name in KEYS if name.startswith(_PREFIX)))


@dataclass(slots=True)
class Variables:
    """What the environment says."""

    home: Path = field(default_factory=Path)
    config_path: Path | None = None
    data: dict[str, Any] = field(default_factory=dict)
    """In the shape of the file."""
    problems: list[Problem] = field(default_factory=list)


def source(name: str) -> str:
    """How a variable is called in messages."""
    return f"environment variable {name}"


def read_variables(environ: Mapping[str, str]) -> Variables:
    """The variables that are set; an empty one counts as unset. Never raises: see `problems`."""
    variables = Variables()
    if home := _path(HOME, "~/.automation", environ, variables):
        variables.home = home
    if environ.get(CONFIG_PATH, "").strip():
        variables.config_path = _path(CONFIG_PATH, "", environ, variables)
    with suppress(OSError):  # a path that cannot even be looked at is reported when it is used
        if variables.home.exists() and not variables.home.is_dir():
            message = f"{variables.home} is not a folder; the state is kept in a folder"
            variables.problems.append(Problem(message, source=source(HOME)))
    for name, (section, key) in KEYS.items():
        if value := environ.get(name, "").strip():
            variables.data.setdefault(str(section), {})[str(key)] = value
    variables.problems.extend(_typos(environ))
    return variables


def _path(name: str, default: str, environ: Mapping[str, str], variables: Variables) -> Path | None:
    """The absolute path in a variable; None, with a problem, when its ~ leads nowhere."""
    path = Path(environ.get(name, "").strip() or default)
    try:
        if path.parts[:1] == ("~",) and environ.get("HOME"):
            return Path(environ["HOME"], *path.parts[1:]).absolute()
        return path.expanduser().absolute()
    except RuntimeError:
        message = f"there is no home folder for {path}; give an absolute path"
        variables.problems.append(Problem(message, source=source(name)))
        return None


def _typos(environ: Mapping[str, str]) -> list[Problem]:
    """A variable that is nearly called like a setting was surely meant to be it, and has no effect."""
    problems = []
    for name in sorted(environ):
        if not name.startswith(_PREFIX) or name in _KNOWN:
            continue
        # The names are compared without their common prefix: AUTOMATION_NAME is no misspelt AUTOMATION_HOME.
        word = name.removeprefix(_PREFIX)
        known = [k.removeprefix(_PREFIX) for k in _KNOWN]
        ranked = sorted((distance(word.upper(), k), k) for k in known)
        far, guess = ranked[0]
        if far <= (1 if min(len(word), len(guess)) < 5 else 2):
            message = f"unknown variable; did you mean {_PREFIX}{guess}? Known: {', '.join(_KNOWN)}."
            problems.append(Problem(message, source=source(name)))
    return problems
