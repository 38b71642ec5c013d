"""Which past runs other policies would have decided differently."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from automation_scripts.governance.policy.model import AccessRequest, Decision, Principal
from automation_scripts.governance.policy.policy_set import PolicySet
from automation_scripts.governance.policy.vocabulary import Action, PrincipalKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """What is remembered of a run. Unknown circumstances keep their default, so old runs can still be compared."""

    run_id: str
    script: str
    environment: str
    roles: frozenset[str]
    at: datetime
    user: str = "unknown"
    kind: PrincipalKind = PrincipalKind.USER
    dry_run: bool = False
    only_reads: bool = False
    """The script changes nothing, so that its runs are `observe` too."""
    trigger: str = "cli"
    level: str = "manual"
    mfa_age_s: float | None = None
    approvals: int = 0
    approver_roles: frozenset[str] = frozenset()
    changes: int = 0
    risk: float | None = None
    break_glass: bool = False

    def request(self) -> AccessRequest:
        """The question that the run asked."""
        observes = self.dry_run or self.only_reads
        return AccessRequest(
            principal=Principal(self.kind, self.user, self.roles),
            action=Action.OBSERVE if observes else Action.CHANGE,
            now=self.at,
            environment=self.environment,
            script=self.script,
            level=self.level,
            trigger=self.trigger,
            dry_run=self.dry_run,
            mfa_at=None if self.mfa_age_s is None else self.at - timedelta(seconds=self.mfa_age_s),
            approvals=self.approvals,
            approver_roles=self.approver_roles,
            predicted_changes=self.changes,
            risk=self.risk,
            break_glass=self.break_glass,
        )


@dataclass(frozen=True, slots=True)
class Changed:
    """A run that would be decided differently; each decision names its policies."""

    run: PastRun
    old: Decision
    new: Decision


def diff(old: PolicySet, new: PolicySet, past: Iterable[PastRun], *, advice: bool = True) -> list[Changed]:
    """The runs that the new policies decide differently, in the order given; see `PolicySet.authorize` for `advice`."""
    changed: list[Changed] = []
    for run in past:
        request = run.request()
        if old.allows(request) != new.allows(request):
            changed.append(Changed(run, old.authorize(request, advice=advice), new.authorize(request, advice=advice)))
    return changed
