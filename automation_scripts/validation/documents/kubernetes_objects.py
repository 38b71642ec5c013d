"""Kubernetes objects, pod specs and containers, wherever they stand: in lists, in templates, in custom resources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.pointing import head
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.input.spans import Span

Path = tuple[PathKey, ...]
_CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")


@dataclass(frozen=True, eq=False)
class KubernetesObject:
    """One object: a document's root, or an item of a `kind: List`."""

    document: CheckedDocument
    node: Node
    path: Path

    @cached_property
    def kind(self) -> str:
        """`Deployment`; empty when absent."""
        return text_of(self.node.get("kind")) or ""

    @cached_property
    def api_version(self) -> str:
        """`apps/v1`; empty when absent."""
        return text_of(self.node.get("apiVersion")) or ""

    @cached_property
    def name(self) -> str:
        """The object's name; empty when absent or generated."""
        return text_of(self.node.at(("metadata", "name"))) or ""

    @cached_property
    def namespace(self) -> str:
        """The namespace as written; empty when the manifest leaves it to whoever applies it."""
        return text_of(self.node.at(("metadata", "namespace"))) or ""

    @property
    def title(self) -> str:
        """`Deployment/web`, for messages."""
        return f"{self.kind}/{self.name or '?'}"

    @cached_property
    def pods(self) -> list[PodSpec]:
        """Its pod specs; see `pod_specs`."""
        return _pod_specs(self)


@dataclass(frozen=True, slots=True, eq=False)
class PodSpec:
    """A map that holds `containers`, and the metadata beside it where there is one."""

    owner: KubernetesObject
    node: Node
    path: Path
    key: Node | None

    @property
    def where(self) -> Span:
        """Where findings about the pod as a whole point."""
        return head(self.key, self.node)


@dataclass(frozen=True, slots=True, eq=False)
class Container:
    """One container of a pod spec. `kind` is `containers`, `initContainers` or `ephemeralContainers`."""

    pod: PodSpec
    node: Node
    path: Path
    kind: str

    @property
    def name(self) -> str:
        """The container's name; its place in the list when it has none."""
        return text_of(self.node.get("name")) or f"{self.kind}[{self.path[-1]}]"

    @property
    def where(self) -> Span:
        """Where findings about the container as a whole point: its name, else its first line."""
        name = self.node.entry("name")
        return name[1].span if name and name[1].kind is Kind.SCALAR else head(None, self.node)


_OBJECTS: WeakKeyDictionary[Corpus, list[KubernetesObject]] = WeakKeyDictionary()
# Several checks ask for the same objects; they live as long as their tree.


def kubernetes_objects(corpus: Corpus) -> list[KubernetesObject]:
    """All objects of the tree, `List` items one by one."""
    found = _OBJECTS.get(corpus)
    if found is None:
        found = _OBJECTS[corpus] = _all_objects(corpus)
    return found


def _all_objects(corpus: Corpus) -> list[KubernetesObject]:
    return [found for document in corpus.of("kubernetes") for found in _unfold(document, document.root, (), 0)]


def _unfold(document: CheckedDocument, node: Node, path: Path, depth: int) -> Iterator[KubernetesObject]:
    kind = text_of(node.get("kind")) or ""
    listed = node.get("items")
    if kind.endswith("List") and listed is not None and listed.kind is Kind.SEQ and depth < 5:
        for i, child in enumerate(listed.children):
            if child.resolved().kind is Kind.MAP:
                yield from _unfold(document, child.resolved(), (*path, "items", i), depth + 1)
    elif node.kind is Kind.MAP:
        yield KubernetesObject(document, node, path)


def pod_specs(owner: KubernetesObject) -> list[PodSpec]:
    """Every pod spec of an object: of the known kinds, and of custom resources that embed pod templates."""
    return owner.pods


def _pod_specs(owner: KubernetesObject) -> list[PodSpec]:
    if owner.kind == "CustomResourceDefinition":
        return []
    found = []
    stack: list[tuple[Path, Node | None, Node, int]] = [(owner.path, None, owner.node, 0)]
    seen: set[int] = set()
    while stack:
        path, key, node, depth = stack.pop()
        if id(node) in seen or depth > 30:
            continue
        seen.add(id(node))
        if node.kind is Kind.SEQ:
            stack += [((*path, i), None, c.resolved(), depth + 1) for i, c in enumerate(node.children)]
            continue
        entries = pairs(node)
        if _is_pod_spec(node):
            found.append(PodSpec(owner, node, path, key))
            continue
        stack += [((*path, k.value), k, v, depth + 1) for k, v in entries if v.kind is not Kind.SCALAR]
    return sorted(found, key=lambda pod: pod.node.span.start)


def _is_pod_spec(node: Node) -> bool:
    listed = node.get("containers")
    if listed is None or listed.kind is not Kind.SEQ or not listed.children:
        return False
    # `containers` is a common word: real ones are maps with an image, or at least a name and something to run.
    return all(
        (item := child.resolved()).kind is Kind.MAP and (item.entry("image") or item.entry("name"))
        for child in listed.children
    ) and any(
        child.resolved().entry(key)
        for child in listed.children
        for key in ("image", "command", "args", "ports", "env", "resources", "volumeMounts")
    )


def containers(pod: PodSpec) -> list[Container]:
    """The containers of a pod spec, init and ephemeral ones included."""
    return [
        Container(pod, child, (*pod.path, kind, i), kind)
        for kind in _CONTAINER_LISTS
        for i, child in enumerate(items(pod.node.get(kind)))
        if child.kind is Kind.MAP
    ]


def pod_template_metadata(pod: PodSpec) -> Node | None:
    """The `metadata` that becomes the pod's: beside the spec in a template, or the Pod's own."""
    parent = pod.owner.node.at(pod.path[len(pod.owner.path) : -1]) if pod.path[len(pod.owner.path) :] else None
    return parent.get("metadata") if parent is not None else None


def labels(node: Node | None) -> dict[str, str]:
    """A label map as plain text pairs."""
    return {key.value: text for key, value in pairs(node) if (text := text_of(value)) is not None}
