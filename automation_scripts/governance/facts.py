"""The words of the gate: what a run asks for, who it was proved to be, and what it may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from automation_scripts.governance.credentials import NOTHING, Presented
from automation_scripts.governance.identity.records import Principal as Proved
from automation_scripts.governance.policy.model import Principal

LOCAL = "local"
"""The authentication of somebody whom nothing identifies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a run asks for, on whichever path it came."""

    script: str
    environment: str
    parameters: Mapping[str, Any]
    """As they were checked, in plain JSON types: what an approval is bound to."""
    shown: Mapping[str, Any]
    """The same without secrets: what people and the audit log see."""
    claimed_user: str
    """Who the request says that it is. It proves nothing."""
    credential: Presented = NOTHING
    trigger: str
    by_person: bool
    """Whether a person asked for this very run."""
    level: str
    dry_run: bool
    intends_changes: bool
    """Whether the run would apply its plan, if it has one."""
    execution_id: str
    request_id: str = ""
    trace_id: str = ""
    approval_id: str | None = None
    break_glass: str = ""
    """Why it has to be done without an approval; empty when it does not."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: proved by a credential, or the local user."""

    name: str
    kind: str
    """`person`, `service` or `local`."""
    authentication: str
    policy: Principal
    """For the policies, with the roles that hold in the environment of the run."""
    proved: Proved | None = None
    mfa_at: datetime | None = None

    @property
    def is_local(self) -> bool:
        """Whether nothing proves who it is."""
        return self.proved is None


@dataclass(slots=True)
class Admission:
    """A run that was let in. What it may change is decided when its plan is known."""

    entry: Entry
    actor: Actor
    audited: bool
    """Whether an intent was written, so that an outcome has to follow."""
    approvals: list[str] = field(default_factory=list)
    """Identifiers of the approvals that were used."""
    approvers: list[str] = field(default_factory=list)
