"""Which Kubernetes objects a tree has, with those that generators and operators will create."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.kubernetes_objects import KubernetesObject, kubernetes_objects
from automation_scripts.validation.documents.scalars import items, text_of
from automation_scripts.validation.documents.tree import Node

# Objects of these kinds create a Secret or ConfigMap of a name that they give.
_PRODUCERS = {
    "SealedSecret": ("Secret", ("metadata", "name")),
    "ExternalSecret": ("Secret", ("spec", "target", "name")),
    "Certificate": ("Secret", ("spec", "secretName")),
    "VaultStaticSecret": ("Secret", ("spec", "destination", "name")),
    "VaultDynamicSecret": ("Secret", ("spec", "destination", "name")),
    "OnePasswordItem": ("Secret", ("metadata", "name")),
    "Bundle": ("ConfigMap", ("metadata", "name")),
}


@dataclass(slots=True)
class Inventory:
    """Which objects the tree has: kind -> name -> their namespaces and nodes."""

    objects: list[KubernetesObject]
    by_kind: dict[str, dict[str, list[tuple[str, Node | None]]]] = field(default_factory=dict)
    folders: dict[str, set[Path]] = field(default_factory=dict)
    """kind -> the folders in which objects of it are kept."""
    places: dict[str, set[tuple[str, Path]]] = field(default_factory=dict)
    """kind -> the names of its objects, with their folders."""
    near: dict[tuple[str, Path], list[str]] = field(default_factory=dict)
    files: dict[str, set[str]] = field(default_factory=dict)
    """kind -> the files in which objects of it are kept."""

    def add(self, kind: str, name: str, namespace: str, node: Node | None) -> None:
        """Note one object; `node` is None when another object will create it."""
        if name:
            self.by_kind.setdefault(kind, {}).setdefault(name, []).append((namespace, node))

    def is_kept_near(self, kind: str, folder: Path) -> bool:
        """True when objects of this kind are kept in this folder."""
        return folder in self.folders.get(kind, ())

    def names_near(self, kind: str, folder: Path) -> list[str]:
        """The names of a kind that are kept in this folder, above or below it."""
        found = self.near.get((kind, folder))
        if found is None:
            found = self.near[(kind, folder)] = self._names_near(kind, folder)
        return found

    def _names_near(self, kind: str, folder: Path) -> list[str]:
        return [
            name
            for name, there in self.places.get(kind, ())
            if there == folder or there in folder.parents or folder in there.parents
        ]

    def is_kept_in(self, kind: str, file: str) -> bool:
        """True when objects of this kind are kept in this file."""
        return file in self.files.get(kind, ())

    def find(self, kind: str, name: str, namespace: str) -> list[Node | None]:
        """The objects of this kind and name that a reference from `namespace` can mean."""
        found = self.by_kind.get(kind, {}).get(name, [])
        return [node for there, node in found if not namespace or not there or there == namespace]


def take_inventory(corpus: Corpus) -> Inventory:
    """The objects of the tree, with those that generators and operators will create."""
    inventory = Inventory(kubernetes_objects(corpus))
    for owner in inventory.objects:
        inventory.add(owner.kind, owner.name, owner.namespace, owner.node)
        inventory.folders.setdefault(owner.kind, set()).add(owner.document.folder)
        inventory.places.setdefault(owner.kind, set()).add((owner.name, owner.document.folder))
        inventory.files.setdefault(owner.kind, set()).add(owner.document.file.name)
        if owner.kind in _PRODUCERS:
            kind, path = _PRODUCERS[owner.kind]
            inventory.add(kind, text_of(owner.node.at(path)) or owner.name, owner.namespace, None)
    for document in corpus.documents:
        if document.file.path.name.lower() in ("kustomization.yaml", "kustomization.yml"):
            for key, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
                for item in items(document.root.get(key)):
                    inventory.add(kind, text_of(item.get("name")) or "", "", None)
    return inventory
