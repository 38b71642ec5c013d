"""A folder of small files that many processes may use at once: what is in it may be lost at any time, and is never trusted.

An entry is written to a temporary file and renamed. It begins with a digest of the rest; what does not fit its digest,
belongs to somebody else or is no regular file counts as absent. The oldest entries go when the folder grows too large.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from pathlib import Path

from automation_scripts.validation.team.whole_files import write_new

FORM = "1"
"""Entries of another form are in another folder and age there."""
_DIGEST_BYTES = 32
_LARGEST_ENTRY = 32 * 2**20
_TOUCHED_AFTER_S = 3600
_KEPT_SHARE = 0.8


class EntryFolder:
    """Entries by key. Nothing here raises for the state of the folder: then there are no entries.

    Args:
        folder: where; it is made when the first entry is written.
        max_bytes: how large all entries may be together.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder / FORM
        self.max_bytes = max_bytes
        self.problem = ""
        """Why the folder is not used; empty when it is."""
        self._written = 0
        self._now = time.time()
        self._ready = False

    def get(self, key: str) -> bytes | None:
        """The content stored under a key (hexadecimal), or None."""
        path = self._path(key)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            status = os.fstat(descriptor)
            ours = status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            if not stat.S_ISREG(status.st_mode) or not ours or status.st_size > _LARGEST_ENTRY:
                return None
            data = os.read(descriptor, status.st_size)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        body = data[_DIGEST_BYTES:]
        if _digest(key, body) != data[:_DIGEST_BYTES]:
            return None
        if self._now - status.st_mtime > _TOUCHED_AFTER_S:
            with contextlib.suppress(OSError):
                os.utime(path)  # it was used: it goes last
        return body

    def put(self, key: str, body: bytes) -> None:
        """Store content under a key; silently not, when it is too large or the folder cannot be written."""
        if self.problem or len(body) > min(_LARGEST_ENTRY - _DIGEST_BYTES, self.max_bytes):
            return
        path = self._path(key)
        try:
            if not self._ready:
                self._make()
            path.parent.mkdir(mode=0o700, exist_ok=True)
            write_new(path, _digest(key, body) + body, mode=0o600, durable=False)
        except OSError as error:
            self.problem = f"{self.folder} cannot be written: {error.strerror or error}"
            return
        self._written += 1

    def close(self) -> None:
        """Remove the oldest entries when there are too many; costs nothing when nothing was written."""
        if not self._written:
            return
        self._written = 0
        found: list[tuple[float, int, str]] = []
        for folder in _scanned(self.folder):
            for entry in _scanned(Path(folder.path)):
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if entry.name.startswith(".") and self._now - status.st_mtime > _TOUCHED_AFTER_S:
                        Path(entry.path).unlink(missing_ok=True)  # a process ended while it wrote
                    else:
                        found.append((status.st_mtime, status.st_size, entry.path))
        total = sum(size for _, size, _ in found)
        if total <= self.max_bytes:
            return
        for _, size, path in sorted(found):
            with contextlib.suppress(OSError):
                Path(path).unlink(missing_ok=True)
            total -= size
            if total <= self.max_bytes * _KEPT_SHARE:
                return

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key[2:]

    def _make(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = self.folder.stat()
        if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(f"{self.folder} belongs to another user, or others may write to it")
        self._ready = True


def default_cache_folder() -> Path:
    """Where entries go unless the caller says otherwise: `$XDG_CACHE_HOME` or `~/.cache`, in a folder of this package.

    A user without a home (in a container) has none: the place that is answered then cannot be written to.
    """
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    try:
        base = Path(chosen) if Path(chosen).is_absolute() else Path.home() / ".cache"
    except RuntimeError:
        base = Path(os.devnull)
    return base / "automation-scripts" / "validation"


def key_of(*parts: str | bytes) -> str:
    """A key for a list of texts: each with its length, so that no two lists give the same."""
    digest = hashlib.blake2b(digest_size=24)
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def _digest(key: str, body: bytes) -> bytes:
    # With the key, so that an entry that was moved to another name is no entry.
    return hashlib.blake2b(body, digest_size=_DIGEST_BYTES, key=key.encode()).digest()


def _scanned(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
