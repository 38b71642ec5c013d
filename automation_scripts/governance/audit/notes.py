"""Signed notes and checkpoints, C2SP signed-note and tlog-checkpoint (https://c2sp.org), with Ed25519 (RFC 8032).

A checkpoint is a text of three lines (origin, tree size, root hash in base64), an empty line, and one line a signature:
`— name base64(key id || signature)`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

_ED25519 = b"\x01"
_DASH = "— "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_MOST_SIGNATURES = 64
_LONGEST_NOTE = 100_000


class MalformedNote(ValueError):
    """A text that is no signed note, or no checkpoint. The message says why."""


class SignsNotes(Protocol):
    """The private half of a verifier key."""

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        ...

    def sign(self, text: bytes) -> bytes:
        """64 bytes of Ed25519 signature."""
        ...


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under a name. `from_size` is the tree size from which it signs checkpoints."""

    name: str
    public: bytes
    """32 bytes, RFC 8032."""
    from_size: int = 0

    @property
    def key_id(self) -> bytes:
        """4 bytes: SHA-256(name || 0x0A || 0x01 || public key)."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        """`name+key id+base64(0x01 || public key)`, as other tools of the field read it."""
        return f"{self.name}+{self.key_id.hex()}+{_encode(_ED25519 + self.public)}"

    @classmethod
    def parse(cls, text: str, from_size: int = 0) -> VerifierKey:
        """Raises ValueError for what is no Ed25519 verifier key."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3 or not is_name(parts[0]):
            raise ValueError(f"{text.strip()!r} is not a verifier key `name+key id+base64`")
        decoded = _decode(parts[2])
        if decoded is None or decoded[:1] != _ED25519 or len(decoded) != 33:
            raise ValueError(f"the verifier key {text.strip()!r} is not an Ed25519 key in base64")
        key = cls(parts[0], decoded[1:], from_size)
        if key.key_id.hex() != parts[1].lower():
            raise ValueError(
                f"the verifier key {text.strip()!r} has the id {key.key_id.hex()}: it was not copied whole"
            )
        return key

    def accepts(self, text: bytes, signature: bytes) -> bool:
        """True when the signature is of this key over this text."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a note says. Nothing in it may be believed before `check` has accepted it."""

    origin: str
    size: int
    root: bytes
    text: bytes
    """The signed part."""
    signatures: tuple[Signature, ...]


def is_name(name: str) -> bool:
    """True for what may name a key and be an origin: not empty, no plus, no space of any alphabet, nothing invisible."""
    return bool(name) and "+" not in name and name.isprintable() and not any(c.isspace() for c in name)


def write_checkpoint(origin: str, size: int, root: bytes, signers: Sequence[SignsNotes]) -> str:
    """A checkpoint, signed by each of these keys."""
    text = f"{origin}\n{size}\n{_encode(root)}\n"
    lines = [_signature_line(signer, text.encode()) for signer in signers]
    return f"{text}\n{''.join(lines)}"


def parse_checkpoint(note: str) -> Checkpoint:
    """The parts of a signed checkpoint. Raises MalformedNote; the signatures are not yet checked."""
    if len(note) > _LONGEST_NOTE or _CONTROL.search(note):
        raise MalformedNote("it is too long or holds control characters")
    body, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise MalformedNote("it has no empty line before complete signature lines")
    lines = body.split("\n")
    if len(lines) < 3 or not all(lines):
        raise MalformedNote("it has fewer than three lines, or an empty one")
    root = _decode(lines[2])
    if not _DECIMAL.fullmatch(lines[1]) or root is None or len(root) != 32:
        raise MalformedNote("its second line is not a tree size, or its third not a SHA-256 hash in base64")
    found = tail.removesuffix("\n").split("\n")
    if len(found) > _MOST_SIGNATURES:
        raise MalformedNote(f"it has more than {_MOST_SIGNATURES} signatures")
    try:
        text = (body + "\n").encode()
    except UnicodeEncodeError:
        raise MalformedNote("it is not Unicode text") from None
    return Checkpoint(lines[0], int(lines[1]), root, text, tuple(_parse_signature(line) for line in found))


def _parse_signature(line: str) -> Signature:
    name, separator, encoded = line.removeprefix(_DASH).partition(" ")
    decoded = _decode(encoded)
    if not line.startswith(_DASH) or not separator or not is_name(name) or decoded is None or len(decoded) < 5:
        raise MalformedNote("a signature line is not `— name base64`")
    return Signature(name, decoded[:4], decoded[4:])


def _signature_line(signer: SignsNotes, text: bytes) -> str:
    key = signer.verifier
    return f"{_DASH}{key.name} {_encode(key.key_id + signer.sign(text))}\n"


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decode(text: str) -> bytes | None:
    """Bytes of strict base64, in its one canonical spelling: a second spelling would be an unseen edit."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _encode(data) == text else None
