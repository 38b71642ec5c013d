"""From rules to Cedar policies, in Cedar's JSON form."""

from __future__ import annotations

from typing import Any

from automation_scripts.governance.policy import expressions as e
from automation_scripts.governance.policy.conditions import expressions_of
from automation_scripts.governance.policy.rules import Rule

CedarPolicy = dict[str, Any]
"""One policy as https://docs.cedarpolicy.com/policies/json-format.html defines it."""


def compile_rule(rule: Rule) -> CedarPolicy:
    """The Cedar policy that means the same as the rule."""
    single = rule.roles[0] if len(rule.roles) == 1 else None
    annotations = {"id": rule.source.id}
    if rule.source.description:
        annotations["description"] = rule.source.description
    return {
        "effect": rule.source.effect,
        "principal": {"op": "in", "entity": {"type": "Role", "id": single}} if single else {"op": "All"},
        "action": {"op": "in", "entities": [{"type": "Action", "id": action.value} for action in rule.actions]},
        "resource": {"op": "All"},
        "conditions": _conditions(rule, scoped=single is not None),
        "annotations": annotations,
    }


def _conditions(rule: Rule, *, scoped: bool) -> list[dict[str, Any]]:
    required: list[e.Expression] = []
    if rule.roles and not scoped:
        required.append(e.any_of(*(e.within("principal", "Role", role) for role in rule.roles)))
    resources = [("Script", name) for name in rule.scripts] + [("Category", name) for name in rule.categories]
    if resources:
        required.append(e.any_of(*(e.within("resource", *resource) for resource in resources)))
    if rule.environments:
        required.append(e.one_of("environment", rule.environments))
    required += expressions_of(rule.when)
    conditions = [{"kind": "when", "body": body} for body in required]
    if exceptions := list(expressions_of(rule.unless)):
        conditions.append({"kind": "unless", "body": e.all_of(*exceptions)})
    conditions += [{"kind": "unless", "body": e.within("principal", "Role", role)} for role in rule.except_roles]
    return conditions
