"""Objects that name each other by kind and name, in built-in kinds and in custom resources: `*Ref`, `*Refs`, classes.

Only what the tree keeps can be judged: a name is reported when objects of its kind are kept near, or when it is nearly
the name of one.
"""

from __future__ import annotations

from collections.abc import Iterator

from automation_scripts.validation.documents.kubernetes_objects import KubernetesObject
from automation_scripts.validation.documents.scalars import items, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey

KeyPath = tuple[PathKey, ...]
Named = tuple[Node, str, KeyPath, str | None]
"""(the name's node, kind, path, namespace or None for the owner's)."""

# The kind that a reference means when it names none.
_DEFAULT_KINDS = {
    "backendRefs": "Service",
    "backendRef": "Service",
    "parentRefs": "Gateway",
    "issuerRef": "Issuer",
    "secretStoreRef": "SecretStore",
    "secretRef": "Secret",
    "secretKeyRef": "Secret",
    "configMapRef": "ConfigMap",
    "configMapKeyRef": "ConfigMap",
    "serviceAccountRef": "ServiceAccount",
    "clientConfig": "Service",
    "gatewayClassRef": "GatewayClass",
}
_REFERENCE_KEYS = frozenset(
    (*_DEFAULT_KINDS, "sourceRef", "chartRef", "targetRef", "targetRefs", "classRef", "certificateRefs")
)
# Scalars that name an object of one kind.
_CLASSES = {
    "storageClassName": "StorageClass",
    "priorityClassName": "PriorityClass",
    "ingressClassName": "IngressClass",
    "gatewayClassName": "GatewayClass",
    "runtimeClassName": "RuntimeClass",
}
_TRAEFIK = {"services": "Service", "middlewares": "Middleware"}
_TRAEFIK_TCP = {"services": "Service", "middlewares": "MiddlewareTCP"}
# These make patches, templates and status of other objects: what looks like a name there is no reference.
_NOT_REFERENCES = frozenset(
    ("status", "ownerReferences", "involvedObject", "managedFields", "openAPIV3Schema", "annotations")
)
_SKIPPED_KINDS = frozenset(
    ("CustomResourceDefinition", "Kustomization", "Component", "ConfigMap", "Secret", "Composition")
)
_MAX_DEPTH = 25


def named_objects(owner: KubernetesObject) -> Iterator[Named]:
    """The references of an object that stand outside of pod specs."""
    if owner.kind in _SKIPPED_KINDS and not (owner.kind == "Kustomization" and "fluxcd" in owner.api_version):
        return
    pods = {id(pod.node) for pod in owner.pods}
    traefik: dict[str, str] = {}
    if owner.api_version.startswith("traefik."):
        traefik = _TRAEFIK_TCP if owner.kind == "IngressRouteTCP" else _TRAEFIK
    seen: set[int] = set()
    stack: list[tuple[Node, KeyPath]] = [
        (value.resolved(), (*owner.path, key.value))
        for key, value in owner.node.entries
        if key.value not in ("metadata", "status")
    ]
    while stack:
        node, path = stack.pop()
        if id(node) in seen or len(path) > _MAX_DEPTH or id(node) in pods:
            continue
        seen.add(id(node))
        if node.kind is Kind.SEQ:
            stack += [(child.resolved(), (*path, i)) for i, child in enumerate(node.children)]
            continue
        for key, value in node.entries:
            name, below = key.value, value.resolved()
            if name in _NOT_REFERENCES:
                continue
            if name in _CLASSES:
                if below.kind is Kind.SCALAR:
                    yield below, _CLASSES[name], (*path, name), ""
            elif name in _REFERENCE_KEYS or name in traefik:
                default = _DEFAULT_KINDS.get(name) or traefik.get(name, "")
                yield from _references(below, default, (*path, name))
            if below.kind is not Kind.SCALAR:
                stack.append((below, (*path, name)))
    yield from _by_kind(owner)


def _references(node: Node, default: str, path: KeyPath) -> Iterator[Named]:
    for i, item in enumerate(items(node) if node.kind is Kind.SEQ else [node]):
        where = (*path, i) if node.kind is Kind.SEQ else path
        if item.kind is not Kind.MAP:
            continue
        target = item.get("service") if "clientConfig" in path else item
        if target is None or target.kind is not Kind.MAP:
            continue
        name, kind = target.get("name"), text_of(target.get("kind")) or default
        if name is not None and kind and name.kind is Kind.SCALAR:
            yield name, kind, (*where, "name"), text_of(target.get("namespace"))


def _by_kind(owner: KubernetesObject) -> Iterator[Named]:
    """References whose place says what they mean only in one kind of object."""
    if owner.kind in ("Kustomization", "HelmRelease") and "fluxcd" in owner.api_version:
        for i, item in enumerate(items(owner.node.at(("spec", "dependsOn")))):
            if item.kind is Kind.MAP and (name := item.get("name")) is not None:
                yield name, owner.kind, (*owner.path, "spec", "dependsOn", i, "name"), text_of(item.get("namespace"))
    if owner.kind == "Application" and owner.api_version.startswith("argoproj.io"):
        project = owner.node.at(("spec", "project"))
        if project is not None and text_of(project) != "default":
            yield project, "AppProject", (*owner.path, "spec", "project"), None
    if owner.kind == "Ingress" and not _is_issued(owner):
        for i, item in enumerate(items(owner.node.at(("spec", "tls")))):
            if item.kind is Kind.MAP and (name := item.get("secretName")) is not None:
                yield name, "Secret", (*owner.path, "spec", "tls", i, "secretName"), None


def _is_issued(owner: KubernetesObject) -> bool:
    """True when an annotation has cert-manager or an ACME client make the certificate."""
    annotations = owner.node.at(("metadata", "annotations"))
    if annotations is None:
        return False
    return any(
        "cert-manager" in key.value or "acme" in key.value or "certificate" in key.value
        for key, _ in annotations.entries
    )
