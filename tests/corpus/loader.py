"""The real files: named in `manifest.yaml`, read from copies of their repositories.

The project keeps no copy of other people's files. `CONFIG_CORPUS` names a folder with git directories called
`OWNER+NAME` (bare, or with the git directory in `repo` or `repo/.git`), such as `git clone --mirror` makes. A file is
read by the hash of its content, so a repository that moved on gives the same text.
"""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

MANIFEST = Path(__file__).with_name("manifest.yaml")
VARIABLE = "CONFIG_CORPUS"


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """One real file: where it is from, under which licence, and what it says."""

    kind: str
    repository: str
    path: str
    blob: str
    commit: str
    licence: str
    group: str
    """Files of one group are the environments of one application; empty for a file alone."""
    text: str

    @property
    def name(self) -> str:
        """A path that no other file of the corpus has."""
        return f"{self.repository.replace('/', '+')}/{self.path}"


def repositories_folder() -> Path | None:
    """The folder of repositories, or None where none was given."""
    value = os.environ.get(VARIABLE, "")
    return Path(value) if value else None


@cache
def manifest() -> dict[str, Any]:
    """`repositories` (name to commit and licence) and `files`."""
    data: dict[str, Any] = yaml.load(MANIFEST.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return data


@cache
def load(folder: Path) -> tuple[CorpusFile, ...]:
    """Every file of the manifest, in its order.

    Raises:
        FileNotFoundError: a repository or one of its files is not in the folder.
    """
    wanted: dict[str, list[str]] = defaultdict(list)
    for entry in manifest()["files"]:
        wanted[entry["repository"]].append(entry["blob"])
    texts = {
        (repository, blob): text
        for repository, blobs in wanted.items()
        for blob, text in _read(_git_directory(folder, repository), blobs).items()
    }
    return tuple(
        CorpusFile(
            kind=entry["kind"],
            repository=entry["repository"],
            path=entry["path"],
            blob=entry["blob"],
            commit=manifest()["repositories"][entry["repository"]]["commit"],
            licence=manifest()["repositories"][entry["repository"]]["licence"],
            group=entry.get("group", ""),
            text=texts[entry["repository"], entry["blob"]],
        )
        for entry in manifest()["files"]
    )


def _git_directory(folder: Path, repository: str) -> Path:
    base = folder / repository.replace("/", "+")
    for place in (base / "repo" / ".git", base / "repo", base / ".git", base):
        if (place / "objects").is_dir():
            return place
    raise FileNotFoundError(f"no git directory of {repository} in {folder}")


def _read(git_directory: Path, blobs: list[str]) -> dict[str, str]:
    """The text of each blob."""
    answer = subprocess.run(
        ["git", f"--git-dir={git_directory}", "cat-file", "--batch"],
        input="".join(f"{blob}\n" for blob in blobs).encode(),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    texts: dict[str, str] = {}
    at = 0
    for blob in blobs:
        end = answer.index(b"\n", at)
        header = answer[at:end].split()
        if header[-1] == b"missing":
            raise FileNotFoundError(f"{git_directory} has no blob {blob}")
        size = int(header[2])
        texts[blob] = answer[end + 1 : end + 1 + size].decode("utf-8")
        at = end + 1 + size + 1
    return texts
