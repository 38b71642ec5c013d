"""Anchors: places outside the log that keep its checkpoints. Without one, truncation and roll-back leave no trace."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

try:
    import fcntl
except ImportError:  # Windows: one process at a time must be enough there
    fcntl = None  # type: ignore[assignment]

_SIGNATURE = ("—", "\ufffd")  # the second where a write was interrupted within the dash


class Anchor(Protocol):
    """Keeps signed checkpoints where who can change the log cannot change them."""

    @property
    def name(self) -> str:
        """Under this name the log remembers what the anchor accepted; it must not change."""
        ...

    @property
    def required(self) -> bool:
        """True when nothing may be appended while this anchor lacks a checkpoint."""
        ...

    def publish(self, note: str, size: int) -> None:
        """Store a checkpoint durably. Raises any Exception when that failed; publishing one twice is harmless."""
        ...

    def read(self) -> list[str] | None:
        """All stored notes, damaged ones too, as they are; None when this anchor only forwards them.

        Raises any Exception when it cannot be read.
        """
        ...


class FileAnchor:
    """A text file of notes, appended to and synced to the disk. Put it on another volume or host.

    An interrupted write leaves the beginning of a note; it is written anew behind it, and the piece is not counted as
    tampering.
    """

    def __init__(self, path: Path, *, name: str = "", required: bool = False) -> None:
        self.path = path
        self.name = name or f"file:{path}"
        self.required = required

    def publish(self, note: str, size: int) -> None:
        """Append the note and an empty line."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            data = (_end_of_piece(descriptor) + note + "\n").encode()
            if os.write(descriptor, data) != len(data):
                raise OSError(f"only a part of the checkpoint was written to {self.path}: the disk may be full")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            _sync_folder(self.path.parent)

    def read(self) -> list[str]:
        """All notes of the file; none when there is no file yet."""
        try:
            text = self.path.read_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            return []
        return _whole(_split_notes(text))


class CallableAnchor:
    """Hands each checkpoint to a function, for example to send it to a channel. It cannot be read back."""

    def __init__(self, name: str, send: Callable[[str], object], *, required: bool = False) -> None:
        self.name = name
        self.required = required
        self._send = send

    def publish(self, note: str, size: int) -> None:
        """Call the function with the note."""
        self._send(note)

    def read(self) -> None:
        """Nothing: who received the checkpoints can compare them."""
        return


def _end_of_piece(descriptor: int) -> str:
    """What ends a note that an interrupted write left behind."""
    length = os.fstat(descriptor).st_size
    return "" if length == 0 or os.pread(descriptor, 2, max(length - 2, 0)) == b"\n\n" else "\n\n"


def _split_notes(text: str) -> list[str]:
    """A note is a body and its signatures, each closed by an empty line; what does not pair up is returned alone."""
    found: list[str] = []
    body = ""
    for piece in (piece.strip("\n") for piece in text.split("\n\n")):
        if piece.startswith(_SIGNATURE):
            found.append(f"{body}\n\n{piece}\n")
            body = ""
        elif piece:
            if body:
                found.append(body)
            body = piece
    return [*found, body] if body else found


def _whole(found: list[str]) -> list[str]:
    """Without the beginnings of notes that follow whole."""
    return [
        note
        for number, note in enumerate(found)
        if number + 1 == len(found) or not _is_beginning(note, found[number + 1])
    ]


def _is_beginning(piece: str, note: str) -> bool:
    begun = piece.rstrip("\n\ufffd")
    return len(begun) < len(note.rstrip("\n")) and note.startswith(begun)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
