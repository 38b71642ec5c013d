"""What somebody with given roles may do in an environment: each script and each action, with what it takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from automation_scripts.governance.policy.model import AccessRequest, Decision, Missing, Principal
from automation_scripts.governance.policy.policy_set import PolicySet
from automation_scripts.governance.policy.vocabulary import SYSTEM_ONLY, Action

_OBTAINABLE = frozenset({Missing.MFA, Missing.APPROVAL})


class Outcome(StrEnum):
    """Whether it may be done."""

    ALLOWED = "allowed"
    ALLOWED_WITH = "allowed with"
    """With a second factor or approvals: see `needs`."""
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Row:
    """One cell of the matrix. `script` is None for the installation as a whole."""

    script: str | None
    category: str | None
    action: Action
    outcome: Outcome
    needs: tuple[Missing, ...]
    why: str
    decision: Decision


def matrix(
    policies: PolicySet,
    principal: Principal,
    environment: str,
    now: datetime,
    *,
    mfa_at: datetime | None = None,
    approvals: int = 0,
) -> list[Row]:
    """Every script and action, then the actions on the installation.

    The principal's roles are those that hold in the environment. Nothing is assumed to be confirmed or approved
    unless given; the level is that of a person's own request.
    """
    rows: list[Row] = []
    for script, category, action in _cells(policies):
        request = AccessRequest(
            principal=principal,
            action=action,
            now=now,
            environment=environment,
            script=script,
            mfa_at=mfa_at,
            approvals=approvals,
            dry_run=False,
        )
        decision = policies.authorize(request)
        if decision.allowed:
            outcome = Outcome.ALLOWED
        elif decision.missing and _OBTAINABLE.issuperset(decision.missing):
            outcome = Outcome.ALLOWED_WITH
        else:
            outcome = Outcome.DENIED
        needs = decision.missing if outcome is not Outcome.ALLOWED else ()
        rows.append(Row(script, category, action, outcome, needs, decision.message, decision))
    return rows


def _cells(policies: PolicySet) -> Iterator[tuple[str | None, str | None, Action]]:
    for script, category in policies.rules.scripts.items():
        yield from ((script, category, action) for action in Action if action not in SYSTEM_ONLY)
    yield from ((None, None, action) for action in Action if action in SYSTEM_ONLY or action is Action.READ_HISTORY)
