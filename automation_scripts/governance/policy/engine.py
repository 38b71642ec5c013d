"""The only module that knows the Cedar engine (`cedarpy`, a community binding of the Rust crate)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from automation_scripts.governance.policy.model import Principal
from automation_scripts.governance.policy.vocabulary import SYSTEM_ID, Action, cedar_schema

if TYPE_CHECKING:
    import cedarpy

CedarPolicy = dict[str, Any]
_PRINCIPALS_KEPT = 256
TOO_LONG = "is too long or nested too deeply; split the policy into several"


@dataclass(frozen=True, slots=True)
class Query:
    """One question to the engine. `script` None asks about the installation."""

    principal: Principal
    action: Action
    script: str | None
    context: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine decided, by which policies; `errors` when it could not evaluate all of them."""

    allowed: bool
    policies: tuple[str, ...]
    errors: tuple[str, ...] = ()


class CedarSyntaxError(ValueError):
    """The text is not one Cedar policy."""


@lru_cache(maxsize=1)
def _schema() -> cedarpy.Schema:
    import cedarpy

    return cedarpy.Schema.from_str(cedar_schema())


def parse_policy(text: str) -> CedarPolicy:
    """One policy, in Cedar's JSON form. Raises CedarSyntaxError."""
    import cedarpy

    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
    except RecursionError:
        raise CedarSyntaxError(TOO_LONG) from None
    except ValueError as error:
        raise CedarSyntaxError(str(error)) from None
    if parsed["templates"]:
        raise CedarSyntaxError("a template (`?principal`, `?resource`) cannot be used here; name the entity")
    policies: list[CedarPolicy] = list(parsed["staticPolicies"].values())
    if len(policies) != 1:
        raise CedarSyntaxError(f"one policy was expected here, and there are {len(policies)}")
    try:
        cedarpy.policies_from_json_str(_set_of({"policy": policies[0]}))
    except ValueError:
        raise CedarSyntaxError(TOO_LONG) from None
    return policies[0]


def render(policy: CedarPolicy) -> str:
    """The policy as Cedar text."""
    import cedarpy

    text = cedarpy.policies_from_json_str(_set_of({"policy": policy}))
    return cedarpy.format_policies(text, line_width=110).strip()


def validate(policies: Mapping[str, CedarPolicy]) -> list[tuple[str, str]]:
    """What Cedar's strict validation says: (policy id, message)."""
    import cedarpy

    # The engine validates text only, in which ids are positions.
    ids = list(policies)
    text = "\n".join(cedarpy.policies_from_json_str(_set_of({"policy": policy})) for policy in policies.values())
    found: list[tuple[str, str]] = []
    for error in cedarpy.validate_policies(text, _schema()).errors:
        position = re.fullmatch(r"policy(\d+)", error.policy_id)
        message = re.sub(r"^for policy `[^`]*`, ", "", error.error)
        found.append((ids[int(position[1])] if position else "", message))
    return list(dict.fromkeys(found))


class Engine:
    """A set of policies, parsed once. Safe for threads: nothing in it changes.

    Args:
        policies: by id, validated.
        roles: each role with those it inherits.
        scripts: each script with its category.
    """

    def __init__(
        self,
        policies: Mapping[str, CedarPolicy],
        roles: Mapping[str, Sequence[str]],
        scripts: Mapping[str, str],
    ) -> None:
        import cedarpy

        self._policies = cedarpy.PolicySet.from_json_str(_set_of(policies))
        entities = [
            _entity("System", SYSTEM_ID),
            *(_entity("Category", category) for category in sorted(set(scripts.values()))),
            *(_entity("Script", name, [("Category", category)]) for name, category in scripts.items()),
            *(_entity("Role", role, [("Role", parent) for parent in parents]) for role, parents in roles.items()),
        ]
        self._base = cedarpy.Entities.from_json_str(json.dumps(entities), _schema())
        self._entities = lru_cache(maxsize=_PRINCIPALS_KEPT)(self._with_principal)

    def ask(self, queries: Sequence[Query]) -> list[Answer]:
        """The answers, in order. A policy that cannot be evaluated makes the answer a refusal."""
        answers: list[Answer] = []
        start = 0
        while start < len(queries):
            principal = queries[start].principal
            end = start
            while end < len(queries) and queries[end].principal == principal:
                end += 1
            answers += self._ask(principal, queries[start:end])
            start = end
        return answers

    def _ask(self, principal: Principal, queries: Sequence[Query]) -> Iterable[Answer]:
        import cedarpy

        requests = [_request(query) for query in queries]
        for result in cedarpy.is_authorized_batch(requests, self._policies, self._entities(principal), _schema()):
            errors = tuple(result.diagnostics.errors)
            # Cedar leaves out a policy that fails, a prohibition too: only an answer without errors may allow.
            yield Answer(result.allowed and not errors, tuple(sorted(result.diagnostics.reasons)), errors)

    def _with_principal(self, principal: Principal) -> cedarpy.Entities:
        parents = [("Role", role) for role in sorted(principal.roles)]
        parents += [("Group", group) for group in sorted(principal.groups)]
        return self._base.with_added_json_str(json.dumps([_entity(principal.kind.value, principal.name, parents)]))


def _request(query: Query) -> dict[str, Any]:
    on_script = query.script is not None
    return {
        "principal": {"type": query.principal.kind.value, "id": query.principal.name},
        "action": {"type": "Action", "id": query.action.value},
        "resource": {"type": "Script" if on_script else "System", "id": query.script if on_script else SYSTEM_ID},
        "context": dict(query.context),
    }


def _entity(kind: str, name: str, parents: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    return {
        "uid": {"type": kind, "id": name},
        "attrs": {},
        "parents": [{"type": parent_kind, "id": parent} for parent_kind, parent in parents],
    }


def _set_of(policies: Mapping[str, CedarPolicy]) -> str:
    return json.dumps({"templates": {}, "staticPolicies": dict(policies), "templateLinks": []})
