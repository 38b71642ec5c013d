"""What of a run is not stored in clear: its result, and the words of what went wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from automation_scripts.storage.encoding import to_json

MARK = "sealed"
"""The only member of a stored result that is sealed."""


class Sealing(Protocol):
    """Encryption at rest; each text is bound to its run and its field, and opens nowhere else."""

    def seal(self, text: str, execution_id: str, field: str) -> str:
        """The sealed form. Raises ConfigurationError when no key can be had."""

    def open(self, text: str, execution_id: str, field: str) -> str:
        """What was sealed; a text that is not sealed as it is. Raises ConfigurationError when the key is not here."""


class Clear:
    """No encryption: for stores that tests and benchmarks look into."""

    def seal(self, text: str, execution_id: str, field: str) -> str:
        """The text."""
        return text

    def open(self, text: str, execution_id: str, field: str) -> str:
        """The text."""
        return text


def stored_result(sealing: Sealing, execution_id: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """A result as it is stored."""
    if isinstance(sealing, Clear):
        return dict(result)
    return {MARK: sealing.seal(to_json(dict(result)), execution_id, "result")}


def opened_result(sealing: Sealing, execution_id: str, stored: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The result that was stored."""
    if stored is None or set(stored) != {MARK}:
        return stored
    result: Mapping[str, Any] = json.loads(sealing.open(stored[MARK], execution_id, "result"))
    return result
