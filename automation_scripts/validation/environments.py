"""Differences between environments: the same configuration for production and staging, compared key by key.

Files are the same configuration when their names are equal but for the word of the environment
(`app.production.yaml` and `app.staging.yaml`, `production/app.yaml` and `staging/app.yaml`). What a base file without
such a word says counts for all of them. Intentional differences are declared in the file: `# drift-ignore` on a key's
line, or `# drift-ignore-file` anywhere.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.corpus import CheckedDocument, Corpus
from automation_scripts.validation.formats import is_template
from automation_scripts.validation.pointing import path_text
from automation_scripts.validation.tree import Kind, Node, ParsedFile, PathKey, Style
from automation_scripts.validation.yaml_data import to_data

PRODUCTION = "production"
_WORDS = {
    "production": PRODUCTION,
    "prod": PRODUCTION,
    "prd": PRODUCTION,
    "staging": "staging",
    "stage": "staging",
    "stg": "staging",
    "development": "development",
    "dev": "development",
    "test": "test",
    "testing": "test",
    "qa": "qa",
    "uat": "uat",
    "preprod": "preprod",
    "local": "local",
}
_WORD = re.compile(rf"(?i)(?<![a-z0-9])({'|'.join(_WORDS)})(?![a-z0-9])")
_LEAST_SHARED = 0.5
"""Files whose key paths overlap less than this are not the same configuration."""
_FACTOR = 100.0
_PARTIAL = frozenset({"kubernetes", "kustomization", "github-workflow", "compose"})
"""Kinds whose files for an environment are patches by nature, or no configuration of an environment at all."""
_UNSAFE_WHEN_TRUE = re.compile(r"(?i)(?:^|[_.-])(debug|insecure|skip_?verify|allow_?any|disable_?(?:auth|tls|ssl))\w*$")
_UNSAFE_WHEN_FALSE = re.compile(
    r"(?i)(?:^|[_.-])(verify(?:_?ssl|_?tls)?|ssl|tls|auth(?:entication)?|secure|https_only|csrf)(?:_?enabled)?$"
)
_LOG_LEVEL = re.compile(r"(?i)(?:^|[_.-])log_?level$|^level$")
_SIZES_DIFFER = re.compile(
    r"(?i)port|replica|worker|pool|memory|cpu|size|instances|connections|id$|version|count|account"
)

Path = tuple[PathKey, ...]


def check_environments(files: Sequence[ParsedFile] | Corpus) -> list[Finding]:
    """What production lacks, and what differs in type, size or safety, at the line of the file that is odd."""
    corpus = Corpus.of_files(files)
    found: list[Finding] = []
    for group, base in _groups(corpus):
        found.extend(_compare(group, base))
    return sorted(found, key=lambda finding: (finding.file or "", finding.line or 0, finding.rule_id))


@dataclass(eq=False)
class _Member:
    """One file of a group."""

    environment: str
    document: CheckedDocument

    @cached_property
    def values(self) -> dict[Path, tuple[Node | None, Node]]:
        """Key paths to (key, value). Lists are one value: their items have no names to compare by."""
        values: dict[Path, tuple[Node | None, Node]] = {}
        for path, key, node in self.document.document.root.walk():
            if path and not any(isinstance(step, int) for step in path):
                values[path] = (key, node.resolved())
        return values

    @cached_property
    def ignored_lines(self) -> frozenset[int]:
        return frozenset(
            number
            for number, line in enumerate(self.document.file.text.splitlines(), 1)
            if "drift-ignore" in line and "drift-ignore-file" not in line
        )

    def line(self, path: Path) -> int:
        key, node = self.values[path]
        return (key or node).span.line

    def ignores(self, path: Path) -> bool:
        return any(
            path[:end] in self.values and self.line(path[:end]) in self.ignored_lines for end in range(1, len(path) + 1)
        )


def _groups(corpus: Corpus) -> Iterator[tuple[list[_Member], _Member | None]]:
    members: dict[tuple[str, int], list[_Member]] = defaultdict(list)
    plain: dict[tuple[str, int], _Member] = {}
    for document in corpus.documents:
        if document.kind in _PARTIAL or document.root.kind is not Kind.MAP:
            continue
        if "drift-ignore-file" in document.file.text:
            continue
        name = document.file.name
        words = list(_WORD.finditer(name))
        if not words:
            plain[(_skeleton(name), document.document.index)] = _Member("", document)
            continue
        word = words[-1]
        key = (_skeleton(name[: word.start()] + name[word.end() :]), document.document.index)
        members[key].append(_Member(_WORDS[word[1].lower()], document))
    for key, group in members.items():
        if len({member.environment for member in group}) >= 2:
            yield group, plain.get(key)


def _skeleton(name: str) -> str:
    """A name without the marks that stood around the word of the environment."""
    return re.sub(r"[._/-]+", "/", name).strip("/").lower()


def _compare(group: list[_Member], base: _Member | None) -> Iterator[Finding]:
    production = next((member for member in group if member.environment == PRODUCTION), None)
    if production is None:
        return
    inherited = set(base.values) if base is not None else set()
    others = [member for member in group if member is not production and _alike(member, production)]
    for other in others:
        for path in other.values:
            if path in production.values:
                yield from _differences(production, other, path)
    missing: dict[Path, list[_Member]] = defaultdict(list)
    for other in others:
        for path in other.values:
            parent = production.values.get(path[:-1])
            parent_known = len(path) == 1 or (parent is not None and parent[1].kind is Kind.MAP)
            if path not in production.values and path not in inherited and parent_known and not other.ignores(path):
                missing[path].append(other)
    for path, holders in missing.items():
        # A key that only development has is often a tool of developers; one that staging has is what production will get.
        if all(holder.environment in ("development", "local", "test") for holder in holders) and len(others) > len(
            holders
        ):
            continue
        yield _missing(production, holders[0], path)


def _alike(one: _Member, other: _Member) -> bool:
    if not one.values or not other.values:
        return False
    shared = len(one.values.keys() & other.values.keys())
    return shared >= _LEAST_SHARED * min(len(one.values), len(other.values))


def _missing(production: _Member, holder: _Member, path: Path) -> Finding:
    parent = production.values.get(path[:-1])
    key = parent[0] if parent else None
    node = key or production.document.root
    span = node.span if node.kind is Kind.SCALAR else production.document.root.entries[0][0].span
    return production.document.finding(
        span,
        "drift/missing-key",
        Severity.MEDIUM,
        f"{path_text(path)} is missing in production; {holder.document.file.name}:{holder.line(path)} has it",
        "drift",
        path=path,
        suggestion="Add the key, or mark it `# drift-ignore` where it stands.",
    )


def _differences(production: _Member, other: _Member, path: Path) -> Iterator[Finding]:
    key, mine = production.values[path]
    _, theirs = other.values[path]
    if production.ignores(path) or other.ignores(path) or key is None:
        return
    if mine.kind is not Kind.SCALAR or theirs.kind is not Kind.SCALAR:
        if mine.kind is not theirs.kind and Kind.ALIAS not in (mine.kind, theirs.kind):
            yield _differs(
                production, other, path, "type", Severity.MEDIUM, f"a {mine.kind.value}", f"a {theirs.kind.value}"
            )
        return
    if is_template(mine.value) or is_template(theirs.value) or mine.value == theirs.value:
        return
    here, there = _data(mine), _data(theirs)
    name = str(path[-1])
    if _weaker(name, here, there):
        yield _differs(production, other, path, "weaker-security", Severity.HIGH, mine.value, theirs.value)
    elif here is None or there is None:
        return
    elif _family(here) != _family(there):
        yield _differs(production, other, path, "type", Severity.MEDIUM, _named(here), _named(there))
    elif isinstance(here, (int, float)) and isinstance(there, (int, float)) and _family(here) == "number":
        if _SIZES_DIFFER.search(name):
            return
        low, high = sorted((abs(float(here)), abs(float(there))))
        if low > 0 and high / low >= _FACTOR:
            yield _differs(production, other, path, "magnitude", Severity.MEDIUM, mine.value, theirs.value)


def _differs(
    production: _Member, other: _Member, path: Path, what: str, severity: Severity, here: str, there: str
) -> Finding:
    key, node = production.values[path]
    says = {
        "type": "has another type in production",
        "magnitude": "is of another magnitude in production",
        "weaker-security": "is less safe in production",
    }[what]
    return production.document.finding(
        node.span if node.kind is Kind.SCALAR else (key or node).span,
        f"drift/{what}",
        severity,
        f"{path_text(path)} {says}: {here[:60]} here, {there[:60]} in {other.document.file.name}:{other.line(path)}",
        "drift",
        path=path,
        suggestion="Make them agree, or mark the line `# drift-ignore`.",
    )


def _weaker(name: str, here: object, there: object) -> bool:
    if _UNSAFE_WHEN_TRUE.search(name):
        return here is True and there is False
    if _UNSAFE_WHEN_FALSE.search(name):
        return here is False and there is True
    if _LOG_LEVEL.search(name):
        return str(here).lower() in ("debug", "trace") and str(there).lower() not in ("debug", "trace")
    return False


def _data(node: Node) -> object:
    return to_data(node) if node.style is Style.PLAIN else node.value


def _family(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else "text"


def _named(value: object) -> str:
    return f"{_family(value)} {value}"
