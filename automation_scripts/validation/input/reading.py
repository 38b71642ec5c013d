"""Reading files that may be anything: a pipe that never ends, a device, a folder, something this user may not
see."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.input.limits import Limits

_CHUNK_BYTES = 1 << 20
_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "a folder"),
)


class NotReadable(Exception):
    """A file that is left unread. It is turned into a finding and never reaches the user as an exception."""

    def __init__(self, rule_id: str, message: str, suggestion: str, *, tag: str = "invalid-value") -> None:
        super().__init__(message)
        self.tag = tag
        self.rule_id = rule_id
        self.message = message
        self.suggestion = suggestion

    def finding(self, name: str) -> Finding:
        """The finding for the file that is shown as `name`."""
        return Finding(
            self.rule_id,
            Severity.MEDIUM,
            self.message,
            file=name,
            line=1,
            column=1,
            resource=name,
            suggestion=self.suggestion,
            tags=(self.tag,),
        )


def read_start(path: Path, count: int, limits: Limits) -> bytes:
    """The first `count` bytes of a regular file.

    Raises:
        NotReadable: when it is no regular file, too large, or not readable for this user.
    """
    return _read(path, count, limits)


def read_bytes(path: Path, limits: Limits) -> bytes:
    """The whole content of a regular file.

    Raises:
        NotReadable: when it is no regular file, too large, or not readable for this user.
    """
    data = _read(path, limits.max_file_bytes + 1, limits)
    if len(data) > limits.max_file_bytes:
        raise _too_large(len(data), limits)
    return data


def _read(path: Path, count: int, limits: Limits) -> bytes:
    try:
        # Without O_NONBLOCK, opening a pipe would wait for a writer; what it is, is asked after it is open,
        # so that nothing can be put in its place in between.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == errno.ENXIO:  # what opening a socket gives
            raise _special("a socket or a device without a driver") from error
        why = getattr(error, "strerror", None) or str(error)
        raise NotReadable(
            "file/unreadable",
            f"The file cannot be read: {why}.",
            "Give this user read permission on the file, or remove it from the folder.",
        ) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            what = next((words for check, words in _KINDS if check(status.st_mode)), "no regular file")
            raise _special(what)
        if status.st_size > limits.max_file_bytes:
            raise _too_large(status.st_size, limits)
        pieces = []
        at_once = max(status.st_size, _CHUNK_BYTES)  # in one piece there is nothing to copy together
        while count > 0 and (piece := os.read(descriptor, min(count, at_once))):
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)
    except OSError as error:
        raise NotReadable(
            "file/unreadable",
            f"The file cannot be read: {error.strerror or error}.",
            "Check the disk and the mount.",
        ) from error
    finally:
        os.close(descriptor)


def _special(what: str) -> NotReadable:
    return NotReadable(
        "file/special",
        f"This is {what}, not a file with text; it was not read.",
        "Remove it, or give it a name that is not that of a configuration file.",
    )


def _too_large(size: int, limits: Limits) -> NotReadable:
    return NotReadable(
        "file/too-large",
        f"The file has {size:,} bytes, more than the {limits.max_file_bytes:,} that are read; it was not checked.",
        "Split it, or raise the limit; data of this size is seldom configuration.",
    )
