"""Files that only their owner may read: keys, sessions, exports. Whole and durable or not there, and refused once others can read them."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import BinaryIO

from automation_scripts.errors import ConfigurationError

_TEMPORARY = ".new"
_CANNOT_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF})
"""What file systems answer that have no way to make a folder durable."""


def read_private(path: Path, what: str = "file", *, most: int = 1 << 20, forbidden: int = 0o077) -> bytes:
    """The content of a regular file that others have no access to.

    Args:
        path: the file itself. A link is refused, since who made it chooses what is read: resolve it first where people may
            name a file as they like.
        what: what it is, for the messages.
        most: the largest size, in bytes.
        forbidden: mode bits that must not be set.

    Raises:
        FileNotFoundError: there is none.
        ConfigurationError: it cannot be read, is too large, is a link or no regular file, belongs to somebody else, or
            others have access to it.
    """
    try:
        # A named pipe would block the open.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            # Asked of the open file: between a check by path and the opening it could be exchanged.
            _check(os.fstat(descriptor), path, what, forbidden)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                data = file.read(most + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ConfigurationError(
                f"The {what} {path} cannot be read: it is a link. Put the file itself there."
            ) from None
        raise ConfigurationError(
            f"The {what} {path} cannot be read: {error.strerror}. Make it readable for this user."
        ) from None
    if len(data) > most:
        raise ConfigurationError(f"The {what} {path} is larger than {most} bytes. Check that this is the right file.")
    return data


def write_private(path: Path, data: bytes) -> None:
    """Put the file there with mode 0600, at once: after a crash there is the old one or the new one.

    Raises ConfigurationError when the folder cannot be written or is full; the old file is untouched then.
    """
    with new_private(path) as file:
        file.write(data)


def create_private(path: Path, data: bytes) -> bool:
    """Put the file there with mode 0600 unless there is one. Of several processes at once one does, and gets True.

    Nobody ever sees half of it. Raises ConfigurationError like `write_private`.
    """
    try:
        with _unfinished(path) as (temporary, file):
            file.write(data)
            _flush(file)
            created = _linked(temporary, path)
    except OSError as error:
        raise _unwritten(path, error) from None
    sync_folder(path.parent)  # also for who came second: what it reads now must be there tomorrow
    return created


@contextmanager
def new_private(path: Path) -> Iterator[BinaryIO]:
    """A file to write that appears at `path` when the block ends without an error, whole and durable.

    What writers that were killed have left is removed first. Raises ConfigurationError for what the operating system
    refuses.
    """
    try:
        with _unfinished(path) as (temporary, file):
            yield file
            _flush(file)
            temporary.replace(path)
    except OSError as error:
        raise _unwritten(path, error) from None
    sync_folder(path.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock beside `path` against other processes and threads; a killed holder lets it go."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"{lock} cannot be opened: {error.strerror}. Make its folder writable for this user."
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        # Closing would not do: a child that was forked meanwhile has the descriptor too.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make a name durable. Raises ConfigurationError where that was tried and failed."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise ConfigurationError(
                f"What was written to {folder} may not be on the disk: {error.strerror}. Check the disk, and do it again."
            ) from None


def _check(status: os.stat_result, path: Path, what: str, forbidden: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(f"The {what} {path} is no regular file. Check the path.")
    mode = stat.S_IMODE(status.st_mode)
    if mode & forbidden:
        raise ConfigurationError(
            f"Others have access to the {what} {path} (mode {mode:04o}). Take it away with `chmod 600 {shlex.quote(str(path))}`; "
            "if others use this machine, replace what it holds as well."
        )
    if status.st_uid not in (os.geteuid(), 0):
        raise ConfigurationError(
            f"The {what} {path} belongs to user {status.st_uid}, who can change it at any time. "
            f"Make it yours with `chown {os.geteuid()} {shlex.quote(str(path))}`."
        )


@contextmanager
def _unfinished(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A file beside `path` to write, gone at the end unless it was renamed. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove_leftovers(path)
    temporary, descriptor = _begin(path)
    try:
        # The lock goes with the descriptor, so whatever is done with the file is done in the block.
        with os.fdopen(descriptor, "wb") as file:
            yield temporary, file
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _linked(temporary: Path, path: Path) -> bool:
    """Unlike a rename, this never replaces what another was quicker to put there."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    return True


def _begin(path: Path) -> tuple[Path, int]:
    """A new file, locked as long as its writer lives."""
    while True:
        temporary = path.parent / f".{path.name[:100]}.{secrets.token_hex(8)}{_TEMPORARY}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, 0o600)  # the mask of this process may have taken more away
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if temporary.exists():
            return temporary, descriptor
        os.close(descriptor)  # before it was locked, another writer took it for a leftover


def _remove_leftovers(path: Path) -> None:
    for left in path.parent.glob(f".{escape(path.name[:100])}.*{_TEMPORARY}"):
        with contextlib.suppress(OSError):  # BlockingIOError: its writer lives
            descriptor = os.open(left, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()
            finally:
                os.close(descriptor)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _unwritten(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{path} cannot be written: {error.strerror}. Free some space or make the folder writable; "
        "what was there before is untouched."
    )
