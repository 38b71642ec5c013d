"""Why: each policy with the conditions that held and those that did not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from automation_scripts.governance.policy import expressions as e
from automation_scripts.governance.policy.circumstances import check, effective
from automation_scripts.governance.policy.engine import CedarPolicy, Engine, Query, render
from automation_scripts.governance.policy.model import AccessRequest, PolicySource
from automation_scripts.governance.policy.policy_set import PolicySet
from automation_scripts.governance.policy.problems import printable

_SCOPE = ("principal", "action", "resource")
_ANY = {"op": "All"}


@dataclass(frozen=True, slots=True)
class Condition:
    """One part of a policy: Cedar text, whether it held, and the values that it read."""

    text: str
    held: bool
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PolicyTrace:
    """One policy and how it fared."""

    source: PolicySource
    satisfied: bool
    conditions: tuple[Condition, ...]

    @property
    def failed(self) -> tuple[Condition, ...]:
        """The parts that did not hold."""
        return tuple(condition for condition in self.conditions if not condition.held)


def trace(policies: PolicySet, request: AccessRequest) -> list[PolicyTrace]:
    """Every policy that is about this action, in the order of the files. Raises BadRequest."""
    check(request, policies.rules)
    context = policies.context(request)
    parts: dict[str, CedarPolicy] = {}
    whole: dict[str, list[str]] = {}
    for name, policy in policies.compiled.policies.items():
        whole[name] = []
        for part in _parts(policy):
            key = f"{len(parts)}"
            parts[key] = part
            whole[name].append(key)
    # Each part becomes a permission of its own, so that one question tells which of them hold.
    engine = Engine(parts, policies.compiled.roles, policies.rules.scripts)
    (answer,) = engine.ask([Query(effective(request.principal), request.action, request.script, context)])
    held = set(answer.policies)
    traces: list[PolicyTrace] = []
    for name, keys in whole.items():
        conditions = tuple(_condition(parts[key], key in held, context) for key in keys)
        about_action = all(key in held for key in keys if parts[key]["action"]["op"] != "All")
        if about_action:
            traces.append(PolicyTrace(policies.compiled.sources[name], all(k in held for k in keys), conditions))
    return traces


def explain(policies: PolicySet, request: AccessRequest) -> str:
    """The decision and, below it, each policy about this action with the conditions that failed."""
    decision = policies.authorize(request)
    lines = [decision.message]
    try:
        traces = trace(policies, request)
    except ValueError:
        return lines[0]
    for found in traces:
        state = "applies" if found.satisfied else "does not apply"
        lines.append(f"{found.source.effect} {found.source}: {state}")
        for condition in found.failed:
            values = ", ".join(f"{name} is {_shown(value)}" for name, value in condition.values.items())
            lines.append(f"    not: {condition.text}{f' ({values})' if values else ''}")
    return "\n".join(lines)


def _parts(policy: CedarPolicy) -> Iterator[CedarPolicy]:
    """The policy in its parts, each a permission: the scope, and each condition that has to hold."""
    free = {"effect": "permit", **dict.fromkeys(_SCOPE, _ANY), "conditions": []}
    for name in _SCOPE:
        if policy[name] != _ANY:
            yield {**free, name: policy[name]}
    for condition in policy["conditions"]:
        bodies: list[Any] = [condition["body"]]
        if condition["kind"] == "when":
            bodies = list(e.conjuncts(condition["body"]))
        for body in bodies:
            yield {**free, "conditions": [{"kind": condition["kind"], "body": body}]}


def _condition(part: CedarPolicy, held: bool, context: Mapping[str, object]) -> Condition:
    # The engine sets every attribute in brackets.
    text = re.sub(r"(?<!\w)\((context\.\w+)\)", r"\1", " ".join(render(part).removesuffix(";").split()))
    scope, _, body = text.partition(") ")
    if body:
        text = body.replace("when { ", "", 1).removesuffix(" }") if body.startswith("when") else body
    else:
        inner = scope.partition("(")[2].removesuffix(")")
        text = next((p.strip() for p in _split(inner) if p.strip() not in _SCOPE), inner)
    values = {name: context[name] for name in sorted(e.attributes_in(part["conditions"]))}
    return Condition(text, held, values)


def _split(scope: str) -> list[str]:
    """The three parts of a scope; the list of actions has commas too, and stays whole."""
    head, bracket, tail = scope.partition("[")
    if not bracket:
        return scope.split(",")
    inside, _, rest = tail.partition("]")
    before = head.split(",")
    return [*before[:-1], f"{before[-1]}[{inside}]", *rest.split(",")]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return printable(value if not isinstance(value, list) else ", ".join(map(str, value)) or "empty")
