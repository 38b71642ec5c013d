"""The words of the run history: a run, a change of its state, and the fields that may change later."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict

from automation_scripts.processes import ProcessIdentity, current_process
from automation_scripts.results import Severity
from automation_scripts.storage.times import now

SEVERITIES = tuple(severity.value for severity in Severity)


@dataclass(slots=True, kw_only=True)
class RunRecord:
    """One run. Times are UTC-aware, durations in seconds, memory in MiB, reads and writes in bytes.

    `requested_at` is when it was asked for, `start_time` when its work began (the same until then) and
    `queued_s` what lay between. `end_time` is None while it is active. `duration_s` stays None for a crashed
    run, since nobody saw it end. `parameters` must not hold secrets. `result` is filled by `HistoryStore.get`
    only, since it can be large.
    """

    execution_id: str
    script: str
    category: str
    environment: str
    user: str
    trigger: str = "cli"
    level: str = "manual"
    status: str = "requested"
    attempt: int = 1
    dry_run: bool = False
    host: str = field(default_factory=lambda: current_process().host)
    boot_id: str = field(default_factory=lambda: current_process().boot_id)
    pid_namespace: str = field(default_factory=lambda: current_process().pid_namespace)
    pid: int | None = field(default_factory=lambda: current_process().pid)
    process_started: int | None = field(default_factory=lambda: current_process().started)
    requested_at: datetime = field(default_factory=now)
    start_time: datetime | None = None
    queued_s: float | None = None
    end_time: datetime | None = None
    duration_s: float | None = None
    error_class: str | None = None
    error_message: str | None = None
    rolled_back: bool = False
    rollback_cause: str | None = None
    cpu_s: float | None = None
    max_rss_mb: float | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    predicted_changes: int | None = None
    findings: Mapping[str, int] = field(default_factory=dict)
    flow_run_id: str | None = None
    trace_id: str | None = None
    request_id: str | None = None
    approval_id: str | None = None
    authentication: str = ""
    """How it was proved who asked; `local` when nothing proves it."""
    holds_slot: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None

    @property
    def active(self) -> bool:
        """True until the run is closed."""
        return self.end_time is None

    @property
    def process(self) -> ProcessIdentity:
        """The process that runs it."""
        return ProcessIdentity(self.host, self.boot_id, self.pid_namespace, self.pid, self.process_started)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data; times as ISO 8601 in UTC."""
        data = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in data.items()}


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of state. `seq` counts from 1 within a run; the first has no `from_state`."""

    execution_id: str
    seq: int
    from_state: str | None
    to_state: str
    at: datetime
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        return {**dataclasses.asdict(self), "at": self.at.isoformat()}


class RunFields(TypedDict, total=False):
    """What may be set on a run after it was opened; units as in `RunRecord`."""

    user: str
    authentication: str
    level: str
    attempt: int
    dry_run: bool
    start_time: datetime
    queued_s: float | None
    duration_s: float | None
    error_class: str | None
    error_message: str | None
    rolled_back: bool
    rollback_cause: str | None
    cpu_s: float | None
    max_rss_mb: float | None
    read_bytes: int | None
    written_bytes: int | None
    predicted_changes: int | None
    findings: Mapping[str, int]
    flow_run_id: str | None
    trace_id: str | None
    approval_id: str | None
    parameters: Mapping[str, Any]
