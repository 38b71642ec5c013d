"""Key-encryption keys in a keyring file of the state folder."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.encryption.providers import KEY_BYTES, Keks, LocalKeys, kek_id_of, refuse_current
from automation_scripts.storage.private_files import locked, read_private, write_private
from automation_scripts.storage.times import now

_VERSION = 1


class FileKeys(LocalKeys):
    """A keyring with mode 0600, made at its first use. Several processes may make, rotate and use it at once.

    Raises ConfigurationError when others have access to the file, when a newer version wrote it, when it is
    damaged, or when it cannot be written. What is in the file stays usable when a rotation is interrupted.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime] = now) -> None:
        self.path = path
        self.place = f"the keyring {path}"
        self._clock = clock

    def keks(self) -> Keks:
        """See LocalKeys."""
        try:
            return self._read()
        except FileNotFoundError:
            with locked(self.path):
                return self._read_or_make()

    def rotate(self) -> str:
        """Make a new KEK the current one and return its id. The old ones still open what hangs on them."""
        with locked(self.path):
            keks = self._read_or_make()
            new = secrets.token_bytes(KEY_BYTES)
            self._write(Keks(kek_id_of(new), {**keks.secrets, kek_id_of(new): new}))
        return kek_id_of(new)

    def forget(self, kek_id: str) -> str:
        """Remove an old KEK. Raises ConfigurationError for the current one."""
        with locked(self.path):
            keks = self._read_or_make()
            refuse_current(kek_id, keks.current)
            self._write(Keks(keks.current, {name: key for name, key in keks.secrets.items() if name != kek_id}))
        return ""

    def _read_or_make(self) -> Keks:
        """Only for who holds the lock: who comes second finds the first one's file."""
        try:
            return self._read()
        except FileNotFoundError:
            first = secrets.token_bytes(KEY_BYTES)
            self._write(Keks(kek_id_of(first), {kek_id_of(first): first}))
            return self._read()

    def _write(self, keks: Keks) -> None:
        keys = {name: base64.b64encode(key).decode() for name, key in keks.secrets.items()}
        document = {
            "version": _VERSION,
            "written_at": self._clock().isoformat(),
            "current": keks.current,
            "keys": keys,
        }
        write_private(self.path, json.dumps(document, indent=1).encode())

    def _read(self) -> Keks:
        document = _parsed(read_private(self.path, "keyring"))
        version = document.get("version")
        if isinstance(version, int) and version > _VERSION:
            raise ConfigurationError(
                f"The keyring {self.path} was written by a newer version of automation_scripts: its format is {version}, "
                f"this version knows {_VERSION}. Upgrade the package."
            )
        keks = _checked(document) if version == _VERSION else None
        if keks is None:
            raise ConfigurationError(
                f"The keyring {self.path} is damaged. Restore it from your backup; if nothing has been sealed yet, "
                "move it away and a new one is made."
            )
        return keks


# Nothing in here lets an error escape: those of the parsers carry the text that they failed on.


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _checked(document: dict[str, Any]) -> Keks | None:
    current, texts = document.get("current"), document.get("keys")
    if not isinstance(current, str) or not isinstance(texts, dict):
        return None
    keys: dict[str, bytes] = {}
    for name, text in texts.items():
        key = decoded_key(text)
        # The name is a fingerprint, so it also shows a key that was altered.
        if key is None or kek_id_of(key) != name:
            return None
        keys[name] = key
    return Keks(current, keys) if current in keys else None


def decoded_key(text: object) -> bytes | None:
    """The 32 bytes in base64; None for anything else."""
    try:
        key = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None
