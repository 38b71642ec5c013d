"""The signing key of the audit log: a PEM file (PKCS #8, mode 0600), its public history, and its change.

`audit.key` holds the private key below a line with its name; text before the PEM block is allowed by RFC 7468,
section 5.2. `audit.keys` lists the public keys, each with the tree size from which it signs. Give that list to those
who verify: a list that an attacker can write proves nothing.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from automation_scripts.errors import AuditUnavailable, ConfigurationError
from automation_scripts.governance.audit.notes import VerifierKey, is_name
from automation_scripts.storage.private_files import create_private, read_private, sync_folder, write_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_NAME = "Name: "
_FROM = "From size: "


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key under a name, which is also the origin of the log."""

    verifier: VerifierKey
    private: Ed25519PrivateKey

    def sign(self, text: bytes) -> bytes:
        """64 bytes of signature."""
        return self.private.sign(text)

    def __repr__(self) -> str:
        """Without the private half."""
        return f"SigningKey({self.verifier})"

    @classmethod
    def generate(cls, name: str, from_size: int = 0) -> SigningKey:
        """A new key. Raises ValueError for a name that C2SP signed-note does not allow."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if not is_name(name):
            raise ValueError(f"{name!r} cannot name a signing key: it is empty, or has a plus or a space in it")
        private = Ed25519PrivateKey.generate()
        return cls(VerifierKey(name, private.public_key().public_bytes_raw(), from_size), private)

    def to_pem(self) -> bytes:
        """The text of the key file."""
        from cryptography.hazmat.primitives import serialization

        pem = self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return f"{_NAME}{self.verifier.name}\n{_FROM}{self.verifier.from_size}\n".encode() + pem

    @classmethod
    def from_pem(cls, data: bytes, place: str) -> SigningKey:
        """Raises AuditUnavailable when it is no such file."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        try:
            header, marker, rest = data.partition(b"-----BEGIN")
            name_line, size_line, *_ = header.decode().split("\n")
            private = serialization.load_pem_private_key(marker + rest, password=None)
            size = int(size_line.removeprefix(_FROM))
        except (ValueError, TypeError) as error:
            raise _unusable(place, "it is not a signing key that this package wrote") from error
        name = name_line.removeprefix(_NAME)
        if not isinstance(private, Ed25519PrivateKey) or not is_name(name) or size < 0:
            raise _unusable(place, "it is not an Ed25519 key with a name")
        return cls(VerifierKey(name, private.public_key().public_bytes_raw(), size), private)


class AuditKeys:
    """The keys in a folder: `audit.key`, `audit.keys`, and during a change `audit.key.next`.

    The files are read at each use, so that every process signs with the new key as soon as it was changed.

    Args:
        folder: where they lie; created with mode 0700.
        name: the name of a new key and so the origin of a new log, for example `example.com/audit`. Without it a
            random one, so that the checkpoints of two logs are never taken for each other.
    """

    def __init__(self, folder: Path, name: str | None = None) -> None:
        self.folder = folder
        self.path = folder / "audit.key"
        self.public_path = folder / "audit.keys"
        self._next_path = folder / "audit.key.next"
        self._name = name

    def exist(self) -> bool:
        """Whether there is a private or a public one. Looking makes none."""
        return self.path.exists() or self.public_path.exists()

    def current(self) -> SigningKey:
        """The key that signs now; made when there is none yet, by one of the processes that start at once.

        Raises AuditUnavailable when the files cannot be used, or when others may read the private key.
        """
        with _explained(self.folder):
            # The list is looked at first, since it is written last: another process may be making both right now.
            listed = self.public_path.exists()
            if not self.path.exists():
                if listed:
                    raise _unusable(
                        str(self.path),
                        "the private key is gone. Restore it; a new one must not continue the log. Or keep the log as "
                        f"evidence, move {self.public_path.name} away too, and begin a new log",
                    )
                self._create()
            return _read(self.path)

    def verifier_keys(self) -> list[VerifierKey]:
        """All public keys, in the order of use. Raises AuditUnavailable for a damaged list."""
        with _explained(self.folder):
            if not self.public_path.exists():
                self._list(self.current().verifier)
            text = self.public_path.read_text("utf-8")
        return read_verifier_keys(text, str(self.public_path))

    def pending(self) -> SigningKey | None:
        """The key of a change that was begun and not finished."""
        with _explained(self.folder):
            try:
                return _read(self._next_path)
            except FileNotFoundError:
                return None

    def propose(self, from_size: int) -> SigningKey:
        """Store the key that will sign from this tree size on, beside the present one."""
        key = SigningKey.generate(self.current().verifier.name, from_size)
        with _explained(self.folder):
            write_private(self._next_path, key.to_pem())
        return key

    def adopt(self, key: SigningKey) -> None:
        """Make the proposed key the present one; its predecessor's private half is gone."""
        with _explained(self.folder):
            self._list(key.verifier)
            with suppress(FileNotFoundError):  # another process has finished the change for us
                self._next_path.replace(self.path)
            sync_folder(self.folder)

    def discard(self) -> None:
        """Forget a proposed key whose change was never written to the log."""
        with _explained(self.folder):
            self._next_path.unlink(missing_ok=True)

    def _create(self) -> None:
        name = self._name or f"automation.local/audit-{secrets.token_hex(8)}"
        create_private(self.path, SigningKey.generate(name).to_pem())  # or another process does
        self._list(_read(self.path).verifier)

    def _list(self, key: VerifierKey) -> None:
        line = f"{key.from_size} {key}\n"
        if self.public_path.exists() and line in self.public_path.read_text("utf-8").splitlines(keepends=True):
            return
        descriptor = os.open(self.public_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_verifier_keys(text: str, place: str = "the list of verifier keys") -> list[VerifierKey]:
    """The keys of an `audit.keys` file: a line each, `size name+id+base64` or without the size.

    Raises AuditUnavailable with the line that cannot be read.
    """
    found: dict[str, VerifierKey] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        size, separator, key = line.strip().partition(" ")
        try:
            parsed = VerifierKey.parse(key, int(size)) if separator else VerifierKey.parse(size)
        except ValueError as error:
            raise _unusable(f"{place}, line {number}", str(error)) from error
        found.setdefault(str(parsed), parsed)
    return sorted(found.values(), key=lambda key: key.from_size)


def _read(path: Path) -> SigningKey:
    return SigningKey.from_pem(read_private(path, "signing key of the audit log"), str(path))


class _explained:  # noqa: N801 - reads as a statement
    """Turn an error of the file system, or a file that is not to be trusted, into AuditUnavailable."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ConfigurationError):
            raise AuditUnavailable(str(error)) from error
        if isinstance(error, (OSError, UnicodeDecodeError)):
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise _unusable(str(getattr(error, "filename", None) or self.folder), str(reason).lower()) from error


def _unusable(place: str, why: str) -> AuditUnavailable:
    return AuditUnavailable(f"The key of the audit log in {place} cannot be used: {why}.")
