"""What is asked and what is answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from automation_scripts.errors import AccessDenied, ApprovalRequired, MfaRequired
from automation_scripts.governance.policy.vocabulary import Action, PrincipalKind


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: proved elsewhere, and with the roles that hold in the environment of the request."""

    kind: PrincipalKind
    name: str
    roles: frozenset[str] = frozenset()
    """Ignored for a `Local` principal, which has the role `local` and no other."""
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    """One question: may this principal do this, there, now?

    `script` is None for what concerns the installation (audit, users, policies), and then `environment` may be.
    """

    principal: Principal
    action: Action
    now: datetime
    """Aware. Each rule that names a time is decided at this instant."""
    environment: str | None = None
    script: str | None = None
    level: str = "manual"
    trigger: str = "cli"
    source: str = ""
    dry_run: bool = False
    mfa_at: datetime | None = None
    """When a second factor was last proved, aware. One in the future counts as none: a clock was set back."""
    approvals: int = 0
    """Valid approvals by persons other than the requester."""
    approver_roles: frozenset[str] = frozenset()
    own_request: bool = False
    """For `approve`: the principal itself made the request."""
    break_glass: bool = False
    """The principal asks to act without approval. It counts only when the `break_glass` action is allowed too."""
    change_freeze: bool = False
    """A freeze that is declared elsewhere; those of the policy files are added."""
    risk: float | None = None
    """Predicted probability of failure, 0 to 1; None when there is no prediction."""
    predicted_changes: int = 0


class Missing(StrEnum):
    """A circumstance that would have to be different."""

    MFA = "mfa"
    APPROVAL = "approval"
    RISK = "risk"
    FREEZE = "freeze"
    BREAK_GLASS = "break glass"
    TIME_WINDOW = "time window"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class PolicySource:
    """One policy: its id, its effect, what it is for, and where it stands."""

    id: str
    effect: str
    """`permit` or `forbid`."""
    file: str
    line: int
    description: str = ""

    def __str__(self) -> str:
        about = f": {self.description}" if self.description else ""
        return f"{self.id} ({self.file}:{self.line}){about}"


@dataclass(frozen=True, slots=True)
class Advice:
    """The smallest change of circumstances that would turn a refusal into a permission."""

    missing: tuple[Missing, ...] = ()
    approvals: int = 0
    """How many more approvals."""
    approver_role: str | None = None
    """The role that one of the approvers must have."""
    roles: tuple[str, ...] = ()
    """The roles of which one would do."""
    allowed_from: datetime | None = None
    """The next time, UTC, at which it would be allowed, to the hour, within a week."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, why, and what would have to be different."""

    allowed: bool
    message: str
    reasons: tuple[PolicySource, ...] = ()
    """The policies that decided. Empty when no policy allows it, or when the request or the policies are broken."""
    advice: Advice = Advice()
    digest: str = ""
    """The sha256 of the policies that were asked, in hexadecimal; empty when they could not be loaded."""
    break_glass_used: bool = False
    """The permission rests on breaking the glass: somebody must review it."""

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What would have to be different; empty when it is allowed, or when nothing would help."""
        return self.advice.missing

    def require(self) -> None:
        """Raises what the caller has to deal with when it is not allowed.

        MfaRequired when a second factor alone is missing, ApprovalRequired when approvals are (and perhaps a second
        factor too), AccessDenied otherwise.
        """
        if self.allowed:
            return
        missing = set(self.missing)
        if missing == {Missing.MFA}:
            raise MfaRequired(self.message)
        if missing and missing <= {Missing.MFA, Missing.APPROVAL}:
            raise ApprovalRequired(self.message)
        raise AccessDenied(self.message)


@dataclass(frozen=True, slots=True)
class Freeze:
    """A time in which nothing is changed. `environments` empty means all of them."""

    start: datetime
    end: datetime
    """Both UTC; the end is not part of it."""
    reason: str
    source: PolicySource
    environments: tuple[str, ...] = ()
    except_roles: tuple[str, ...] = ()
