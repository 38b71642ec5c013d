"""One sealed value: AES-256-GCM (NIST SP 800-38D) under a data key, in a binary and in a text form.

    magic "AUTE" | version, 1 byte | data-key id, 16 bytes | nonce, 12 bytes | ciphertext and tag

The header and the context are authenticated. The key-encryption key is not named here: it changes when the data key is
rewrapped, while the envelope stays as it is. The nonce is random, so one key takes at most 2^32 messages
(SP 800-38D, 8.3); `vault` counts them.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from automation_scripts.governance.encryption.contexts import Context, joined
from automation_scripts.governance.encryption.unreadable import Unreadable

TEXT_PREFIX = "enc:v1:"
MOST_MESSAGES = 2**32
"""That may be sealed under one data key."""

_MAGIC = b"AUTE"
_VERSION = 1
_HEADER = struct.Struct(">4sB16s12s")
_TAG = 16


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key in clear: 32 bytes, and the id by which envelopes name it (32 hexadecimal digits)."""

    id: str
    secret: bytes = field(repr=False)

    def __reduce__(self) -> str:
        raise TypeError("a key in clear is not pickled")


def new_key_id() -> str:
    """A random id of a data key."""
    return secrets.token_hex(16)


def seal(key: DataKey, plaintext: bytes, context: Context) -> bytes:
    """The envelope of `plaintext`, which opens with the same context only."""
    nonce = secrets.token_bytes(12)
    header = _HEADER.pack(_MAGIC, _VERSION, bytes.fromhex(key.id), nonce)
    return header + AESGCM(key.secret).encrypt(nonce, plaintext, joined(header, context.encoded()))


def open_envelope(key: DataKey, envelope: bytes, context: Context) -> bytes:
    """What is in the envelope. Raises Unreadable when it was altered or sealed for another context or key."""
    if key_id_of(envelope) == key.id:
        header = envelope[: _HEADER.size]
        try:
            return AESGCM(key.secret).decrypt(header[-12:], envelope[_HEADER.size :], joined(header, context.encoded()))
        except InvalidTag:
            pass
    raise Unreadable(
        f"The sealed value of {context} cannot be opened: it was altered, or it belongs to another record. "
        "Restore the record from a backup, and look in the audit log for who changed it."
    )


def key_id_of(envelope: bytes) -> str:
    """The id of the data key that it needs. Raises Unreadable when this is no whole envelope."""
    if len(envelope) < _HEADER.size + _TAG or not envelope.startswith(_MAGIC):
        raise Unreadable("This is no sealed value, or only a part of one. Restore the record from a backup.")
    _, version, key_id, _ = _HEADER.unpack_from(envelope)
    if version != _VERSION:
        raise Unreadable(
            f"The sealed value has format {version}, this version knows {_VERSION}. Upgrade automation_scripts."
        )
    return bytes(key_id).hex()


def to_text(envelope: bytes) -> str:
    """The envelope as `enc:v1:` and unpadded base64url (RFC 4648, section 5)."""
    return TEXT_PREFIX + base64.urlsafe_b64encode(envelope).rstrip(b"=").decode()


def from_text(text: str) -> bytes:
    """The envelope in the text. Raises Unreadable unless it is spelt exactly as `to_text` would."""
    envelope = _decoded(text)
    if envelope is None or to_text(envelope) != text:
        raise Unreadable("This is no sealed text, or only a part of one. Restore the record from a backup.")
    return envelope


def is_sealed_text(value: object) -> bool:
    """Whether it claims to be a sealed text."""
    return isinstance(value, str) and value.startswith(TEXT_PREFIX)


def _decoded(text: str) -> bytes | None:
    if not is_sealed_text(text):
        return None
    body = text.removeprefix(TEXT_PREFIX)
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
