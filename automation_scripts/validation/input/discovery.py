"""Which configuration files a folder holds: in a stable order, without following a loop or waiting at a
pipe."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from automation_scripts.errors import InvalidParameters
from automation_scripts.results import Finding, Severity
from automation_scripts.validation.input.examination import examine, file_finding, shown
from automation_scripts.validation.input.file_kinds import GENERATED_FILES, FileKind, kind_of
from automation_scripts.validation.input.limits import DEFAULT_LIMITS, Limits

SKIPPED_FOLDERS = frozenset(
    {".git", "node_modules", ".venv", "venv", "__pycache__", ".terraform", ".tox", ".nox", "bower_components"}
)
"""Folders of other people's code, caches and version control."""

VISITED_HIDDEN_FOLDERS = frozenset(
    {
        ".github",
        ".gitlab",
        ".circleci",
        ".vscode",
        ".devcontainer",
        ".config",
        ".azure-pipelines",
        ".buildkite",
    }
)
"""Hidden folders that hold configuration; every other hidden folder is skipped."""


@dataclass(frozen=True, slots=True, order=True)
class ConfigFile:
    """One file to be read. `name` is its path relative to the root, with `/`, as findings show it."""

    name: str
    path: Path
    kind: FileKind | None = None
    """None for a single file whose name says nothing: its content decides."""


@dataclass(slots=True)
class Discovery:
    """What was found under `root` (the folder that was asked for, or the folder of a single file)."""

    root: Path
    files: list[ConfigFile] = field(default_factory=list)
    """Configuration files by name; templates are among them and are reported when they are read."""
    env_files: list[ConfigFile] = field(default_factory=list)
    """`.env` files: for checks of references, not read as YAML."""
    findings: list[Finding] = field(default_factory=list)


def discover(
    config_path: Path,
    limits: Limits = DEFAULT_LIMITS,
    *,
    skipped_folders: frozenset[str] = SKIPPED_FOLDERS,
    visited_hidden_folders: frozenset[str] = VISITED_HIDDEN_FOLDERS,
    skipped_files: frozenset[str] = GENERATED_FILES,
) -> Discovery:
    """Find the configuration files of a folder, or take a single file whatever its name is.

    Links are followed once: real files and folders come first, and what was seen already is left out.
    Everything that cannot be read becomes a finding. No pipe or device is opened for reading.

    Raises:
        InvalidParameters: when `config_path` does not exist, or holds no configuration file at all.
    """
    try:
        mode = config_path.stat().st_mode
    except (OSError, ValueError) as error:
        raise InvalidParameters(_missing(config_path, error)) from error
    absolute = Path(os.path.abspath(config_path))  # noqa: PTH100 - resolve() would rename what a link is called
    if not stat.S_ISDIR(mode):
        return _single(absolute, limits)
    walk = _Walk(absolute, limits, skipped_folders, visited_hidden_folders, skipped_files)
    walk.run()
    found = walk.discovery
    if not found.files and not found.findings:
        raise InvalidParameters(
            f"config_path: {config_path} holds no configuration file. Looked for *.yaml, *.yml, *.json, *.jsonc "
            "and well-known names in it and its folders, but not in hidden folders and in "
            f"{', '.join(sorted(skipped_folders))}. Give the folder that holds the configuration, or one file."
        )
    return found


def _missing(config_path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        near = config_path.parent
        why = "it does not exist" if near.is_dir() else f"its folder {near} does not exist"
        if config_path.is_symlink():
            why = "it is a link to something that does not exist"
    else:
        why = getattr(error, "strerror", None) or str(error)
    return f"config_path: {config_path} cannot be read: {why}. Give an existing file or folder."


def _single(path: Path, limits: Limits) -> Discovery:
    found = Discovery(path.parent)
    kind = kind_of(path.as_posix())
    file = ConfigFile(shown(path.name), path, None if kind is FileKind.ENV else kind)
    if kind is FileKind.ENV:
        found.env_files.append(file)
    problem = examine(path, file.name, limits)
    if problem is None:
        found.files.append(file)
    else:
        found.findings.append(problem)
    return found


class _Walk:
    def __init__(
        self,
        root: Path,
        limits: Limits,
        skipped_folders: frozenset[str],
        visited_hidden: frozenset[str],
        skipped_files: frozenset[str],
    ) -> None:
        self.discovery = Discovery(root)
        self.root = root
        self.limits = limits
        self.skipped_folders = skipped_folders
        self.visited_hidden = visited_hidden
        self.skipped_files = skipped_files
        self.seen_folders: set[tuple[int, int]] = set()
        self.seen_files: set[tuple[int, int]] = set()
        self.links: list[tuple[Path, str]] = []
        self.full = False

    def run(self) -> None:
        """Real folders first, then links in the order of their names, so that what is real keeps its own
        name."""
        self._folders(self.root, "")
        while self.links and not self.full:
            self.links.sort(key=lambda link: link[1])
            links, self.links = self.links, []
            for path, name in links:
                self._link(path, name)
        found = self.discovery
        found.files.sort()
        found.env_files.sort()
        found.findings.sort(key=lambda f: (f.file or "", f.rule_id))

    def _folders(self, top: Path, top_name: str) -> None:
        waiting = [(top, top_name)]
        while waiting and not self.full:
            folder, name = waiting.pop()
            deeper = []
            for entry in self._entries(folder, name):
                entry_name = f"{name}/{entry.name}" if name else entry.name
                path = folder / entry.name
                if entry.is_symlink():
                    self.links.append((path, entry_name))
                elif entry.is_dir(follow_symlinks=False):
                    if self._wanted_folder(entry.name):
                        deeper.append((path, entry_name))
                else:
                    self._file(path, entry_name)
            waiting.extend(reversed(deeper))

    def _entries(self, folder: Path, name: str) -> Iterator[os.DirEntry[str]]:
        try:
            status = folder.stat()
            identity = (status.st_dev, status.st_ino)
            if identity in self.seen_folders:
                return
            self.seen_folders.add(identity)
            with os.scandir(folder) as entries:
                yield from sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.discovery.findings.append(
                file_finding(
                    "file/unreadable",
                    Severity.MEDIUM,
                    shown(name or "."),
                    f"The folder cannot be read: {error.strerror or error}. Nothing in it was checked.",
                    "Give this user read permission on the folder.",
                )
            )

    def _wanted_folder(self, name: str) -> bool:
        return name not in self.skipped_folders and (not name.startswith(".") or name in self.visited_hidden)

    def _link(self, path: Path, name: str) -> None:
        base = name.rsplit("/", 1)[-1]
        try:
            status = path.stat()
        except OSError as error:
            if kind_of(name) is not None:
                self._unreachable(path, name, error)
            return
        if not stat.S_ISDIR(status.st_mode):
            self._file(path, name)
            return
        if not self._wanted_folder(base):
            return
        real = Path(os.path.realpath(path))
        parent = Path(os.path.realpath(path.parent))
        if parent == real or parent.is_relative_to(real):
            self.discovery.findings.append(
                file_finding(
                    "file/link-loop",
                    Severity.LOW,
                    shown(name),
                    "The link leads to a folder that contains it; it was not followed.",
                    "Remove the link, or point it at a folder outside of its own path.",
                )
            )
        else:
            self._folders(path, name)

    def _unreachable(self, path: Path, name: str, error: OSError) -> None:
        loop = error.errno == errno.ELOOP
        target = shown(str(path.readlink()))
        self.discovery.findings.append(
            file_finding(
                "file/link-loop" if loop else "file/broken-link",
                Severity.MEDIUM,
                shown(name),
                f"The link to {target!r} leads "
                + ("back to itself." if loop else f"nowhere: {error.strerror or 'it cannot be followed'}."),
                "Point the link at an existing file, or remove it.",
                tag="dangling-ref" if not loop else "cycle",
            )
        )

    def _file(self, path: Path, name: str) -> None:
        kind = kind_of(name)
        if kind is None or name.rsplit("/", 1)[-1] in self.skipped_files:
            return
        found = self.discovery
        file = ConfigFile(shown(name), path, kind)
        if kind is FileKind.ENV:
            found.env_files.append(file)
            return
        if len(found.files) >= self.limits.max_files:
            self.full = True
            found.findings.append(
                file_finding(
                    "file/too-many",
                    Severity.MEDIUM,
                    ".",
                    f"There are more than {self.limits.max_files:,} configuration files; those from {file.name} "
                    "on were not read.",
                    "Check parts of the folder one by one.",
                )
            )
            return
        try:
            status = path.stat()
        except OSError:
            pass  # it was removed meanwhile, or it cannot be reached: the examination says so
        else:
            identity = (status.st_dev, status.st_ino)
            if path.is_symlink() and identity in self.seen_files:
                return  # the file itself is on the list
            self.seen_files.add(identity)
        problem = examine(path, file.name, self.limits)
        if problem is None:
            found.files.append(file)
        else:
            found.findings.append(problem)
