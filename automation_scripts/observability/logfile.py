"""One file that several processes append lines to, and that any of them rotates. No line is lost.

Each line is one `write` to a descriptor opened with O_APPEND, which POSIX makes atomic among writers of a
local file. Writers take no lock, so a stopped process holds up nobody. Rotation gives the file another name
and puts a new file in its place, as logrotate does: a writer sees that the name leads to another file and
opens that one; a line that was under way is in the old file.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 10 * 1024 * 1024
KEEP = 5
MODE = 0o640


class LogFile:
    """`path`, rotated to `path.1`, `path.2` … `path.{keep}` each time it has grown over `max_bytes`.

    `farewell` makes the last line of a file that is rotated away, for people who still follow it.
    Not safe for several threads at once: `logging.Handler` brings the lock.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = MAX_BYTES,
        keep: int = KEEP,
        farewell: Callable[[], bytes] | None = None,
    ) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._farewell = farewell
        self._rotate_at = max_bytes
        self._fd: int | None = None
        self._file: tuple[int, int] | None = None
        self._torn = False

    def append(self, line: bytes) -> None:
        """Writes one line, which ends in a newline. Raises OSError when it could not be written whole."""
        fd = self._descriptor()
        if self._torn:
            line = b"\n" + line  # so that only the torn line is unreadable
        written = os.write(fd, line)
        self._torn = 0 < written < len(line) or (self._torn and written == 0)
        if written < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def rotate_if_full(self) -> None:
        """Rotates once the file is over its size, unless another process is at it. Raises OSError."""
        size = os.fstat(self._descriptor()).st_size
        if size > self._rotate_at:
            self._rotate_at = size + self._max_bytes  # what cannot be rotated is not tried again at every line
            if stat.S_ISREG(self.path.lstat().st_mode):  # a device or a symbolic link is not ours to move
                self._rotate()

    def close(self) -> None:
        """Lets go of the file; the next line opens it again."""
        if self._fd is not None:
            with suppress(OSError):
                os.close(self._fd)
        self._fd = self._file = None

    def _descriptor(self) -> int:
        """The descriptor of the file that the name leads to now."""
        if self._fd is not None and self._identity() == self._file:
            return self._fd
        self.close()
        try:
            self._fd = self._open()
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)  # somebody removed the folder
            self._fd = self._open()
        status = os.fstat(self._fd)
        self._file = (status.st_dev, status.st_ino)
        self._rotate_at = self._max_bytes
        return self._fd

    def _open(self) -> int:
        # Not blocking: opening a pipe that nobody reads must fail, not wait.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        return os.open(self.path, flags, MODE)

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def _rotate(self) -> None:
        # A descriptor of its own: one inherited over a fork would share its lock with the parent.
        lock = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(lock)
            if self._identity() != (status.st_dev, status.st_ino) or status.st_size <= self._max_bytes:
                return  # another process has just done it
            successor = self._successor(status)
            if self._farewell:
                os.write(lock, self._farewell())
            self._make_room()
            # Linked and replaced, so that the name always leads to a file: a writer that may not create one
            # in this folder must never find it missing.
            try:
                os.link(self.path, self._numbered(1))
            except OSError:  # a file system without links
                self.path.rename(self._numbered(1))
            successor.replace(self.path)
        except BlockingIOError:
            return
        finally:
            os.close(lock)

    def _successor(self, status: os.stat_result) -> Path:
        """An empty file with the owner and the mode of the present one."""
        path = self.path.with_name(f"{self.path.name}.new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(path, flags, MODE)
        try:
            with suppress(PermissionError):  # only root may give a file away
                os.fchown(fd, status.st_uid, status.st_gid)
            os.fchmod(fd, stat.S_IMODE(status.st_mode))
        finally:
            os.close(fd)
        return path

    def _make_room(self) -> None:
        """Frees the number 1. A gap, which a process that died half-way may leave, is filled first."""
        free = next((n for n in range(1, self._keep + 1) if not self._numbered(n).exists()), self._keep)
        for number in range(free, 1, -1):
            self._numbered(number - 1).replace(self._numbered(number))
        self._numbered(1).unlink(missing_ok=True)  # still there when only one is kept

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
