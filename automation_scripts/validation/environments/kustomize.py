"""What Kustomize overlays make of their bases, object by object: patches, replicas and generated config maps applied.

Nothing is run. Bases outside of the tree, remote ones, generators and transformers of other kinds are passed over: what
they would say is not known, and nothing is told of it. Source: the reference of kustomization files,
https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import items, text_of
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.environments.configurations import Configuration, Path, Value, Values, values_of
from automation_scripts.validation.environments.names import VAGUE, environments_in, without

_NAMES = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
_DEEPEST = 12
_MOST_LAYERS = 200
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"})

Identity = tuple[str, str]
"""Kind and name of an object."""


@dataclass(slots=True)
class _Object:
    """An object as a stack of layers: what the base says first, what the overlay itself says last."""

    document: CheckedDocument
    layers: list[tuple[FilePath, Values]] = field(default_factory=list)
    """The folder of the kustomization that adds a layer, and its values."""


def overlay_groups(corpus: Corpus) -> Iterator[list[Configuration]]:
    """For every object that overlays of two or more environments have: one configuration an environment."""
    reader = _Reader(corpus)
    found: dict[tuple[str, Identity], list[Configuration]] = defaultdict(list)
    for folder, document in reader.kustomizations.items():
        name = document.file.name.replace("\\", "/").rpartition("/")[0]
        environments = list(environments_in(name.rpartition("/")[2])) or list(environments_in(name))
        if len(environments) != 1:
            continue
        (environment,) = environments
        for identity, made in reader.objects(folder).items():
            own = {path: value for where, values in made.layers if where == folder for path, value in values.items()}
            bases = [
                Configuration("", made.document, made.document.root, given=values)
                for where, values in reversed(made.layers)
                if where != folder
            ]
            configuration = Configuration(
                environment, document, document.root, bases=bases, given=own, title="/".join(identity)
            )
            found[(without(name, environment), identity)].append(configuration)
    for members in found.values():
        environments_of = {member.environment for member in members}
        if len(environments_of) >= 2 and not environments_of <= VAGUE:
            yield members


class _Reader:
    """The kustomizations of a tree, each resolved once."""

    def __init__(self, corpus: Corpus) -> None:
        self.by_file: dict[FilePath, list[CheckedDocument]] = defaultdict(list)
        self.kustomizations: dict[FilePath, CheckedDocument] = {}
        self.resolved: dict[FilePath, dict[Identity, _Object]] = {}
        for document in corpus.documents:
            path = document.file.path
            self.by_file[path].append(document)
            if path.name in _NAMES and document.root.kind is Kind.MAP:
                self.kustomizations.setdefault(path.parent, document)

    def objects(self, folder: FilePath, depth: int = 0) -> dict[Identity, _Object]:
        """The objects that a folder's kustomization makes; empty for cycles and for more than can be followed."""
        if folder in self.resolved:
            return self.resolved[folder]
        self.resolved[folder] = {}
        document = self.kustomizations.get(folder)
        if document is None or depth > _DEEPEST:
            return {}
        made: dict[Identity, _Object] = {}
        for key in ("resources", "bases", "components"):
            for item in items(document.root.get(key)):
                if item.kind is Kind.SCALAR and "://" not in item.value:
                    self._add(made, FilePath(os.path.normpath(folder / item.value)), folder, depth)
        self._generate(made, document, folder)
        for patch in _patches(document.root):
            self._patch(made, document, patch, folder)
        self._replicas(made, document, folder)
        self.resolved[folder] = made
        return made

    def _add(self, made: dict[Identity, _Object], path: FilePath, folder: FilePath, depth: int) -> None:
        if path in self.kustomizations:
            for identity, found in self.objects(path, depth + 1).items():
                known = made.setdefault(identity, _Object(found.document))
                known.layers += found.layers[: _MOST_LAYERS - len(known.layers)]
            return
        for document in self.by_file.get(path, ()):
            named = _identity(document.root)
            if named and document.kind == "kubernetes":
                layer = values_of(document, document.root, by_name=True)
                made.setdefault(named, _Object(document)).layers.append((folder, layer))

    def _generate(self, made: dict[Identity, _Object], document: CheckedDocument, folder: FilePath) -> None:
        generators = document.root.get("configMapGenerator")
        for i, node in enumerate(items(generators)):
            name = text_of(node.get("name")) if node.kind is Kind.MAP else None
            literals = node.get("literals") if node.kind is Kind.MAP else None
            if name is None or literals is None or literals.kind is not Kind.SEQ:
                continue
            where = ("configMapGenerator", i)
            values = values_of(document, node, where, by_name=True)
            data: Values = {
                ("data", path[1]): value for path, value in values.items() if path[0] == "literals" and len(path) == 2
            }
            if data:
                entry = node.entry("literals")
                if entry is not None:
                    data[("data",)] = Value(entry[0], node, node, document, (*where, "literals"))
                made.setdefault(("ConfigMap", name), _Object(document)).layers.append((folder, data))

    def _patch(self, made: dict[Identity, _Object], document: CheckedDocument, patch: Node, folder: FilePath) -> None:
        target: Node | None = None
        path = patch.value if patch.kind is Kind.SCALAR else None
        if patch.kind is Kind.MAP:
            target, path = patch.get("target"), text_of(patch.get("path"))
        # An inline patch is a text inside of a text: its lines are not those of the file.
        if path is None or "\n" in path:
            return
        for found in self.by_file.get(FilePath(os.path.normpath(folder / path)), ()):
            if found.root.kind is Kind.SEQ:
                for identity in _targets(made, target):
                    made[identity].layers.append((folder, _operations(found, made[identity])))
            elif (named := _identity(found.root)) is not None:
                chosen = _targets(made, target) if target is not None else [named] if named in made else []
                layer = values_of(found, found.root, by_name=True)
                for one in chosen:
                    made[one].layers.append((folder, layer))

    def _replicas(self, made: dict[Identity, _Object], document: CheckedDocument, folder: FilePath) -> None:
        for i, node in enumerate(items(document.root.get("replicas"))):
            name = text_of(node.get("name")) if node.kind is Kind.MAP else None
            entry = node.entry("count") if node.kind is Kind.MAP else None
            if name is None or entry is None:
                continue
            value = Value(entry[0], entry[1].resolved(), node, document, ("replicas", i, "count"))
            for (kind, title), found in made.items():
                if title == name and kind in _WORKLOADS:
                    found.layers.append((folder, {("spec", "replicas"): value}))


def _patches(root: Node) -> list[Node]:
    keys = ("patchesStrategicMerge", "patches", "patchesJson6902")
    return [item for key in keys for item in items(root.get(key)) if item.kind in (Kind.MAP, Kind.SCALAR)]


def _identity(root: Node) -> Identity | None:
    if root.kind is not Kind.MAP:
        return None
    kind, name = text_of(root.get("kind")), text_of(root.at(("metadata", "name")))
    return (kind, name) if kind and name else None


def _targets(made: dict[Identity, _Object], target: Node | None) -> list[Identity]:
    """The objects that a target names; a label selector is passed over, so that nothing is patched by guess."""
    if target is None or target.kind is not Kind.MAP or target.entry("labelSelector"):
        return []
    kind, name = text_of(target.get("kind")), text_of(target.get("name"))
    return [one for one in made if _is_named(one[0], kind) and _is_named(one[1], name)]


def _is_named(text: str, pattern: str | None) -> bool:
    if pattern is None:
        return True
    if len(pattern) > 200 or len(pattern) != len(pattern.rstrip("*+.")):
        return text.startswith(pattern.rstrip("*+."))
    return text == pattern or re.escape(pattern) == re.escape(text)


def _operations(document: CheckedDocument, made: _Object) -> Values:
    """The values that the operations of a JSON patch (RFC 6902) add or replace."""
    known: Values = {}
    for _, values in made.layers:
        known |= values
    found: Values = {}
    for i, child in enumerate(document.root.children):
        node = child.resolved()
        entry = node.entry("value") if node.kind is Kind.MAP else None
        pointer = text_of(node.get("path")) if node.kind is Kind.MAP else None
        if entry is None or pointer is None or text_of(node.get("op")) not in ("add", "replace"):
            continue
        path = _path_of(pointer, known)
        if path is None:
            continue
        value = Value(entry[0], entry[1].resolved(), node, document, (i, "value"))
        found[path] = value
        if value.node.kind is Kind.MAP:
            found |= values_of(document, value.node, (i, "value"), by_name=True, below=path)
    return found


def _path_of(pointer: str, known: Values) -> Path | None:
    """The key path of a JSON pointer; indices become the names of the items."""
    path: Path = ()
    for raw in pointer.lstrip("/").split("/"):
        step = raw.replace("~1", "/").replace("~0", "~")
        above = known.get(path)
        if step == "value" and above is not None and above.node.kind is Kind.SCALAR:
            continue  # the pair of a name and a value is one variable
        if above is not None and above.node.kind is Kind.SEQ:
            if not step.isdigit() or int(step) >= len(above.node.children):
                return None
            item = above.node.children[int(step)].resolved()
            name = text_of(item.get("name"))
            if name is None:
                return None
            step = name
        path = (*path, step)
    return path
