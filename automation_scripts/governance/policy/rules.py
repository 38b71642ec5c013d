"""The rules of a YAML policy file as data, after they were checked."""

from __future__ import annotations

from dataclasses import dataclass

from automation_scripts.governance.policy.model import Freeze, PolicySource
from automation_scripts.governance.policy.vocabulary import Action


@dataclass(frozen=True, slots=True)
class Window:
    """A time of day in minutes since midnight; `end` (at most 1440) is not part of it. It may pass midnight."""

    start: int
    end: int

    @property
    def over_midnight(self) -> bool:
        """True for `22:00-06:00`."""
        return self.start > self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """All of them must hold. None and empty mean that the file says nothing about it."""

    mfa_within_s: int | None = None
    approvals: int | None = None
    approver_roles: tuple[str, ...] = ()
    """At least one approver has one of these roles."""
    between: tuple[Window, ...] = ()
    days: tuple[str, ...] = ()
    """The days on which a window begins: what follows midnight belongs to the day before."""
    max_risk_pct: int | None = None
    """An unknown risk passes; `risk_known` asks for a prediction."""
    risk_known: bool | None = None
    not_during_freeze: bool | None = None
    max_changes: int | None = None
    level: tuple[str, ...] = ()
    trigger: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    protected: bool | None = None
    dry_run: bool | None = None
    break_glass: bool | None = None


NO_CONDITIONS = Conditions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One permission or prohibition. Empty tuples of `scripts`, `categories` and `environments` mean all."""

    source: PolicySource
    """`source.effect` says which of the two it is."""
    actions: tuple[Action, ...]
    roles: tuple[str, ...] = ()
    """Whom it concerns; empty (for prohibitions only) means everybody."""
    except_roles: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    when: Conditions = NO_CONDITIONS
    unless: Conditions = NO_CONDITIONS


@dataclass(frozen=True, slots=True)
class RoleDefinition:
    """A role: it has what the roles in `inherits` have, prohibitions too."""

    name: str
    inherits: tuple[str, ...]
    source: PolicySource


@dataclass(frozen=True, slots=True)
class RuleFile:
    """What one YAML file says."""

    roles: tuple[RoleDefinition, ...] = ()
    rules: tuple[Rule, ...] = ()
    freezes: tuple[Freeze, ...] = ()
