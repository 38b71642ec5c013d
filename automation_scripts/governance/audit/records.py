"""What is written into the audit log, and its one canonical form (RFC 8785)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from automation_scripts.errors import AuditUnavailable
from automation_scripts.storage.encoding import clean_text

VERSION = 1
SEARCHABLE = ("time", "action", "actor", "script", "environment", "execution_id", "outcome")
"""The members of an entry that are also columns."""
INTENT = "intent"
"""The outcome of a record that is written before something happens."""

_LONGEST_NAME = 500  # characters; an index of PostgreSQL takes 2,704 bytes
_LARGEST_ENTRY = 1 << 20
_DEEPEST = 32
_EXACT = 2**53 - 1  # beyond it a JSON number is not exact everywhere (RFC 8785, section 3.2.2.3, and RFC 7493)

Seal = Callable[[dict[str, Any]], dict[str, Any]]
"""Replaces what must be erasable in `details` by its ciphertext; what it returns is what is hashed."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """What a caller tells the log. Secrets must already be redacted, also in `details`."""

    action: str
    """For example run.intent, run.outcome, login, approval.grant, policy.change."""
    actor: str = ""
    """The principal that was proved."""
    claimed_user: str = ""
    """The name that was given, proved or not."""
    authentication: str = "none"
    """password, token, service_token, local, webauthn or none."""
    outcome: str = ""
    """intent, allowed, denied, succeeded, failed or another word."""
    script: str = ""
    environment: str = ""
    execution_id: str = ""
    request_id: str = ""
    trace_id: str = ""
    resource: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    """A JSON object."""
    reasons: Sequence[str] = ()
    """Why it was decided so, for example the ids of policies."""


@dataclass(frozen=True, slots=True)
class Appended:
    """Where a record was stored."""

    index: int
    """From 0, without gaps."""
    time: datetime
    entry_hash: str
    """The leaf hash of RFC 9162, SHA-256(0x00 || entry), as hexadecimal."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored entry. `raw` are the bytes that are hashed; everything else is read from them."""

    index: int
    raw: bytes
    members: Mapping[str, Any]

    @property
    def time(self) -> datetime:
        """When it was written; it never goes back within a log."""
        return datetime.fromisoformat(self.text("time"))

    def text(self, name: str) -> str:
        """A member that is text; empty when it is missing."""
        value = self.members.get(name, "")
        return value if isinstance(value, str) else ""


Prepared = dict[str, Any]
"""The members of a record, checked and in JSON's own types: writing them cannot fail any more."""

_TEXTS = tuple(f.name for f in fields(AuditRecord) if f.name not in ("details", "reasons"))


def prepare(record: AuditRecord, seal: Seal | None = None) -> Prepared:
    """The members of a record in their stored form.

    Integers beyond 2**53 become decimal text, NaN and infinities their names, and what is not Unicode text (lone
    surrogates, NUL) U+FFFD. Raises AuditUnavailable, before anything is written, for what has no JSON form (other
    types, keys that are not text), for names of more than 500 characters, and for an entry of more than 1 MiB.
    """
    prepared: Prepared = {name: _name(name, getattr(record, name)) for name in _TEXTS}
    if not record.action:
        raise _refused("action", "is empty")
    details = _plain(record.details, "details", 0)
    if not isinstance(details, dict):
        raise _refused("details", f"is {type(record.details).__name__}, not a JSON object")
    if isinstance(record.reasons, str):
        raise _refused("reasons", "is text, not a list of texts")
    prepared["details"] = _plain(seal(details), "details", 0) if seal else details
    prepared["reasons"] = [_text(f"reasons[{number}]", reason) for number, reason in enumerate(record.reasons)]
    size = len(canonical(prepared))
    if size > _LARGEST_ENTRY:
        raise _refused("details", f"makes an entry of {size:,} bytes; at most {_LARGEST_ENTRY:,} are stored")
    return prepared


def canonical(members: Mapping[str, Any]) -> bytes:
    """The canonical JSON of RFC 8785."""
    import rfc8785

    return rfc8785.dumps(dict(members))


def parse(raw: bytes) -> dict[str, Any]:
    """The members of stored bytes. Raises ValueError when they are not a JSON object."""
    try:
        members = json.loads(raw)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(members, dict):
        raise ValueError("not a JSON object")
    return members


def to_text(time: datetime) -> str:
    """A time as it is stored: UTC with microseconds, RFC 3339, always of one length."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _name(field_name: str, value: Any) -> str:
    text = _text(field_name, value)
    if len(text) > _LONGEST_NAME:
        raise _refused(field_name, f"has {len(text):,} characters; at most {_LONGEST_NAME} are stored")
    return text


def _text(path: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _refused(path, f"is {type(value).__name__}, not text")
    return clean_text(str(value.value) if isinstance(value, Enum) else value)


def _plain(value: Any, path: str, depth: int) -> Any:
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, int):
        return int(value) if abs(value) <= _EXACT else _decimal(value, path)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if depth >= _DEEPEST:
        raise _refused(path, f"is nested more than {_DEEPEST} deep")
    if isinstance(value, Mapping):
        return _object(value, path, depth)
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{path}[{number}]", depth + 1) for number, item in enumerate(value)]
    raise _refused(path, f"is {type(value).__name__}, which has no JSON form")


def _object(value: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise _refused(path, f"has the key {key!r}, which is not text")
        name = clean_text(str(key.value) if isinstance(key, Enum) else key)
        if name in found:
            raise _refused(path, f"has two keys that are stored as {name!r}")
        found[name] = _plain(item, f"{path}.{name}", depth + 1)
    return found


def _decimal(value: int, path: str) -> str:
    try:
        return str(int(value))
    except ValueError:  # Python refuses to print more than 4,300 digits
        raise _refused(path, "is an integer of more than 4,300 digits") from None


def _refused(path: str, problem: str) -> AuditUnavailable:
    return AuditUnavailable(
        f"The record cannot be written to the audit log: `{path}` {problem}. Nothing was written; correct the record."
    )
