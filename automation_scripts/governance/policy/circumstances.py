"""From a request to the context that policies see; a request that cannot be understood is refused here."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from automation_scripts.governance.policy.compiled import Compiled
from automation_scripts.governance.policy.freezes import active_freezes
from automation_scripts.governance.policy.model import AccessRequest, Freeze, Principal
from automation_scripts.governance.policy.names import fault
from automation_scripts.governance.policy.problems import printable
from automation_scripts.governance.policy.vocabulary import (
    LEVELS,
    LOCAL_ROLE,
    NO_MFA_AGE_S,
    SCRIPT_ONLY,
    SYSTEM_ONLY,
    TRIGGERS,
    WEEKDAYS,
    PrincipalKind,
)

Context = dict[str, object]

_MOST = 2**31 - 1


class BadRequest(ValueError):
    """The request cannot be decided: it names something unknown, or its values are out of range."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a request is read against."""

    environments: tuple[str, ...]
    protected: frozenset[str]
    require_mfa: bool
    scripts: Mapping[str, str]
    compiled: Compiled


def check(request: AccessRequest, rules: Rules) -> None:
    """Raises BadRequest, saying what is wrong with the request and what is known."""
    if request.environment is not None and request.environment not in rules.environments:
        raise BadRequest(fault(request.environment, "environment", rules.environments))
    if request.script is not None and request.script not in rules.scripts:
        raise BadRequest(fault(request.script, "script", tuple(rules.scripts)))
    if request.action in SCRIPT_ONLY and (request.script is None or request.environment is None):
        raise BadRequest(f"{request.action.value} needs a script and an environment")
    if request.action in SYSTEM_ONLY and request.script is not None:
        raise BadRequest(f"{request.action.value} concerns the whole installation, not the script {request.script}")
    if request.level not in LEVELS or request.trigger not in TRIGGERS:
        raise BadRequest(
            _unknown_word(request.level, "level", LEVELS) or _unknown_word(request.trigger, "trigger", TRIGGERS)
        )
    for moment, what in ((request.now, "now"), (request.mfa_at, "mfa_at")):
        if moment is not None and moment.utcoffset() is None:
            raise BadRequest(f"{what} has no time zone")
    if request.risk is not None and not 0 <= request.risk <= 1:  # false for NaN too
        raise BadRequest(f"the predicted risk {request.risk} is not between 0 and 1")
    for count, what in ((request.approvals, "approvals"), (request.predicted_changes, "predicted changes")):
        if not 0 <= count <= _MOST:
            raise BadRequest(f"the number of {what} {count} is out of range")
    _check_text(request)


def _unknown_word(word: str, what: str, known: Collection[str]) -> str:
    return "" if word in known else str(fault(word, what, known))


def _check_text(request: AccessRequest) -> None:
    """A lone surrogate cannot be encoded, and so cannot be asked about."""
    principal = request.principal
    texts = (principal.name, request.source, *principal.roles, *principal.groups, *request.approver_roles)
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadRequest(f"{printable(text)} is not text") from None
    if not principal.name:
        raise BadRequest("nobody is named as the one who asks")


def effective(principal: Principal) -> Principal:
    """The principal with the roles that count: a local user has `local` alone, and nobody else has it."""
    if principal.kind is PrincipalKind.LOCAL:
        return Principal(principal.kind, principal.name, frozenset({LOCAL_ROLE}))
    return Principal(principal.kind, principal.name, principal.roles - {LOCAL_ROLE}, principal.groups)


def freezes_now(request: AccessRequest, rules: Rules) -> tuple[Freeze, ...]:
    """The freezes of the policy files that hold for this request."""
    roles = rules.compiled.with_inherited(effective(request.principal).roles)
    return active_freezes(rules.compiled.freezes, request.environment, roles, request.now)


def context_of(request: AccessRequest, rules: Rules) -> Context:
    """Every attribute of the schema. The request has passed `check`; breaking the glass is taken at its word."""
    mfa_age_s = _age_s(request.mfa_at, request.now)
    return {
        "environment": request.environment or "",
        "protected": request.environment in rules.protected,
        "level": request.level,
        "trigger": request.trigger,
        "source": request.source,
        "dry_run": request.dry_run,
        "change_freeze": request.change_freeze or bool(freezes_now(request, rules)),
        "require_mfa": rules.require_mfa,
        "mfa": mfa_age_s is not None,
        "mfa_age_s": NO_MFA_AGE_S if mfa_age_s is None else min(mfa_age_s, NO_MFA_AGE_S),
        "approvals": request.approvals,
        "approver_roles": sorted(request.approver_roles),
        "own_request": request.own_request,
        "break_glass": request.break_glass,
        "has_risk": request.risk is not None,
        # Rounded up, so that 80.1 % is over 80; to nine digits first, because 0.07 * 100 is a little over 7.
        "risk_pct": math.ceil(round((request.risk or 0.0) * 100, 9)),
        "predicted_changes": request.predicted_changes,
        **time_attributes(request.now, rules.compiled.time_zone),
    }


def time_attributes(now: datetime, zone: str) -> Context:
    """The attributes that tell the time, in UTC and in the time zone of the policies."""
    utc = now.astimezone(UTC)
    local = utc.astimezone(UTC if zone == "UTC" else ZoneInfo(zone))
    return {
        "hour": utc.hour,
        "minute": utc.minute,
        "weekday": WEEKDAYS[utc.weekday()],
        "date": utc.date().isoformat(),
        "local_hour": local.hour,
        "local_minute_of_day": local.hour * 60 + local.minute,
        "local_weekday": WEEKDAYS[local.weekday()],
        "local_date": local.date().isoformat(),
    }


def _age_s(at: datetime | None, now: datetime) -> int | None:
    """Whole seconds since then, rounded up. A moment in the future has no age: a clock was set back, or is ahead."""
    if at is None or at > now:
        return None
    return math.ceil((now - at).total_seconds())
