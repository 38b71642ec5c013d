"""Replacing a file's content at once: after a crash there is the old file or the new one, never a part."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path


class ChangedMeanwhileError(OSError):
    """The file does not hold what was expected any more."""


def replace_file(path: Path, data: bytes, *, expected: bytes | None = None) -> None:
    """Put `data` in place of a regular file's content: temporary file beside it, fsync, rename, fsync of the
    folder.

    A link is followed, so the link stays and its target is replaced. Mode, extended attributes and, where
    this user may set it, owner are kept. A hard link elsewhere keeps the old content: that is the price of
    atomicity.

    Args:
        path: an existing regular file, or a link to one.
        data: the whole new content.
        expected: what the file must still hold just before it is replaced.

    Raises:
        ChangedMeanwhileError: when the content is not `expected`.
        OSError: when the folder or file cannot be written; the old file is untouched then.
    """
    target = Path(os.path.realpath(path))
    status = target.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{target} is no regular file")
    if not os.access(target, os.W_OK):
        # The rename would succeed all the same; but who made the file read-only does not want it changed.
        raise PermissionError(f"{target} is read-only")
    folder = target.parent
    temporary = folder / f".{target.name[:100]}.{secrets.token_hex(8)}.tmp"
    # Exclusive, and readable by nobody else until it has the mode of the file it replaces.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            _write_all(descriptor, data)
            _copy_ownership(descriptor, target, status)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if expected is not None and target.read_bytes() != expected:
            raise ChangedMeanwhileError("the file changed while its fixes were being written")
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(folder)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _copy_ownership(descriptor: int, target: Path, status: os.stat_result) -> None:
    # Changing the owner clears the set-user bits, so the mode comes last.
    try:
        os.fchown(descriptor, status.st_uid, status.st_gid)
    except PermissionError:
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, -1, status.st_gid)
    if hasattr(os, "listxattr"):
        with contextlib.suppress(OSError):
            for name in os.listxattr(target):
                with contextlib.suppress(OSError):
                    os.setxattr(descriptor, name, os.getxattr(target, name))
    os.fchmod(descriptor, stat.S_IMODE(status.st_mode))


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable; some file systems cannot sync a folder, which is no reason to fail."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
