"""What a sealed value belongs to. It is authenticated with the value, so it opens nowhere else."""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Context:
    """The place of a sealed value: why it is kept, in which record, and in which field of it."""

    purpose: str
    """Such as `run.parameters`; never empty."""
    record_id: str = ""
    field: str = ""
    """A JSON Pointer (RFC 6901) when the value is a part of the record."""

    def __post_init__(self) -> None:
        if not self.purpose:
            raise ValueError("a sealed value needs a purpose")

    def encoded(self) -> bytes:
        """Bytes that differ for any two contexts."""
        return joined(self.purpose, self.record_id, self.field)

    def __str__(self) -> str:
        return " ".join(part for part in (self.purpose, self.record_id, self.field) if part)


def joined(*parts: str | bytes) -> bytes:
    """The parts with their lengths before them, so that no two lists of parts give the same bytes."""
    raw = [part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part for part in parts]
    return b"".join(struct.pack(">I", len(part)) + part for part in raw)
