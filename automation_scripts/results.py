"""The words every script answers with: findings, predicted changes and the result of one execution.

`ExecutionResult` is read by key and by attribute; `to_dict()` of it is what `--format json` prints.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self


class Severity(StrEnum):
    """How bad a finding is. Compare with `at_least`, never by the text."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for info up to 4 for critical."""
        return ("info", "low", "medium", "high", "critical").index(self.value)

    def at_least(self, other: Severity) -> bool:
        """True when this is as bad as `other` or worse."""
        return self.rank >= other.rank


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replace one span of a file. Lines and columns are 1-based and count Unicode code points; the end is exclusive."""

    file: str
    start_line: int
    start_column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, where it is, and how to mend it. Positions are 1-based; ends are exclusive."""

    rule_id: str
    severity: Severity
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    resource: str | None = None
    suggestion: str | None = None
    fix: tuple[TextEdit, ...] = ()
    tags: tuple[str, ...] = ()
    cwe: str | None = None
    references: tuple[str, ...] = ()
    fingerprint: str = ""

    def __post_init__(self) -> None:
        if not self.fingerprint:
            # Without the line number, so that text added above a finding does not make it a new one.
            identity = "\0".join((self.rule_id, self.file or "", self.resource or "", self.message))
            object.__setattr__(self, "fingerprint", hashlib.sha256(identity.encode()).hexdigest()[:32])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        data: dict[str, Any] = _plain(self)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(
            **{
                **data,
                "severity": Severity(data["severity"]),
                "fix": tuple(TextEdit(**edit) for edit in data.get("fix", ())),
                "tags": tuple(data.get("tags", ())),
                "references": tuple(data.get("references", ())),
            }
        )


class ChangeAction(StrEnum):
    """What a plan does to a resource."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class PredictedChange:
    """One change that a plan would make. `confidence` is in [0, 1]; `risk` is low, medium or high."""

    resource: str
    action: ChangeAction
    before: Any = None
    after: Any = None
    reason: str = ""
    risk: str = "low"
    reversible: bool = True
    confidence: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        data: dict[str, Any] = _plain(self)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(**{**data, "action": ChangeAction(data["action"])})


@dataclass(slots=True)
class ExecutionResult(Mapping[str, Any]):
    """What one execution came to. `result["status"]` and `result.status` are the same thing."""

    execution_id: str
    script_name: str
    category: str
    environment: str
    user: str
    status: str
    level: str
    started_at: datetime
    finished_at: datetime | None = None
    duration_s: float | None = None
    findings: list[Finding] = field(default_factory=list)
    predicted_changes: list[PredictedChange] = field(default_factory=list)
    changes: list[PredictedChange] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    recovery_point: str | None = None
    rollback: dict[str, Any] | None = None
    approvals: list[str] = field(default_factory=list)
    trace_id: str | None = None
    flow_run_id: str | None = None
    message: str = ""

    def __getitem__(self, key: str) -> Any:
        if key not in _RESULT_KEYS:
            raise KeyError(key)
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(_RESULT_KEYS)

    def __len__(self) -> int:
        return len(_RESULT_KEYS)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        known = {key: data[key] for key in _RESULT_KEYS if key in data}
        times = {key: datetime.fromisoformat(known[key]) for key in ("started_at", "finished_at") if known.get(key)}
        changes = {
            key: [PredictedChange.from_dict(change) for change in known.get(key) or ()]
            for key in ("predicted_changes", "changes")
        }
        findings = [Finding.from_dict(finding) for finding in known.get("findings") or ()]
        return cls(**{**known, **times, **changes, "findings": findings})

    @property
    def succeeded(self) -> bool:
        """True when the run ended as asked, a dry run included."""
        return self.status in ("succeeded", "dry_run")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data, in the order of the contract."""
        data: dict[str, Any] = _plain(self)
        return data


_RESULT_KEYS = tuple(f.name for f in dataclasses.fields(ExecutionResult))


def _plain(value: Any) -> Any:
    """Dataclasses to dicts, enums to their values, times to ISO 8601 in UTC."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v) for v in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    return value
