"""Writing a whole file at once: a reader sees the old content or the new one, never a part."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def write_new(path: Path, data: bytes, *, mode: int = 0o666, durable: bool = True) -> None:
    """Put `data` at `path`: a temporary file beside it, then a rename.

    Args:
        path: where; a file or a link that stands there is replaced.
        data: the whole content.
        mode: permissions before the umask.
        durable: whether the content is on the disk before the rename; a cache needs no such promise.

    Raises:
        OSError: when the folder cannot be written; nothing is left behind then.
    """
    temporary = path.parent / f".{path.name[:100]}.{secrets.token_hex(8)}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
