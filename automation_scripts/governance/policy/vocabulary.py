"""The words that policies are written in: actions, principals, and what is known about a request.

One table feeds the Cedar schema, the context of each request and the check of the literals in policy files.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from automation_scripts.catalog import Category, Level


class Action(StrEnum):
    """What can be asked for."""

    OBSERVE = "observe"
    """A run that only reads; every dry run."""
    CHANGE = "change"
    """A run that applies its plan."""
    APPROVE = "approve"
    BREAK_GLASS = "break_glass"
    """To act without the approval that is due; somebody reviews it afterwards."""
    CANCEL = "cancel"
    ROLLBACK = "rollback"
    READ_HISTORY = "read_history"
    READ_AUDIT = "read_audit"
    ADMINISTER = "administer"
    """Users, roles and tokens."""
    EDIT_POLICY = "edit_policy"


SCRIPT_ONLY = frozenset(
    {Action.OBSERVE, Action.CHANGE, Action.APPROVE, Action.BREAK_GLASS, Action.CANCEL, Action.ROLLBACK}
)
"""Actions on one script."""
SYSTEM_ONLY = frozenset({Action.READ_AUDIT, Action.ADMINISTER, Action.EDIT_POLICY})
"""Actions on the installation. `read_history` is for both: one script's, or everybody's."""


class PrincipalKind(StrEnum):
    """Who asks. The value is the Cedar entity type."""

    USER = "User"
    SERVICE = "Service"
    LOCAL = "Local"
    """The operating-system user at the loopback server: nothing proves who it is."""


LOCAL_ROLE = "local"
"""The one role of a `Local` principal; nobody else can have it."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TRIGGERS = ("cli", "python", "api", "ui", "schedule", "alert", "healing")
LEVELS = tuple(level.value for level in Level)
CATEGORIES = tuple(category.value for category in Category)

NO_MFA_AGE_S = 10**9
"""`mfa_age_s` when there was no second factor: older than any limit."""

ATTRIBUTES: Mapping[str, str] = MappingProxyType(
    {
        "environment": "String",  # empty for what concerns the whole installation
        "protected": "Bool",  # named in automation.require_approval_for
        "level": "String",
        "trigger": "String",
        "source": "String",  # where the request came from, e.g. a channel or an address
        "dry_run": "Bool",
        "hour": "Long",  # UTC
        "minute": "Long",
        "weekday": "String",
        "date": "String",
        "local_hour": "Long",  # in the time zone of the policies
        "local_minute_of_day": "Long",
        "local_weekday": "String",
        "local_date": "String",
        "change_freeze": "Bool",
        "require_mfa": "Bool",  # automation.security.require_mfa
        "mfa": "Bool",
        "mfa_age_s": "Long",
        "approvals": "Long",  # by persons other than the requester
        "approver_roles": "Set<String>",
        "own_request": "Bool",  # the principal itself asked for what it would approve
        "break_glass": "Bool",
        "has_risk": "Bool",
        "risk_pct": "Long",  # predicted probability of failure; 0 when unknown
        "predicted_changes": "Long",
    }
)
"""The context of a request: attribute name to Cedar type."""

TIME_ATTRIBUTES = frozenset(
    {"hour", "minute", "weekday", "date", "local_hour", "local_minute_of_day", "local_weekday", "local_date"}
)

WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"level": LEVELS, "trigger": TRIGGERS, "weekday": WEEKDAYS, "local_weekday": WEEKDAYS}
)
"""The only values of some attributes: a policy that names another can never hold. Environments are added to it."""

ENTITY_TYPES = ("User", "Service", "Local", "Role", "Group", "Script", "Category", "System")
SYSTEM_ID = "automation"
"""The id of the only `System` entity."""


def cedar_schema() -> str:
    """The Cedar schema that every policy and every request is checked against."""
    context = ",\n  ".join(f'"{name}": {type_}' for name, type_ in ATTRIBUTES.items())
    groups = (
        (SCRIPT_ONLY, "[Script]"),
        (SYSTEM_ONLY, "[System]"),
        (frozenset(Action) - SCRIPT_ONLY - SYSTEM_ONLY, "[Script, System]"),
    )
    actions = "\n".join(
        f"action {', '.join(sorted(names))} appliesTo "
        f"{{ principal: [User, Service, Local], resource: {resources}, context: Circumstances }};"
        for names, resources in groups
    )
    return f"""entity Group;
entity Role in [Role];
entity User in [Role, Group];
entity Service in [Role, Group];
entity Local in [Role];
entity Category;
entity Script in [Category];
entity System;
type Circumstances = {{
  {context}
}};
{actions}
"""
