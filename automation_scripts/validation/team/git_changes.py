"""What changed since a git revision: files, and lines of files, by asking git itself.

Nothing of a repository's settings is run: no external diff, no text conversion, no monitor, no pager, and no lock is
taken. Submodules and repositories inside the folder are passed over, except untracked ones: they are new as a whole.
"""

from __future__ import annotations

import os
import re
import subprocess
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from automation_scripts.errors import InvalidParameters
from automation_scripts.validation.input.file_kinds import kind_of

_TIMEOUT_S = 120
_FILES_A_CALL = 100
_GIT = ("git", "--no-optional-locks", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-c", "core.safecrlf=false")
_DIFF = (
    "diff", "--no-color", "--color-moved=no", "--no-ext-diff", "--no-textconv", "--no-relative", "-M",
    "--ignore-submodules=all", "--raw", "-z",
)  # fmt: skip
_PATCH = ("--patch", "--unified=0", "--inter-hunk-context=0", "--text", "--abbrev=40")
_SECTION = re.compile(rb"(?m)^diff --git ")
_HUNK = re.compile(rb"(?m)^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_REMOVED = re.compile(rb"(?m)^-(?!-- )(.*)$")
_ADDED = re.compile(rb"(?m)^\+(?!\+\+ )(.*)$")
_WORD = re.compile(r"[\w./@-]+")
_OURS = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"}
)
_FOREIGN = frozenset({"GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GIT_LITERAL_PATHSPECS", "GIT_TRACE"})


@dataclass(slots=True)
class FileChange:
    """What changed in one file that still is there."""

    whole: bool = False
    """True for a new file, and for one whose changes are not known by line."""
    lines: list[tuple[int, int]] = field(default_factory=list)
    """First and last line of every piece that was added or changed."""
    cuts: list[int] = field(default_factory=list)
    """Lines behind which there are fewer lines than before; 0 is the beginning of the file."""

    def touches(self, first: int, last: int) -> bool:
        """Whether a line from `first` to `last` was added or changed."""
        if self.whole:
            return True
        at = bisect_left(self.lines, first, key=lambda piece: piece[1])
        return at < len(self.lines) and self.lines[at][0] <= last

    def shortened(self, first: int, last: int) -> bool:
        """Whether lines went away between `first` and `last`."""
        at = bisect_left(self.cuts, first)
        return at < len(self.cuts) and self.cuts[at] <= last


@dataclass(slots=True)
class Changes:
    """Everything that changed since a revision. Names are relative to `top`, the repository's root, with `/`."""

    top: Path
    revision: str
    files: dict[str, FileChange] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    """Files that were deleted or renamed."""
    new_folders: list[str] = field(default_factory=list)
    """Untracked folders that git does not look into; each ends with `/`."""
    removed_words: set[str] = field(default_factory=set)
    """Words of configuration lines that went away, without those that came with the lines in their place."""

    def of(self, path: Path) -> FileChange | None:
        """The change of a file; None when it is as it was. A file outside the repository counts as new."""
        places = {Path(os.path.abspath(path)), Path(os.path.realpath(path))}  # noqa: PTH100 - the link itself too
        inside = [place.relative_to(self.top).as_posix() for place in places if place.is_relative_to(self.top)]
        if not inside or any(name.startswith(tuple(self.new_folders)) for name in inside):
            return FileChange(whole=True)
        return next((self.files[name] for name in inside if name in self.files), None)


def changes_since(revision: str, folder: Path) -> Changes:
    """Compare the working tree with a revision.

    Args:
        revision: a branch, tag or commit; with `...` behind it, the place where the present branch left it.
        folder: the folder or file that is checked; the whole repository around it is compared.

    Raises:
        InvalidParameters: when there is no git, no repository, or no such revision; with what to do.
    """
    folder = Path(os.path.realpath(folder if folder.is_dir() else folder.parent))
    top = Path(_repository(folder))
    changes = Changes(top, _commit(revision, folder))
    patched: list[str] = []
    for status, old, new in _raw_entries(_git(top, *_DIFF, changes.revision, "--")):
        if status[0] in "DR":
            changes.gone.add(old)
        if status[0] != "D":
            changes.files[new] = FileChange(whole=status[0] in "AT")
        if kind_of(old) is not None or kind_of(new) is not None:
            patched += {old, new}
    for start in range(0, len(patched), _FILES_A_CALL):
        _add_lines(changes, patched[start : start + _FILES_A_CALL])
    for name in _fields(_git(top, "ls-files", "--others", "--exclude-standard", "-z")):
        if name.endswith("/"):
            changes.new_folders.append(name)
        else:
            changes.files[name] = FileChange(whole=True)
    return changes


def _add_lines(changes: Changes, names: Sequence[str]) -> None:
    output = _git(changes.top, *_DIFF, *_PATCH, changes.revision, "--", *sorted(set(names)))
    raw, _, patch = output.partition(b"\0\0")
    entries = list(_raw_entries(raw))
    # Git quotes names in a patch, and what a file holds never begins a line of it: sections come in the order of the
    # entries. A change of type has two sections.
    sections = _SECTION.split(patch)[1:]
    expected = [new for status, _, new in entries for _ in range(2 if status[0] == "T" else 1)]
    for name, section in zip(expected, sections, strict=False):
        if (change := changes.files.get(name)) is not None:
            _read_section(section, change)
        changes.removed_words |= _words(_REMOVED, section) - _words(_ADDED, section)
    if len(expected) != len(sections):
        for name in expected:
            changes.files[name] = FileChange(whole=True)


def _words(lines: re.Pattern[bytes], section: bytes) -> set[str]:
    return set(_WORD.findall(b"\n".join(lines.findall(section)).decode("utf-8", "replace")))


def _read_section(section: bytes, change: FileChange) -> None:
    for found in _HUNK.finditer(section):
        before, start, after = found[1], int(found[2]), found[3]
        removed, added = int(before or 1), int(after or 1)
        if added:
            change.lines.append((start, start + added - 1))
        if removed > added:
            change.cuts.append(start + max(added - 1, 0))


def _raw_entries(output: bytes) -> Iterator[tuple[str, str, str]]:
    """(status, old name, new name) of `--raw -z`; the names are the same where nothing was renamed."""
    fields = iter(_fields(output))
    for head in fields:
        if not head.startswith(":"):
            return
        status = head.rsplit(" ", 1)[-1]
        old = next(fields)
        yield status, old, next(fields) if status[0] in "RC" else old


def _fields(output: bytes) -> list[str]:
    return [os.fsdecode(part) for part in output.split(b"\0") if part]


# Git ------------------------------------------------------------------------------------------------------


def _repository(folder: Path) -> str:
    try:
        return os.fsdecode(_git(folder, "rev-parse", "--show-toplevel")).rstrip("\n")
    except _GitFailed as error:
        raise InvalidParameters(
            f"--changed-since: {folder} is in no git repository that can be read ({error}). "
            "Leave the option out, or give a folder of a work tree."
        ) from error


def _commit(revision: str, folder: Path) -> str:
    """The full name of a commit, so that nothing of what the caller wrote reaches git a second time."""
    since_branching = revision.endswith("...")
    name = revision.removesuffix("...")
    if not name or name.startswith("-") or not name.isprintable():
        raise InvalidParameters(f"--changed-since: {revision!r} is no revision. Give a branch, a tag or a commit.")
    try:
        found = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        commit = found.decode().strip()
        return _git(folder, "merge-base", commit, "HEAD").decode().strip() if since_branching else commit
    except _GitFailed as error:
        raise InvalidParameters(
            f"--changed-since: this repository knows no commit {revision!r} to compare with. In a shallow clone, "
            f"fetch it first: `git fetch origin {name}`, or fetch-depth: 0 in the checkout of a pipeline."
        ) from error


class _GitFailed(Exception):
    pass


def _git(folder: Path, *arguments: str) -> bytes:
    # Git sets these for its hooks; here the folder decides which repository is meant.
    environment = {key: value for key, value in os.environ.items() if key not in _OURS | _FOREIGN} | {"LC_ALL": "C"}
    try:
        done = subprocess.run(
            [*_GIT, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise InvalidParameters("--changed-since needs git, and there is none on the PATH. Install git.") from error
    except subprocess.TimeoutExpired as error:
        raise InvalidParameters(
            f"--changed-since: git did not answer within {_TIMEOUT_S} seconds. Compare a smaller tree."
        ) from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise _GitFailed(said[0] if said else f"git ended with {done.returncode}")
    return done.stdout
