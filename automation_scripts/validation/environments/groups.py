"""Configurations that are the same one for several environments: files by their names, sections by their keys.

`app.production.yaml` and `app.staging.yaml`, `production/app.yaml` and `staging/app.yaml`, and the maps
`production:` and `staging:` side by side in one file are groups. A file or section for all of them (`app.yaml`,
`base/app.yaml`, `default:`) is the base of a group: what it says counts for every member.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import pairs
from automation_scripts.validation.documents.tree import Kind, Node

PRODUCTION = "production"
_WORDS = {
    "preproduction": "preprod",
    "pre-production": "preprod",
    "pre-prod": "preprod",
    "pre_production": "preprod",
    "pre_prod": "preprod",
    "preprod": "preprod",
    "nonproduction": "nonprod",
    "non-production": "nonprod",
    "non-prod": "nonprod",
    "non_prod": "nonprod",
    "nonprod": "nonprod",
    "production": PRODUCTION,
    "prod": PRODUCTION,
    "prd": PRODUCTION,
    "staging": "staging",
    "stage": "staging",
    "stg": "staging",
    "development": "development",
    "develop": "development",
    "dev": "development",
    "testing": "test",
    "test": "test",
    "qa": "qa",
    "uat": "uat",
    "local": "local",
}
# Longer words first, so that `pre-prod` is never taken for `prod`.
_WORD = re.compile(rf"(?i)(?<![a-z0-9])({'|'.join(_WORDS)})(?![a-z0-9])")
_BASE_WORD = re.compile(r"(?i)(?<![a-z0-9])(base|defaults?|common|shared|all|global)(?![a-z0-9])")
_GENERIC_NAME = re.compile(r"(?:config|configuration|settings|application|app|values)(?=\.\w+$)")
_VAGUE = frozenset({"test", "local"})
"""These also name folders of tests and of a machine's own files: alone they make no group."""
DEVELOPERS = frozenset({"development", "local", "test", "nonprod"})
"""Environments that nobody but developers use."""

_MANIFESTS = frozenset({"kubernetes", "compose"})
"""Files of these kinds for one environment are patches of others: they lack most keys by design."""
_COMPARABLE = frozenset({"", "helm-values", "prometheus", "alertmanager", *_MANIFESTS})
_IGNORE_KEY = re.compile(r"(?:#|//).*\bdrift-ignore\b(?!-file)")
_IGNORE_FILE = re.compile(r"\s*(?:#|//).*\bdrift-ignore-file\b")
_MOST_VALUES = 20_000
_DEEPEST = 60

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a configuration, with its key and the map around it. `node` is never an alias."""

    key: Node
    node: Node
    parent: Node


@dataclass(eq=False)
class Configuration:
    """A configuration for one environment: a document, or one section of it."""

    environment: str
    document: CheckedDocument
    root: Node
    section: Path = ()
    """The keys above `root`, for findings."""
    heading: Node | None = None
    """The key of the section."""
    bases: list[Configuration] = field(default_factory=list)
    """What holds for all environments, nearest first."""

    @cached_property
    def own(self) -> dict[Path, Value]:
        """Key paths to values, merge keys applied. A list is one value: its items have no names to compare by.

        Empty when the aliases of the file unfold to more than can be compared.
        """
        values: dict[Path, Value] = {}
        stack: list[tuple[Path, Node]] = [((), self.root)]
        while stack:
            path, parent = stack.pop()
            for key, node in pairs(parent):
                values[(*path, key.value)] = Value(key, node, parent)
                if node.kind is Kind.MAP:
                    stack.append(((*path, key.value), node))
            if len(values) > _MOST_VALUES or len(path) > _DEEPEST:
                return {}
        return values

    @cached_property
    def effective(self) -> dict[Path, Value]:
        """The own values over those of the bases."""
        values: dict[Path, Value] = {}
        for base in reversed(self.bases):
            values.update(base.own)
        return values | self.own

    @property
    def is_partial(self) -> bool:
        """True for what only changes a part of something else: a key that it lacks says nothing."""
        if self.document.kind in _MANIFESTS:
            return True
        stem = self.document.file.path.name.lower()
        return not self.bases and re.match(r"values\b|values_", stem) is not None

    def place(self, path: Path) -> str:
        """`file:line` of a value that it has, by itself or from a base."""
        for holder in (self, *self.bases):
            if path in holder.own:
                return f"{holder.document.file.name}:{holder.own[path].key.span.line}"
        return self.document.file.name

    def ignores(self, path: Path) -> bool:
        """True when the key, or one above it, has a `# drift-ignore` on its line."""
        if self.heading is not None and self.heading.span.line in self._ignored_lines:
            return True
        tops = [path[:end] for end in range(1, len(path) + 1)]
        return any(top in self.own and self.own[top].key.span.line in self._ignored_lines for top in tops)

    @cached_property
    def _ignored_lines(self) -> frozenset[int]:
        text = self.document.file.text
        if "drift-ignore" not in text:
            return frozenset()
        return frozenset(number for number, line in enumerate(text.split("\n"), 1) if _IGNORE_KEY.search(line))


def groups(corpus: Corpus) -> Iterator[list[Configuration]]:
    """Every group of two or more environments, with the bases filled in."""
    documents = [document for document in corpus.documents if _is_configuration(document)]
    yield from _groups_of_files(documents)
    for document in documents:
        if document.kind not in _MANIFESTS:
            yield from _groups_of_sections(document)


def _is_configuration(document: CheckedDocument) -> bool:
    if document.kind not in _COMPARABLE or document.root.kind is not Kind.MAP:
        return False
    name = document.file.name.replace("\\", "/").lower()
    if "/.github/" in f"/{name}" or name.rpartition("/")[2].startswith("kustomization."):
        return False
    return not _ignored_as_a_whole(document.file.text)


def _ignored_as_a_whole(text: str) -> bool:
    """True when `drift-ignore-file` stands in a comment above the first line of content."""
    if "drift-ignore-file" not in text:
        return False
    for line in text.split("\n"):
        if _IGNORE_FILE.match(line):
            return True
        if line.strip() and not line.lstrip("\ufeff \t").startswith(("#", "//", "---", "%", "{")):
            return False
    return False


Key = tuple[str, int]
"""What the members of a group have in common: the name without its environment, and the index of the document."""


def _groups_of_files(documents: list[CheckedDocument]) -> Iterator[list[Configuration]]:
    candidates: dict[Key, list[Configuration]] = defaultdict(list)
    bases: dict[Key, list[Configuration]] = defaultdict(list)
    for document in documents:
        name, index = document.file.name.replace("\\", "/"), document.document.index
        words = {word.lower() for word in _WORD.findall(name)}
        for environment in {_WORDS[word]: None for word in words}:
            key = (_without(name, environment), index)
            candidates[key].append(Configuration(environment, document, document.root))
        if not words:
            for skeleton in _base_skeletons(name):
                bases[(skeleton, index)].append(Configuration("", document, document.root))
    # A file with two such words (`test/app.prod.yaml`) belongs where it has the most, and the best, company.
    order = sorted(candidates, key=lambda key: _company(candidates[key]), reverse=True)
    taken: set[int] = set()
    for key in order:
        members = [member for member in candidates[key] if id(member.document) not in taken]
        if not _is_group(members):
            continue
        taken |= {id(member.document) for member in members}
        for member in members:
            member.bases = bases.get(key) or bases.get((key[0].replace("//", "/").lstrip("/"), key[1]), [])
        yield members


def _is_group(members: list[Configuration]) -> bool:
    environments = {member.environment for member in members}
    return len(environments) >= 2 and not environments <= _VAGUE


def _company(members: list[Configuration]) -> tuple[bool, int, int]:
    environments = {member.environment for member in members}
    return PRODUCTION in environments, len(environments - _VAGUE), len(environments)


def _without(name: str, environment: str) -> str:
    return _skeleton(_WORD.sub(lambda found: "" if _WORDS[found[0].lower()] == environment else found[0], name))


def _base_skeletons(name: str) -> set[str]:
    """The groups that a file without an environment in its name can be the base of."""
    plain, shared = _skeleton(name), _skeleton(_BASE_WORD.sub("", name))
    return {
        plain,
        shared,
        *(_GENERIC_NAME.sub("", skeleton).replace("/.", "/").lstrip(".") for skeleton in (plain, shared)),
    }


def _skeleton(name: str) -> str:
    """A name with its folders, whatever marks stood around the words that were taken out."""
    parts = [re.sub(r"[._-]+", ".", part).strip(".").lower() for part in name.split("/")]
    return re.sub(r"\byml$", "yaml", "/".join(parts))


_SECTION_DEPTH = 2


def _groups_of_sections(document: CheckedDocument) -> Iterator[list[Configuration]]:
    stack: list[tuple[Path, Node]] = [((), document.root)]
    while stack:
        path, parent = stack.pop()
        members, bases = [], []
        for key, node in pairs(parent):
            if node.kind is not Kind.MAP:
                continue
            section = (*path, key.value)
            environment = _WORDS.get(key.value.strip("_").lower())
            if environment:
                members.append(Configuration(environment, document, node, section, key))
            elif _BASE_WORD.fullmatch(key.value.strip("_.&")):
                bases.append(Configuration("", document, node, section, key))
            if len(section) < _SECTION_DEPTH:
                stack.append((section, node))
        if _is_group(members):
            for member in members:
                member.bases = bases
            yield members


def has_environment(name: str) -> bool:
    """True when a name holds the word of an environment, as in `staging_bucket`."""
    return _WORD.search(name.replace("_", "-")) is not None
