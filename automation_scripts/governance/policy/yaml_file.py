"""Reads one YAML policy file: roles with what they allow, prohibitions, change freezes, the time zone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from automation_scripts.governance.policy.conditions import read_conditions
from automation_scripts.governance.policy.fields import Fields
from automation_scripts.governance.policy.freezes import read_freezes, read_time_zone
from automation_scripts.governance.policy.model import PolicySource
from automation_scripts.governance.policy.names import fault
from automation_scripts.governance.policy.rules import NO_CONDITIONS, RoleDefinition, Rule, RuleFile
from automation_scripts.governance.policy.vocabulary import CATEGORIES, LOCAL_ROLE, SYSTEM_ONLY, Action
from automation_scripts.settings.document import Document
from automation_scripts.settings.problems import KeyPath

_FILE_KEYS = ("roles", "deny", "freezes", "time_zone")
_ROLE_KEYS = ("description", "inherits", "allow", "deny")
_RULE_KEYS = ("id", "description", "actions", "scripts", "categories", "environments", "when", "unless")
_DENY_KEYS = (*_RULE_KEYS, "roles", "except_roles")


@dataclass(frozen=True, slots=True)
class Known:
    """The names that a policy file may use."""

    environments: tuple[str, ...]
    scripts: Mapping[str, str]
    """Script name to category."""
    roles: Collection[str] = ()
    """Of all YAML files together."""


def role_names(document: Document) -> list[str]:
    """The roles that this file defines, by name."""
    roles = document.data.get("roles")
    return list(roles) if isinstance(roles, dict) else []


def time_zone(document: Document) -> str | None:
    """The time zone that this file names."""
    return read_time_zone(Fields(document), document.data)


def read_rules(document: Document, name: str, known: Known, zone: str | None) -> RuleFile:
    """What the file says; what is wrong with it is added to `document.problems`.

    Args:
        document: the file.
        name: what the ids of its rules begin with, and how the file is called in messages.
        known: the names that it may use.
        zone: the time zone of all policy files together; None is UTC.
    """
    fields = Fields(document)
    data = fields.mapping((), document.data, _FILE_KEYS)
    reader = _Reader(fields, name, known)
    roles = fields.mapping(("roles",), data.get("roles"), None)
    definitions = tuple(reader.role(role, body) for role, body in roles.items())
    rules = [rule for role, body in roles.items() for rule in reader.role_rules(role, body)]
    rules += reader.rules(("deny",), data.get("deny"), "forbid", ())
    freezes = read_freezes(fields, data, zone, known.environments, known.roles, name)
    return RuleFile(definitions, tuple(rules), freezes)


class _Reader:
    def __init__(self, fields: Fields, name: str, known: Known) -> None:
        self.fields = fields
        self.name = name
        self.known = known

    def role(self, role: str, body: object) -> RoleDefinition:
        path: KeyPath = ("roles", role)
        if message := fault(role, "role"):
            self.fields.wrong(path, message, key=True)
        twin = next((r for r in self.known.roles if r != role and r.casefold() == role.casefold()), None)
        if twin:
            self.fields.wrong(path, f"differs from the role {twin} in capitals only; rename one", key=True)
        keys = self.fields.mapping(path, body, _ROLE_KEYS)
        inherits: tuple[str, ...] = ()
        if "inherits" in keys:
            inherits = self.fields.names((*path, "inherits"), keys["inherits"], "role", self.known.roles)
            for index, parent in enumerate(inherits):
                if LOCAL_ROLE in (parent, role):
                    # Its rules are for whoever is not known; nobody may get or give more by way of it.
                    here = (*path, "inherits", index)
                    self.fields.wrong(here, f"the role {LOCAL_ROLE} neither inherits nor is inherited")
        description = self._description(path, keys)
        return RoleDefinition(role, inherits, self._source(path, f"{self.name}/{role}", "role", description))

    def role_rules(self, role: str, body: object) -> Iterator[Rule]:
        path: KeyPath = ("roles", role)
        keys = body if isinstance(body, dict) else {}
        yield from self.rules((*path, "allow"), keys.get("allow"), "permit", (role,))
        yield from self.rules((*path, "deny"), keys.get("deny"), "forbid", (role,))

    def rules(self, path: KeyPath, value: object, effect: str, roles: tuple[str, ...]) -> list[Rule]:
        return [self._rule(here, item, effect, roles) for here, item in self.fields.entries(path, value)]

    def _rule(self, path: KeyPath, value: object, effect: str, roles: tuple[str, ...]) -> Rule:
        keys = self.fields.mapping(path, value, _RULE_KEYS if roles else _DENY_KEYS)
        actions = self._actions(path, keys)
        if {"scripts", "categories"} <= keys.keys():
            self.fields.wrong((*path, "categories"), "give scripts or categories, not both", key=True)
        self._about_scripts(path, keys, actions)
        conditions = {
            key: read_conditions(self.fields, (*path, key), keys[key], self.known.roles)
            for key in ("when", "unless")
            if key in keys
        }
        choices = {
            key: self.fields.names((*path, key), keys[key], what, known)
            for key, what, known in (
                ("scripts", "script", self.known.scripts),
                ("categories", "category", CATEGORIES),
                ("environments", "environment", self.known.environments),
                ("except_roles", "role", self.known.roles),
                ("roles", "role", self.known.roles),
            )
            if key in keys
        }
        source = self._source(path, self._id(path, keys), effect, self._description(path, keys))
        return Rule(
            source=source,
            actions=actions,
            roles=choices.get("roles", roles),
            except_roles=choices.get("except_roles", ()),
            scripts=choices.get("scripts", ()),
            categories=choices.get("categories", ()),
            environments=choices.get("environments", ()),
            when=conditions.get("when", NO_CONDITIONS),
            unless=conditions.get("unless", NO_CONDITIONS),
        )

    def _actions(self, path: KeyPath, keys: dict[str, Any]) -> tuple[Action, ...]:
        if "actions" not in keys:
            self.fields.wrong(path, f"needs actions. Known: {', '.join(Action)}")
            return ()
        here = (*path, "actions")
        return tuple(Action(name) for name in self.fields.names(here, keys["actions"], "action", tuple(Action)))

    def _about_scripts(self, path: KeyPath, keys: dict[str, Any], actions: tuple[Action, ...]) -> None:
        """A rule that names scripts and an action on the installation would silently never hold for it."""
        of_system = [action for action in actions if action in SYSTEM_ONLY]
        narrowed = [key for key in ("scripts", "categories", "environments") if key in keys]
        if of_system and narrowed:
            both = " and ".join(of_system)
            message = f"{both} concerns the whole installation, not single {narrowed[0]}; write it as a rule of its own"
            self.fields.wrong((*path, "actions"), message)

    def _id(self, path: KeyPath, keys: dict[str, Any]) -> str:
        """The rule's own id, else where it stands in the file: `roles/operator/allow/2`."""
        if "id" in keys:
            for name in self.fields.names((*path, "id"), keys["id"], "rule"):
                return name
        steps = (str(step + 1) if isinstance(step, int) else step for step in path if step != "roles")
        return "/".join([self.name, *steps])

    def _description(self, path: KeyPath, keys: dict[str, Any]) -> str:
        return self.fields.text((*path, "description"), keys["description"]) if "description" in keys else ""

    def _source(self, path: KeyPath, rule: str, effect: str, description: str) -> PolicySource:
        file = self.fields.document.file or self.name
        return PolicySource(rule, effect, file, self.fields.at(path).line, description)
