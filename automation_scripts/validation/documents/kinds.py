"""What a document is (a Kubernetes object, a workflow, a compose file...), by path and content together.

The rules are data (`kinds.yaml`). They would rather say "unknown" than take an application's own settings for a format
that they are not: every false answer here would be a page of false findings later.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from automation_scripts.errors import ConfigurationError
from automation_scripts.validation.documents.tree import Document, Kind, Node, ParsedFile

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LOOKED_AT = 50
"""How many children are looked at for one that must be there: what is further down does not make the kind."""
_RULES = Path(__file__).parent / "kinds.yaml"


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """A kind of document, such as `kubernetes`, and the version that it names for itself, such as `apps/v1`."""

    name: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a node must look like; `kinds.yaml` explains each field."""

    root: str | None = None
    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    only: frozenset[str] = frozenset()
    value: dict[str, re.Pattern[str]] = field(default_factory=dict)
    type: dict[str, str] = field(default_factory=dict)
    each: dict[str, Conditions] = field(default_factory=dict)
    some: dict[str, Conditions] = field(default_factory=dict)

    def match(self, node: Node) -> bool:
        """True when the node, aliases resolved, meets all of the conditions."""
        node = node.resolved()
        if self.root and node.kind.value != self.root:
            return False
        return self._match_keys(node) and self._match_values(node) and self._match_children(node)

    def _match_keys(self, node: Node) -> bool:
        if not all(node.entry(key) for key in self.all):
            return False
        if self.any and not any(node.entry(key) for key in self.any):
            return False
        if any(node.entry(key) for key in self.none):
            return False
        if self.only:
            return all(key.value in self.only or key.value.startswith("x-") for key, _ in node.entries)
        return True

    def _match_values(self, node: Node) -> bool:
        for key, pattern in self.value.items():
            scalar = node.get(key)
            if scalar is None or scalar.kind is not Kind.SCALAR or not pattern.fullmatch(scalar.value):
                return False
        return all((found := node.get(key)) is not None and found.kind == want for key, want in self.type.items())

    def _match_children(self, node: Node) -> bool:
        for key, conditions in self.each.items():
            parent = node if key == "." else node.get(key)
            if parent is None:
                return False
            below = parent.children or [value for name, value in parent.entries if name.value != "<<"]
            if not below or not all(child.resolved().kind is Kind.MAP and conditions.match(child) for child in below):
                return False
        return all(self._match_some(node, key, conditions) for key, conditions in self.some.items())

    def _match_some(self, node: Node, key: str, conditions: Conditions) -> bool:
        parent = node if key == "." else node.get(key)
        below = [*parent.children, *(value for _, value in parent.entries)] if parent is not None else []
        return any(child.resolved().kind is Kind.MAP and conditions.match(child) for child in below[:_LOOKED_AT])


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to know a kind: where its file stands, and what its root looks like."""

    conditions: Conditions
    path: re.Pattern[str] | None = None
    not_path: re.Pattern[str] | None = None
    sibling: str | None = None

    def match(self, file: ParsedFile, document: Document) -> bool:
        """True when path and content both fit."""
        path = file.path.as_posix()
        if self.path and not self.path.search(path):
            return False
        if self.not_path and self.not_path.search(path):
            return False
        if not self.conditions.match(document.root):
            return False
        return self.sibling is None or (file.path.parent / self.sibling).is_file()


@dataclass(frozen=True, slots=True)
class KindRules:
    """A kind's name, the key of its version, and its rules."""

    name: str
    version: str | None
    rules: tuple[Rule, ...]


def detect(file: ParsedFile, document: Document) -> DocumentKind | None:
    """The kind of one document of a file; None when no rule fits, which is the common case."""
    for kind in known_kinds():
        if any(rule.match(file, document) for rule in kind.rules):
            version = document.root.get(kind.version) if kind.version else None
            is_text = version is not None and version.kind is Kind.SCALAR
            return DocumentKind(kind.name, version.value if version is not None and is_text else None)
    return None


@lru_cache(maxsize=1)
def known_kinds() -> tuple[KindRules, ...]:
    """All kinds, in the order in which they are tried.

    Raises:
        ConfigurationError: when kinds.yaml cannot be used; it names the kind.
    """
    kinds = []
    for raw in yaml.load(_RULES.read_text(encoding="utf-8"), _LOADER)["kinds"]:  # noqa: S506
        try:
            rules = tuple(_rule(dict(rule)) for rule in raw["rules"])
        except (TypeError, KeyError, re.error) as error:
            raise ConfigurationError(f"{_RULES.name}: kind {raw.get('name')!r} is wrong: {error}") from error
        kinds.append(KindRules(raw["name"], raw.get("version"), rules))
    return tuple(kinds)


def _rule(raw: dict[str, Any]) -> Rule:
    path, not_path, sibling = (raw.pop(name, None) for name in ("path", "not_path", "sibling"))
    return Rule(
        _conditions(raw),
        path=re.compile(path) if path else None,
        not_path=re.compile(not_path) if not_path else None,
        sibling=sibling,
    )


def _conditions(raw: dict[str, Any]) -> Conditions:
    fields = dict(raw)
    for name in ("all", "any", "none"):
        fields[name] = tuple(fields.get(name, ()))
    fields["only"] = frozenset(fields.get("only", ()))
    fields["value"] = {key: re.compile(pattern) for key, pattern in fields.get("value", {}).items()}
    for name in ("each", "some"):
        fields[name] = {key: _conditions(below) for key, below in fields.get(name, {}).items()}
    return Conditions(**fields)
