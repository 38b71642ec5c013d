"""Where schemas are fetched from: files of published Python packages, and files of public repositories at a commit.

Used by the update command alone. Packages are downloaded with pip and read as archives, never installed or run.
"""

from __future__ import annotations

import datetime
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from automation_scripts.errors import ConfigurationError
from automation_scripts.validation.schemas.store import PackageSource, RepositorySource, Source

_TIMEOUT_S = 120.0
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Archive:
    """The files of a source by path, and the day on which it was published (ISO 8601)."""

    files: zipfile.ZipFile
    prefix: str
    date: str

    def names(self) -> list[str]:
        """The paths of all files, sorted."""
        inside = (name for name in self.files.namelist() if name.startswith(self.prefix) and not name.endswith("/"))
        return sorted(name.removeprefix(self.prefix) for name in inside)

    def read(self, name: str) -> bytes:
        """A file's content.

        Raises:
            ConfigurationError: when there is none of that name, or it is too large.
        """
        try:
            member = self.files.getinfo(self.prefix + name)
        except KeyError:
            raise ConfigurationError(f"The source has no file {name}.") from None
        if member.file_size > MAX_BYTES:
            raise ConfigurationError(f"{name} is larger than {MAX_BYTES} bytes.")
        return self.files.read(member)

    def day_of(self, name: str) -> str:
        """The day that the archive notes for a file, or its own where that says nothing."""
        year, month, day = self.files.getinfo(self.prefix + name).date_time[:3]
        return datetime.date(year, month, day).isoformat() if year > 1980 else self.date

    def size(self, name: str) -> int:
        """A file's size in bytes."""
        return self.files.getinfo(self.prefix + name).file_size


@dataclass(frozen=True, slots=True)
class Clone:
    """The files of a local clone at a commit, in the form of an `Archive`."""

    folder: Path
    commit: str
    date: str
    sizes: Mapping[str, int]

    @classmethod
    def at(cls, folder: Path, commit: str) -> Clone:
        """The files of a commit. Raises ConfigurationError when the folder has no such commit."""
        date = _git(folder, "show", "-s", "--format=%cs", commit).decode().strip()
        sizes: dict[str, int] = {}
        for line in _git(folder, "ls-tree", "-r", "-l", "-z", commit).decode().split("\0"):
            facts, _, name = line.partition("\t")
            size = facts.split()[-1:]
            # A partial clone lacks objects, and says no size for them.
            sizes[name] = int(size[0]) if size and size[0].isdigit() else MAX_BYTES + 1
        sizes.pop("", None)
        return cls(folder, commit, date, sizes)

    def names(self) -> list[str]:
        """The paths of all files, sorted."""
        return sorted(self.sizes)

    def read(self, name: str) -> bytes:
        """A file's content. Raises ConfigurationError when there is none of that name, or it is too large."""
        if self.size(name) > MAX_BYTES:
            raise ConfigurationError(f"{name} is larger than {MAX_BYTES} bytes, or missing from the clone.")
        return _git(self.folder, "show", f"{self.commit}:{name}")

    def day_of(self, _: str) -> str:
        """The day of the commit."""
        return self.date

    def size(self, name: str) -> int:
        """A file's size in bytes."""
        if name not in self.sizes:
            raise ConfigurationError(f"The source has no file {name}.")
        return self.sizes[name]


Files = Archive | Clone


def _git(folder: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise ConfigurationError(f"{' '.join(command)}: {done.stderr.decode(errors='replace').strip()[:300]}")
    return done.stdout


@dataclass(slots=True)
class Workspace:
    """Opens each source once. `clones` are local clones of repositories, for use without a network."""

    folder: Path
    clones: Mapping[str, Path] = field(default_factory=dict)
    _opened: dict[tuple[str, str], Files] = field(default_factory=dict)

    def open(self, source: Source) -> Files:
        """All files of a source.

        Raises:
            ConfigurationError: when it cannot be reached; it says why.
        """
        key = (
            (source.package, source.version)
            if isinstance(source, PackageSource)
            else (source.repository, source.commit)
        )
        if key not in self._opened:
            self._opened[key] = self._package(source) if isinstance(source, PackageSource) else self._repository(source)
        return self._opened[key]

    def _package(self, source: PackageSource) -> Archive:
        wheel = zipfile.ZipFile(_download(source, self.folder / source.package))
        newest = max(member.date_time[:3] for member in wheel.infolist())
        return Archive(wheel, "", datetime.date(*newest).isoformat())

    def _repository(self, source: RepositorySource) -> Files:
        if (clone := self.clones.get(source.repository)) is not None:
            return Clone.at(clone, source.commit)
        archive = zipfile.ZipFile(BytesIO(_get(f"https://codeload.github.com/{source.repository}/zip/{source.commit}")))
        prefix = archive.namelist()[0].partition("/")[0] + "/"
        newest = max(member.date_time[:3] for member in archive.infolist())
        return Archive(archive, prefix, datetime.date(*newest).isoformat())


def get_upstream(address: str) -> tuple[bytes, str]:
    """(content, today) of an authors' own address.

    Raises:
        ConfigurationError: when it cannot be fetched.
    """
    return _get(address), datetime.datetime.now(datetime.UTC).date().isoformat()


def _get(address: str) -> bytes:
    import httpx

    try:
        answer = httpx.get(address, timeout=_TIMEOUT_S, follow_redirects=True)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise ConfigurationError(f"{address} cannot be fetched: {error}. Is the network reachable?") from error
    return answer.content


def _download(source: PackageSource, folder: Path) -> Path:
    """The package's wheel, downloaded once a run with pip."""
    if not folder.exists():
        folder.mkdir(parents=True)
        wanted = f"{source.package}=={source.version}"
        options = ["--quiet", "--no-deps", "--only-binary", ":all:", "-d", str(folder)]
        command = [*_pip(), "download", *options, wanted]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            raise ConfigurationError(f"{wanted}: no answer within {_TIMEOUT_S:.0f} s.") from None
        if done.returncode != 0:
            reason = done.stderr.strip().splitlines()[-1:] or ["pip gave no reason"]
            raise ConfigurationError(f"{wanted} cannot be downloaded: {reason[0]} Is the network reachable?")
    found = sorted(folder.glob("*.whl"))
    if not found:
        raise ConfigurationError(f"{source.package} {source.version} is not published as a wheel.")
    return found[0]


def _pip() -> list[str]:
    """pip of this interpreter, else the one on PATH: environments made by uv have none of their own."""
    probe = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
    if probe.returncode == 0:
        return [sys.executable, "-m", "pip"]
    if found := shutil.which("pip"):
        return [found]
    raise ConfigurationError("The update needs pip. Install it (`python -m ensurepip`) and run the command again.")
