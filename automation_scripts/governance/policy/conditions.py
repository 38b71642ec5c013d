"""The `when` and `unless` of a rule: from YAML to `Conditions`, and from there to Cedar expressions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from automation_scripts.governance.policy import expressions as e
from automation_scripts.governance.policy.fields import Fields
from automation_scripts.governance.policy.rules import Conditions, Window
from automation_scripts.governance.policy.vocabulary import LEVELS, TRIGGERS, WEEKDAYS
from automation_scripts.settings.problems import KeyPath

_Read = Callable[[Fields, KeyPath, Any], Any]

_READERS: Mapping[str, tuple[str, _Read]] = {
    "mfa_within": ("mfa_within_s", Fields.seconds),
    "approvals": ("approvals", lambda f, path, value: f.count(path, value, 1, 20)),
    "between": ("between", Fields.windows),
    "days": ("days", Fields.days),
    "max_risk": ("max_risk_pct", Fields.percentage),
    "risk_known": ("risk_known", Fields.flag),
    "not_during_freeze": ("not_during_freeze", Fields.flag),
    "max_changes": ("max_changes", lambda f, path, value: f.count(path, value, 0, 10**9)),
    "level": ("level", lambda f, path, value: f.names(path, value, "level", LEVELS)),
    "trigger": ("trigger", lambda f, path, value: f.names(path, value, "trigger", TRIGGERS)),
    "source": ("source", lambda f, path, value: f.names(path, value, "source")),
    "protected": ("protected", Fields.flag),
    "dry_run": ("dry_run", Fields.flag),
    "break_glass": ("break_glass", Fields.flag),
}
KEYS = (*_READERS, "approver_roles")


def read_conditions(fields: Fields, path: KeyPath, value: object, roles: Collection[str]) -> Conditions:
    """The conditions that stand at `path`."""
    found: dict[str, Any] = {}
    for key, item in fields.mapping(path, value, KEYS).items():
        here = (*path, key)
        if key == "approver_roles":
            found[key] = fields.names(here, item, "role", roles)
            continue
        name, read = _READERS[key]
        found[name] = read(fields, here, item)
        if key == "not_during_freeze" and item is False:
            fields.wrong(here, "false says nothing; leave the key out")
    if value is not None and not found:
        fields.wrong(path, "names no condition; leave the key out")
    return Conditions(**found)


def expressions_of(conditions: Conditions) -> Iterator[e.Expression]:
    """One Cedar expression a condition; all of them must hold."""
    c = conditions
    if c.mfa_within_s is not None:
        yield e.all_of(e.attribute("mfa"), e.at_most("mfa_age_s", c.mfa_within_s))
    if c.approvals is not None:
        yield e.at_least("approvals", c.approvals)
    if c.approver_roles:
        yield e.overlaps("approver_roles", c.approver_roles)
    if c.between:
        yield e.any_of(*(_within(window, c.days) for window in c.between))
    elif c.days:
        yield e.one_of("local_weekday", c.days)
    if c.max_risk_pct is not None:
        yield e.at_most("risk_pct", c.max_risk_pct)
    if c.max_changes is not None:
        yield e.at_most("predicted_changes", c.max_changes)
    for name, words in (("level", c.level), ("trigger", c.trigger), ("source", c.source)):
        if words:
            yield e.one_of(name, words)
    flags = {"has_risk": c.risk_known, "protected": c.protected, "dry_run": c.dry_run, "break_glass": c.break_glass}
    if c.not_during_freeze:
        flags["change_freeze"] = False
    for name, wanted in flags.items():
        if wanted is not None:
            yield e.attribute(name) if wanted else e.negated(e.attribute(name))


def _within(window: Window, days: tuple[str, ...]) -> e.Expression:
    """The time of day lies in the window, and the window began on one of the days."""
    begun = e.at_least("local_minute_of_day", window.start)
    ends = e.below("local_minute_of_day", window.end)
    if not window.over_midnight:
        return e.all_of(*_on(days), begun, ends)
    after = tuple(WEEKDAYS[(WEEKDAYS.index(day) + 1) % 7] for day in days)
    return e.any_of(e.all_of(*_on(days), begun), e.all_of(*_on(after), ends))


def _on(days: tuple[str, ...]) -> tuple[e.Expression, ...]:
    return (e.one_of("local_weekday", days),) if days else ()
