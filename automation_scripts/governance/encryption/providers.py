"""Key-encryption keys (KEKs): what they do for the data keys, wherever they are kept."""

from __future__ import annotations

import hashlib
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.encryption.contexts import joined
from automation_scripts.governance.encryption.unreadable import KeyMissing, Unreadable

KEY_BYTES = 32
Binding = Mapping[str, str]
"""What a wrapped key is bound to; it unwraps with the same only."""

_WRAP_FORMAT = b"\x01"


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key encrypted under a KEK: as safe to store as what it protects."""

    kek_id: str
    blob: bytes


class KeyProvider(Protocol):
    """Keeps KEKs. One of them is current: new data keys are wrapped under it."""

    def current(self) -> str:
        """The id of the current KEK."""

    def generate(self, binding: Binding) -> tuple[bytes, WrappedKey]:
        """A new data key of 32 bytes, in clear and wrapped under the current KEK."""

    def wrap(self, secret: bytes, binding: Binding) -> WrappedKey:
        """This data key under the current KEK."""

    def unwrap(self, wrapped: WrappedKey, binding: Binding) -> bytes:
        """The data key in clear.

        Raises KeyMissing when the KEK is not here, Unreadable when key or binding are not those that were wrapped.
        """

    def available(self, kek_id: str) -> bool:
        """Whether the KEK is here."""

    def forget(self, kek_id: str) -> str:
        """Remove an old KEK for good; returns what a person must still do, or nothing when it is gone."""


@dataclass(frozen=True, slots=True)
class Keks:
    """The KEKs in clear of a provider that keeps them on this machine."""

    current: str
    secrets: Mapping[str, bytes] = field(repr=False)


def kek_id_of(secret: bytes) -> str:
    """The id of a KEK: a fingerprint, so that the same key has the same id in a file and in a variable."""
    return "kek-" + hashlib.sha256(b"automation kek id\0" + secret).hexdigest()[:16]


class LocalKeys(ABC):
    """A provider whose KEKs are on this machine: wraps with AES-256-GCM."""

    place: str
    """Where the KEKs are, for the messages."""

    @abstractmethod
    def keks(self) -> Keks:
        """All KEKs as they are now; not cached, since another process may have rotated them."""

    @abstractmethod
    def forget(self, kek_id: str) -> str:
        """See KeyProvider."""

    def current(self) -> str:
        """See KeyProvider."""
        return self.keks().current

    def available(self, kek_id: str) -> bool:
        """See KeyProvider."""
        return kek_id in self.keks().secrets

    def generate(self, binding: Binding) -> tuple[bytes, WrappedKey]:
        """See KeyProvider."""
        secret = secrets.token_bytes(KEY_BYTES)
        return secret, self.wrap(secret, binding)

    def wrap(self, secret: bytes, binding: Binding) -> WrappedKey:
        """See KeyProvider."""
        keks = self.keks()
        nonce = secrets.token_bytes(12)
        sealed = AESGCM(keks.secrets[keks.current]).encrypt(nonce, secret, _bound(keks.current, binding))
        return WrappedKey(keks.current, _WRAP_FORMAT + nonce + sealed)

    def unwrap(self, wrapped: WrappedKey, binding: Binding) -> bytes:
        """See KeyProvider."""
        kek = self.keks().secrets.get(wrapped.kek_id)
        if kek is None:
            raise KeyMissing(
                f"The key-encryption key {wrapped.kek_id} is not in {self.place}. "
                "Put it back from your backup of the keys: without it nothing that hangs on it can be read."
            )
        blob = wrapped.blob
        if blob.startswith(_WRAP_FORMAT) and len(blob) == 1 + 12 + KEY_BYTES + 16:
            try:
                return AESGCM(kek).decrypt(blob[1:13], blob[13:], _bound(wrapped.kek_id, binding))
            except InvalidTag:
                pass
        raise altered(binding)


def altered(binding: Binding) -> Unreadable:
    """The refusal of a wrapped key that is not what was stored."""
    return Unreadable(
        f"The data key {binding.get('data_key', '')} in the key store was altered or put in place of another. "
        "Restore the key store from a backup, and look in the audit log for who changed it."
    )


def _bound(kek_id: str, binding: Binding) -> bytes:
    return joined("automation key wrap", kek_id, *(part for pair in sorted(binding.items()) for part in pair))


class SeveralKeys:
    """New data keys go to the first provider; the others still open what hangs on them, until it is rewrapped."""

    def __init__(self, first: KeyProvider, *others: KeyProvider) -> None:
        self._all = (first, *others)

    def current(self) -> str:
        """See KeyProvider."""
        return self._all[0].current()

    def generate(self, binding: Binding) -> tuple[bytes, WrappedKey]:
        """See KeyProvider."""
        return self._all[0].generate(binding)

    def wrap(self, secret: bytes, binding: Binding) -> WrappedKey:
        """See KeyProvider."""
        return self._all[0].wrap(secret, binding)

    def unwrap(self, wrapped: WrappedKey, binding: Binding) -> bytes:
        """See KeyProvider."""
        return self._holder(wrapped.kek_id).unwrap(wrapped, binding)

    def available(self, kek_id: str) -> bool:
        """See KeyProvider."""
        return any(provider.available(kek_id) for provider in self._all)

    def forget(self, kek_id: str) -> str:
        """See KeyProvider."""
        return self._holder(kek_id).forget(kek_id)

    def _holder(self, kek_id: str) -> KeyProvider:
        return next((provider for provider in self._all if provider.available(kek_id)), self._all[0])


def refuse_current(kek_id: str, current: str) -> None:
    """Raise ConfigurationError when the KEK that should go is the one in use."""
    if kek_id == current:
        raise ConfigurationError(
            f"{kek_id} is the current key-encryption key. Make a new one first (rotate), rewrap the data keys, "
            "and then retire it."
        )
