"""Finds and reads the policy files of a folder, with the shipped ones that it does not replace."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from automation_scripts.governance.policy.problems import DEFAULTS, PolicyError, printable
from automation_scripts.settings.problems import Problem
from automation_scripts.settings.writers import open_to_others

GUARD_RAILS = "guardrails.cedar"
"""Always in force; a file of the same name in the folder takes its place."""

_ENDINGS = (".yaml", ".yml", ".cedar")
_MAX_BYTES = 256 * 1024
_MAX_FILES = 100


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """One file and its bytes at one moment."""

    path: Path
    shown: str
    """How messages call it: shipped files by their name alone."""
    content: bytes

    @property
    def is_cedar(self) -> bool:
        """True for Cedar text, False for YAML."""
        return self.path.suffix == ".cedar"


def policy_folder(home: Path) -> Path | None:
    """`policies` in the state folder when it is there (even empty or broken); None takes the shipped policies."""
    folder = home / "policies"
    return folder if os.path.lexists(folder) else None


def read_files(folder: Path | None) -> tuple[PolicyFile, ...]:
    """The files in force, by name. Raises PolicyError for a folder or a file that cannot be used."""
    paths = _listed(folder) if folder else sorted(DEFAULTS.glob("*.yaml"))
    if not any(path.name == GUARD_RAILS for path in paths):
        paths = [*paths, DEFAULTS / GUARD_RAILS]
    problems: list[Problem] = []
    files: list[PolicyFile] = []
    for path in paths:
        try:
            files.append(_read(path))
        except _Refused as refused:
            problems.append(Problem(str(refused), source=str(path)))
    if problems:
        raise PolicyError(problems)
    return tuple(files)


def fingerprint(files: Sequence[PolicyFile]) -> str:
    """The sha256 of names and contents, in hexadecimal."""
    digest = hashlib.sha256()
    for file in files:
        name = os.fsencode(file.path)
        for part in (name, file.content):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


class _Refused(Exception):
    """The file or folder cannot be used."""


def _listed(folder: Path) -> list[Path]:
    try:
        _not_open_to_others(folder.stat())
        paths = sorted(p for p in folder.iterdir() if p.suffix in _ENDINGS and not p.name.startswith("."))
    except (OSError, _Refused) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise PolicyError([Problem(f"the folder of policies cannot be used: {reason}", source=str(folder))]) from None
    if not paths:
        message = (
            f"the folder holds no *.yaml or *.cedar file, so nobody may do anything. Copy {DEFAULTS / 'roles.yaml'} "
            "into it and edit that, or remove the folder to use the policies that are installed"
        )
        raise PolicyError([Problem(message, source=str(folder))])
    if len(paths) > _MAX_FILES:
        raise PolicyError([Problem(f"the folder holds more than {_MAX_FILES} policy files", source=str(folder))])
    return paths


def _read(path: Path) -> PolicyFile:
    try:
        # Asked before opening, because opening a pipe would wait for somebody to write to it.
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _Refused("is not a regular file")
        with path.open("rb") as file:
            if path.parent != DEFAULTS:  # those are as safe as the code that lies beside them
                _not_open_to_others(os.fstat(file.fileno()))
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise _Refused(f"cannot be read: {error.strerror}") from None
    if len(content) > _MAX_BYTES:
        raise _Refused(f"is larger than {_MAX_BYTES // 1024} KiB")
    return PolicyFile(path, path.name if path.parent == DEFAULTS else printable(path), content)


def _not_open_to_others(status: os.stat_result) -> None:
    """Whoever can write the policies can do everything."""
    if reason := open_to_others(status):
        raise _Refused(reason)
