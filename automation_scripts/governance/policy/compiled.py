"""From policy files to one checked set of Cedar policies."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from automation_scripts.governance.policy.cedar_file import CedarRule, problem_in, read_cedar
from automation_scripts.governance.policy.compile import compile_rule
from automation_scripts.governance.policy.engine import CedarPolicy, validate
from automation_scripts.governance.policy.files import PolicyFile
from automation_scripts.governance.policy.model import Freeze, PolicySource
from automation_scripts.governance.policy.problems import PolicyError
from automation_scripts.governance.policy.rules import RoleDefinition, Rule, RuleFile
from automation_scripts.governance.policy.vocabulary import LOCAL_ROLE
from automation_scripts.governance.policy.yaml_file import Known, read_rules, role_names, time_zone
from automation_scripts.settings.document import Document, read_document
from automation_scripts.settings.problems import Position, Problem


@dataclass(frozen=True, slots=True)
class Compiled:
    """Everything that decides, checked."""

    policies: Mapping[str, CedarPolicy]
    sources: Mapping[str, PolicySource]
    roles: Mapping[str, tuple[str, ...]]
    """Each role of the YAML files with the roles that it inherits directly."""
    freezes: tuple[Freeze, ...]
    time_zone: str

    def with_inherited(self, roles: Iterable[str]) -> frozenset[str]:
        """These roles and all that they inherit."""
        found: set[str] = set()
        pending = list(roles)
        while pending:
            role = pending.pop()
            if role not in found:
                found.add(role)
                pending += self.roles.get(role, ())
        return frozenset(found)

    def digest(self, settings: Mapping[str, object]) -> str:
        """The sha256, in hexadecimal, of what decides: policies, roles, freezes, zone, and these settings."""
        freezes = [
            [freeze.start.isoformat(), freeze.end.isoformat(), list(freeze.environments), list(freeze.except_roles)]
            for freeze in self.freezes
        ]
        everything = {
            "policies": dict(self.policies),
            "roles": {role: list(parents) for role, parents in self.roles.items()},
            "freezes": freezes,
            "time_zone": self.time_zone,
            "settings": dict(settings),
        }
        # Not RFC 8785, whose numbers end at 2^53: those of Cedar go on to 2^63.
        return hashlib.sha256(json.dumps(everything, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def compile_files(files: Sequence[PolicyFile], known: Known) -> Compiled:
    """The policies of all files together. Raises PolicyError with all that is wrong."""
    documents = {file: _document(file) for file in files if not file.is_cedar}
    known = dataclasses.replace(known, roles=_role_names(documents.values()))
    zone = _zone(documents.values())
    yaml = [read_rules(document, _stem(file.path), known, zone) for file, document in documents.items()]
    cedar: list[CedarRule] = []
    problems: list[Problem] = []
    for file in files:
        if file.is_cedar:
            policies, found = _read_cedar(file, known)
            cedar += policies
            problems += found
    problems += [problem for document in documents.values() for problem in document.problems]
    roles = [role for content in yaml for role in content.roles]
    rules = [rule for content in yaml for rule in content.rules]
    problems += [*_twice([*(r.source for r in rules), *(c.source for c in cedar)]), *_role_problems(roles)]
    if not problems:
        problems += _schema_problems(rules, cedar)
    if problems:
        raise PolicyError(problems)
    return _assembled(yaml, cedar, zone)


def _assembled(yaml: Sequence[RuleFile], cedar: Sequence[CedarRule], zone: str | None) -> Compiled:
    rules = [rule for content in yaml for rule in content.rules]
    return Compiled(
        policies={**{r.source.id: compile_rule(r) for r in rules}, **{c.source.id: c.policy for c in cedar}},
        sources={source.id: source for source in (*(r.source for r in rules), *(c.source for c in cedar))},
        roles={LOCAL_ROLE: (), **{role.name: role.inherits for content in yaml for role in content.roles}},
        freezes=tuple(freeze for content in yaml for freeze in content.freezes),
        time_zone=zone or str(UTC),
    )


def _document(file: PolicyFile) -> Document:
    document = read_document(file.path)
    document.file = file.shown
    document.problems = [dataclasses.replace(problem, source=file.shown) for problem in document.problems]
    if not document.data and not document.problems:
        document.report("the file is empty; write `roles:` into it or remove it")
    return document


def _stem(path: Path) -> str:
    return path.name.rpartition(".")[0]


def _role_names(documents: Iterable[Document]) -> tuple[str, ...]:
    names = [name for document in documents for name in role_names(document)]
    return tuple(dict.fromkeys([*names, LOCAL_ROLE]))


def _zone(documents: Iterable[Document]) -> str | None:
    """The one time zone of all files."""
    found: str | None = None
    for document in documents:
        zone = time_zone(document)
        if found and zone and zone != found:
            path = ("time_zone",)
            document.report(f"another file says {found}; all policies share one", document.keys.get(path), path)
        found = found or zone
    return found


def _read_cedar(file: PolicyFile, known: Known) -> tuple[list[CedarRule], list[Problem]]:
    try:
        text = file.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = file.content.count(b"\n", 0, error.start) + 1
        return [], [Problem("is not UTF-8 from here on", source=file.shown, at=Position(line, 1))]
    return read_cedar(text, file.shown, known)


def _twice(sources: Iterable[PolicySource]) -> list[Problem]:
    first: dict[str, PolicySource] = {}
    problems: list[Problem] = []
    for source in sources:
        if (other := first.setdefault(source.id, source)) is not source:
            message = f"the id {source.id} is taken by the policy at {other.file}:{other.line}; give each its own"
            problems.append(Problem(message, source=source.file, at=Position(source.line, 1)))
    return problems


def _role_problems(roles: Sequence[RoleDefinition]) -> list[Problem]:
    first: dict[str, PolicySource] = {}
    problems: list[Problem] = []
    for role in roles:
        source = role.source
        if (other := first.setdefault(role.name, source)) is not source:
            message = f"the role {role.name} is defined at {other.file}:{other.line} already; keep one definition"
            problems.append(Problem(message, source=source.file, at=Position(source.line, 1)))
    try:
        TopologicalSorter({role.name: role.inherits for role in roles}).prepare()
    except CycleError as error:
        cycle = " inherits ".join(reversed(error.args[1]))
        source = first[error.args[1][0]]
        problems.append(Problem(f"roles inherit in a circle: {cycle}", source=source.file, at=Position(source.line, 1)))
    return problems


def _schema_problems(rules: Sequence[Rule], cedar: Sequence[CedarRule]) -> list[Problem]:
    statements = {rule.source.id: rule for rule in cedar}
    sources = {rule.source.id: rule.source for rule in rules}
    policies = {**{r.source.id: compile_rule(r) for r in rules}, **{c.source.id: c.policy for c in cedar}}
    problems: list[Problem] = []
    for name, message in validate(policies):
        if own := statements.get(name):
            problems.append(problem_in(own.statement, message, own.source.file, name))
        else:
            source = sources.get(name) or PolicySource(name, "", "policies", 0)
            problems.append(Problem(f"{name}: {message}", source=source.file, at=Position(source.line, 1)))
    return problems
