"""Large files, sealed in chunks: read and written in constant memory, with every change found.

    magic "AUTF" | version, 1 byte | data-key id, 16 bytes | salt, 32 bytes | chunks of 64 KiB, each with its tag

Each file has a key of its own: HKDF-SHA256 (RFC 5869) of data key and salt. The nonce of a chunk is its index and
whether it is the last one, so chunks cannot be left out, repeated, reordered or cut off (the STREAM construction of
Hoang, Reyhanitabar, Rogaway and Vizár, 2015). Header and context are authenticated with each chunk.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.encryption.contexts import Context, joined
from automation_scripts.governance.encryption.envelopes import DataKey
from automation_scripts.governance.encryption.unreadable import Unreadable
from automation_scripts.governance.encryption.vault import Vault
from automation_scripts.storage.private_files import new_private

CHUNK = 64 * 1024

_MAGIC = b"AUTF"
_VERSION = 1
_HEADER = struct.Struct(">4sB16s32s")
_PLACE = struct.Struct(">xxxQB")  # 12 bytes: chunk index, and 1 for the last chunk
_TAG = 16


def seal_file(vault: Vault, source: Path, target: Path, context: Context, subject: str | None = None) -> None:
    """Write the sealed content of `source` to `target` with mode 0600: whole and durable, or not at all.

    Raises ConfigurationError when a file cannot be read or written.
    """
    with _opened(source) as file, new_private(target) as sealed:
        seal_stream(vault, file, sealed, context, subject)


def open_file(vault: Vault, source: Path, target: Path, context: Context) -> None:
    """Write what is sealed in `source` to `target` with mode 0600, once all of it has been checked.

    Raises Unreadable, KeyMissing or ShreddedData like `Vault.open`; `target` is untouched then.
    """
    with _opened(source) as file, new_private(target) as opened:
        for chunk in open_stream(vault, file, context):
            opened.write(chunk)


def seal_stream(vault: Vault, source: BinaryIO, target: BinaryIO, context: Context, subject: str | None = None) -> None:
    """Seal everything that can be read from `source` into `target`."""
    key = vault.sealing_key(subject)
    salt = secrets.token_bytes(32)
    header = _HEADER.pack(_MAGIC, _VERSION, bytes.fromhex(key.id), salt)
    cipher, bound = _file_cipher(key, salt), joined(header, context.encoded())
    target.write(header)
    index, chunk = 0, _read(source, CHUNK)
    while True:
        following = _read(source, CHUNK) if len(chunk) == CHUNK else b""
        place = _PLACE.pack(index, not following)
        target.write(cipher.encrypt(place, chunk, joined(bound, place)))
        if not following:
            return
        index, chunk = index + 1, following


def open_stream(vault: Vault, source: BinaryIO, context: Context) -> Iterator[bytes]:
    """The content in checked chunks. That the end is missing shows only at the end: act on nothing before.

    Raises Unreadable, KeyMissing or ShreddedData like `Vault.open`.
    """
    header = _read(source, _HEADER.size)
    if len(header) != _HEADER.size or not header.startswith(_MAGIC):
        raise Unreadable(f"The file of {context} is no sealed file. Check the path, or take another recovery point.")
    _, version, key_id, salt = _HEADER.unpack(header)
    if version != _VERSION:
        raise Unreadable(
            f"The sealed file has format {version}, this version knows {_VERSION}. Upgrade automation_scripts."
        )
    cipher = _file_cipher(vault.opening_key(key_id.hex()), salt)
    bound = joined(header, context.encoded())
    index, chunk = 0, _read(source, CHUNK + _TAG)
    while True:
        following = _read(source, CHUNK + _TAG) if len(chunk) == CHUNK + _TAG else b""
        place = _PLACE.pack(index, not following)
        yield _decrypted(cipher, place, chunk, joined(bound, place), context)
        if not following:
            return
        index, chunk = index + 1, following


def _decrypted(cipher: AESGCM, place: bytes, chunk: bytes, bound: bytes, context: Context) -> bytes:
    try:
        if len(chunk) >= _TAG:
            return cipher.decrypt(place, chunk, bound)
    except InvalidTag:
        pass
    raise Unreadable(
        f"The sealed file of {context} cannot be opened: it was altered, cut off, or belongs to something else. "
        "Take another recovery point, and look in the audit log for who changed it."
    )


def _file_cipher(key: DataKey, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), length=32, salt=salt, info=b"automation sealed file").derive(key.secret))


def _read(source: BinaryIO, size: int) -> bytes:
    """Exactly so many bytes, fewer only at the end: pipes and sockets give less at a time."""
    parts, missing = [], size
    try:
        while missing and (part := source.read(missing)):
            parts.append(part)
            missing -= len(part)
    except OSError as error:
        raise ConfigurationError(f"The data cannot be read: {error.strerror}. Check the disk it lies on.") from None
    return b"".join(parts)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}. Check the path and its mode.") from None
