"""Decisions in words: what was refused, why, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from automation_scripts.governance.policy.model import AccessRequest, Advice, Freeze, Missing, PolicySource
from automation_scripts.governance.policy.problems import printable
from automation_scripts.governance.policy.vocabulary import PrincipalKind

_KINDS = {PrincipalKind.USER: "user", PrincipalKind.SERVICE: "service", PrincipalKind.LOCAL: "local user"}


def allowed(request: AccessRequest, reasons: Sequence[PolicySource]) -> str:
    """The sentence for a permission."""
    return f"{_asked(request, 'may')}, by {'; '.join(map(str, reasons))}."


def refused(request: AccessRequest, why: str) -> str:
    """The sentence for a request that could not be decided."""
    return f"{_asked(request, 'may not')}: {why}."


def denied(
    request: AccessRequest,
    reasons: Sequence[PolicySource],
    freezes: Sequence[Freeze],
    advice: Advice | None,
    roles: Sequence[str],
) -> str:
    """The sentence for a refusal by the policies, and what would help where there is advice."""
    if reasons:
        why = "; ".join(map(str, reasons))
        for freeze in freezes:
            why += f"; change freeze until {freeze.end:%Y-%m-%d %H:%M} UTC: {freeze.reason} ({_place(freeze.source)})"
    else:
        plural = "s" if len(roles) > 1 else ""
        named = f"the role{plural} {', '.join(map(printable, roles))}" if roles else "somebody without a role"
        why = f"no policy allows it to {named}"
    sentence = f"{_asked(request, 'may not')}: {why}."
    return sentence if advice is None else f"{sentence} {remedy(request, advice)}"


def remedy(request: AccessRequest, advice: Advice) -> str:
    """What to do next."""
    steps = [_step(missing, request, advice) for missing in advice.missing]
    if not steps:
        return "Nothing that the policies know of would allow it."
    return f"To be allowed: {', and '.join(steps)}."


def _step(missing: Missing, request: AccessRequest, advice: Advice) -> str:
    match missing:
        case Missing.MFA:
            return "confirm with a second factor now"
        case Missing.APPROVAL:
            some = "another person's approval" if advice.approvals == 1 else f"{advice.approvals} more approvals"
            return f"get {some}" + (f" (one by a {advice.approver_role})" if advice.approver_role else "")
        case Missing.RISK:
            return "lower the predicted risk of failure"
        case Missing.FREEZE:
            return "wait for the end of the change freeze"
        case Missing.BREAK_GLASS:
            return "break the glass, which is reviewed afterwards"
        case Missing.TIME_WINDOW:
            return f"wait until {advice.allowed_from:%A %Y-%m-%d %H:%M} UTC"
        case Missing.ROLE:
            who = (
                "log in as somebody with"
                if request.principal.kind is PrincipalKind.LOCAL
                else "have an administrator give you"
            )
            return f"{who} the role {' or '.join(advice.roles)}"


def _asked(request: AccessRequest, verb: str) -> str:
    who = f"{_KINDS[request.principal.kind]} {printable(request.principal.name)}"
    what = request.action.value.replace("_", " ")
    on = f" {printable(request.script)}" if request.script is not None else ""
    where = f" in {printable(request.environment)}" if request.environment is not None else ""
    return f"{who[0].upper()}{who[1:]} {verb} {what}{on}{where}"


def _place(source: PolicySource) -> str:
    return f"{source.file}:{source.line}"
