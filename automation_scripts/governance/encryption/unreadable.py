"""Why sealed data cannot be read. No message holds clear text or a key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from automation_scripts.errors import ConfigurationError


class Unreadable(ConfigurationError):
    """Sealed data was altered, belongs to another record, or its key is not here."""


class KeyMissing(Unreadable):
    """The key that is needed is not here; the message names it."""


@dataclass(frozen=True, slots=True)
class Shredded:
    """Stands where a value was whose key has been destroyed on purpose."""

    shredding_id: str
    at: datetime

    def __str__(self) -> str:
        return f"[erased on {self.at:%Y-%m-%d}]"


class ShreddedData(Unreadable):
    """The key was destroyed on purpose; nothing brings the data back."""

    def __init__(self, shredded: Shredded) -> None:
        super().__init__(
            f"This was erased for good on {shredded.at:%Y-%m-%d} (shredding {shredded.shredding_id}): "
            "its key was destroyed. There is nothing to restore."
        )
        self.shredded = shredded
