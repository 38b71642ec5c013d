"""Small files that only the owner may read: keys and one-time secrets."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from automation_scripts.errors import ConfigurationError


def write_once(path: Path, data: bytes) -> bytes:
    """Put `data` there unless there is a file already; what is there afterwards is returned, the same to every process."""
    temporary = _written_beside(path, data)
    try:
        os.link(temporary, path)  # unlike a rename, this never replaces what another process was quicker to put there
        _sync_folder(path.parent)
    except FileExistsError:
        return read_private(path)
    except OSError as error:
        raise _unusable(path, error) from error
    finally:
        temporary.unlink()
    return data


def replace_private(path: Path, data: bytes) -> None:
    """Put `data` there at once: after a crash there is the old file or the new one."""
    temporary = _written_beside(path, data)
    try:
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise _unusable(path, error) from error
    _sync_folder(path.parent)


def read_private(path: Path) -> bytes:
    """Its content. Raises ConfigurationError when others may read or change it, FileNotFoundError when it is missing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unusable(path, error) from error
    with os.fdopen(descriptor, "rb") as file:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & 0o077:
            raise ConfigurationError(
                f"{path} holds a secret and other users of this machine may use it (mode {mode:04o}). Take it back with "
                f"`chmod 600 {path}`; if someone may have read it, delete it, so that a new one is made."
            )
        return file.read()


def _written_beside(path: Path, data: bytes) -> Path:
    temporary = path.parent / f".{path.name}.{secrets.token_hex(8)}.tmp"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise _unusable(path, error) from error
    return temporary


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{path} cannot be used: {(error.strerror or str(error)).lower()}. Check that the folder exists, has space left, and "
        "belongs to this user."
    )
