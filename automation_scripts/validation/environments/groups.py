"""Configurations that are the same one for several environments: files by their names, sections by their keys.

`app.production.yaml` and `app.staging.yaml`, `production/app.yaml` and `staging/app.yaml`, and the maps
`production:` and `staging:` side by side in one file are groups. A file or section for all of them (`app.yaml`,
`base/app.yaml`, `default:`) is the base of a group: what it says counts for every member.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import is_null, items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.environments.configurations import MANIFESTS, Configuration, Path
from automation_scripts.validation.environments.names import (
    BASE_WORD,
    PRODUCTION,
    VAGUE,
    WORDS,
    base_skeletons,
    environments_in,
    skeleton,
    without,
)

_COMPARABLE = frozenset({"", "env", "helm-values", "prometheus", "alertmanager", *MANIFESTS})
_IGNORE_FILE = re.compile(r"\s*(?:#|//).*\bdrift-ignore-file\b")
_COMPOSE_OVERRIDE = re.compile(r"(?i)compose[._-]override\.ya?ml$")


def groups(corpus: Corpus, more: Sequence[CheckedDocument] = ()) -> Iterator[list[Configuration]]:
    """Every group of two or more environments, with the bases filled in.

    Args:
        corpus: the tree.
        more: documents that are no part of it, such as `.env` files.
    """
    documents = [document for document in (*corpus.documents, *more) if is_configuration(document)]
    yield from _groups_of_files(documents)
    for document in documents:
        if document.kind not in MANIFESTS:
            yield from _groups_of_sections(document)


def is_configuration(document: CheckedDocument) -> bool:
    """True for a document that people write once an environment, and that is not set aside by a comment."""
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


def _environments(document: CheckedDocument, name: str) -> dict[str, None]:
    found = environments_in(name)
    # Compose reads an override by itself, on the machine of whoever develops.
    if not found and document.kind == "compose" and _COMPOSE_OVERRIDE.search(name):
        return {"local": None}
    return found


def _key(name: str, environment: str) -> str:
    if _COMPOSE_OVERRIDE.search(name):
        return skeleton(_COMPOSE_OVERRIDE.sub("compose.yaml", name))
    return without(name, environment)


_PROFILE_KEYS = (("spring", "config", "activate", "on-profile"), ("spring", "profiles"))


def _profiles(document: CheckedDocument) -> list[str] | None:
    """The environments of the profiles that a document of Spring is for; None when it is for all."""
    if document.kind or document.root.kind is not Kind.MAP or document.root.entry("spring") is None:
        dotted = text_of(document.root.get("spring.config.activate.on-profile")) if not document.kind else None
        return None if dotted is None else _known(dotted)
    for path in _PROFILE_KEYS:
        node = document.root.at(path)
        if node is not None and node.kind in (Kind.SCALAR, Kind.SEQ) and not is_null(node):
            return [name for item in items(node) if item.kind is Kind.SCALAR for name in _known(item.value)]
    return None


def _known(profiles: str) -> list[str]:
    # `!prod` and `prod & eu` are conditions, and no environment.
    if not re.fullmatch(r"[\w-]+(?:\s*[,|]\s*[\w-]+)*", profiles.strip()):
        return []
    return [WORDS[name.lower()] for name in re.split(r"[,|\s]+", profiles.strip()) if name.lower() in WORDS]


Key = tuple[str, int]
"""What the members of a group have in common: the name without its environment, and the index of the document."""


def _groups_of_files(documents: list[CheckedDocument]) -> Iterator[list[Configuration]]:
    candidates: dict[Key, list[Configuration]] = defaultdict(list)
    bases: dict[Key, list[Configuration]] = defaultdict(list)
    for document in documents:
        name, index = document.file.name.replace("\\", "/"), document.document.index
        profiles = _profiles(document)
        if profiles is not None:
            # One file with a document a profile: the first one, without, is the base of all.
            for environment in profiles:
                candidates[(skeleton(name), 0)].append(Configuration(environment, document, document.root))
            continue
        found = _environments(document, name)
        for environment in found:
            key = (_key(name, environment), index)
            candidates[key].append(Configuration(environment, document, document.root))
        if not found:
            for base in base_skeletons(name):
                bases[(base, index)].append(Configuration("", document, document.root))
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
    return len(environments) >= 2 and not environments <= VAGUE


def _company(members: list[Configuration]) -> tuple[bool, int, int]:
    environments = {member.environment for member in members}
    return PRODUCTION in environments, len(environments - VAGUE), len(environments)


_SECTION_DEPTH = 2


def _groups_of_sections(document: CheckedDocument) -> Iterator[list[Configuration]]:
    stack: list[tuple[Path, Node]] = [((), document.root)]
    while stack:
        path, parent = stack.pop()
        if len(path) < _SECTION_DEPTH - 1:
            stack += [((*path, key.value), node) for key, node in parent.entries if node.kind is Kind.MAP]
        # Most maps hold no sections; telling them apart by their keys is far cheaper than reading them.
        if sum(_is_environment(key) or key.value == "<<" for key, _ in parent.entries) < 2:
            continue
        members, bases = [], []
        for key, node in pairs(parent):
            if node.kind is not Kind.MAP:
                continue
            section = (*path, key.value)
            environment = WORDS.get(key.value.strip("_").lower())
            if environment:
                members.append(Configuration(environment, document, node, section, key))
            elif BASE_WORD.fullmatch(key.value.strip("_.&")):
                bases.append(Configuration("", document, node, section, key))
        if _is_group(members):
            for member in members:
                member.bases = bases
            yield members


def _is_environment(key: Node) -> bool:
    return len(key.value) < 20 and key.value.strip("_").lower() in WORDS
