"""References between Kubernetes objects of the given tree: config maps, secrets, claims, accounts, roles, volumes.

An object is looked for in its namespace; a manifest without a namespace fits any. When the tree holds no object of
the kind at all, nothing can be told, and the finding is a remark (info): it may be created by another tool.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.kubernetes_objects import (
    Container,
    KubernetesObject,
    PodSpec,
    containers,
    pod_specs,
)
from automation_scripts.validation.documents.scalars import is_true, items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.kubernetes_inventory import Inventory, take_inventory
from automation_scripts.validation.references.kubernetes_named import named_objects
from automation_scripts.validation.references.kubernetes_pods import check_pod
from automation_scripts.validation.references.kubernetes_volumes import check_volumes, claim_templates
from automation_scripts.validation.references.missing_names import likely_typo, missing_name
from automation_scripts.validation.values.formats import is_template

KeyPath = tuple[PathKey, ...]
_BUILT_IN = {
    "ConfigMap": {"kube-root-ca.crt", "openshift-service-ca.crt", "extension-apiserver-authentication"},
    "ServiceAccount": {"default"},
    "ClusterRole": {"cluster-admin", "admin", "edit", "view"},
    "Role": {"extension-apiserver-authentication-reader", "kube-proxy"},
}
# What a pod names: (key, kind, namespace; "" for kinds that have none).
_OF_PODS: tuple[tuple[str, str, str | None], ...] = (
    ("serviceAccountName", "ServiceAccount", None),
    ("priorityClassName", "PriorityClass", ""),
    ("runtimeClassName", "RuntimeClass", ""),
)
# A cluster or a controller brings objects of these kinds along; only what is nearly a known name is wrong.
_OFTEN_PROVIDED = frozenset(
    (
        "StorageClass",
        "PriorityClass",
        "IngressClass",
        "GatewayClass",
        "RuntimeClass",
        "ClusterIssuer",
        "ClusterSecretStore",
    )
)


def check_kubernetes(corpus: Corpus) -> list[Finding]:
    """Every dangling reference from one Kubernetes object to another, and inside pods."""
    inventory = take_inventory(corpus)
    found: list[Finding] = []
    remarked: set[tuple[str, str, str]] = set()
    users: dict[tuple[str, str], set[int]] = {}
    references = [list(_references(owner)) for owner in inventory.objects]
    for reference in (each for listed in references for each in listed):
        users.setdefault((reference.kind, reference.name), set()).add(id(reference.owner))
    shared = {key for key, owners in users.items() if len(owners) > 1}
    for owner, listed in zip(inventory.objects, references, strict=True):
        for reference in listed:
            finding = _resolve(inventory, reference, shared)
            if finding is None:
                continue
            if finding.severity is Severity.INFO:
                key = (owner.document.file.name, reference.kind, reference.name)
                if key in remarked:
                    continue
                remarked.add(key)
            found.append(finding)
        for pod in pod_specs(owner):
            found += check_volumes(pod)
            found += check_pod(pod)
    return found


@dataclass(frozen=True, slots=True)
class Reference:
    """One object named by another. `key` is the entry of its data that is wanted, if any."""

    owner: KubernetesObject
    kind: str
    name: str
    node: Node
    path: KeyPath
    namespace: str
    key: str | None = None
    key_node: Node | None = None
    is_custom: bool = False
    """It stands outside of the well-known places: what the tree does not have is not worth a remark."""


def _references(owner: KubernetesObject) -> Iterator[Reference]:
    for pod in pod_specs(owner):
        yield from _pod_references(pod)
    path = owner.path
    for node, kind, where, namespace in named_objects(owner):
        for reference in _named(owner, node, kind, where, namespace):
            yield replace(reference, is_custom=True)
    if owner.kind in ("RoleBinding", "ClusterRoleBinding"):
        yield from _named(
            owner,
            owner.node.at(("roleRef", "name")),
            text_of(owner.node.at(("roleRef", "kind"))) or "Role",
            (*path, "roleRef", "name"),
        )
        for i, subject in enumerate(items(owner.node.get("subjects"))):
            if text_of(subject.get("kind")) == "ServiceAccount":
                there = text_of(subject.get("namespace")) or owner.namespace
                yield from _named(owner, subject.get("name"), "ServiceAccount", (*path, "subjects", i, "name"), there)
    if owner.kind in ("HorizontalPodAutoscaler", "VerticalPodAutoscaler", "ScaledObject"):
        target = "scaleTargetRef" if owner.kind != "VerticalPodAutoscaler" else "targetRef"
        kind = text_of(owner.node.at(("spec", target, "kind"))) or "Deployment"
        yield from _named(owner, owner.node.at(("spec", target, "name")), kind, (*path, "spec", target, "name"))
    if owner.kind == "StatefulSet":
        yield from _named(owner, owner.node.at(("spec", "serviceName")), "Service", (*path, "spec", "serviceName"))


def _named(
    owner: KubernetesObject, node: Node | None, kind: str, path: KeyPath, namespace: str | None = None
) -> Iterator[Reference]:
    name = text_of(node)
    # `name@file` is kept by another provider than Kubernetes.
    if node is not None and name and "@" not in name and not is_template(name):
        yield Reference(owner, kind, name, node, path, owner.namespace if namespace is None else namespace)


def _pod_references(pod: PodSpec) -> Iterator[Reference]:
    owner = pod.owner
    for key, kind, namespace in _OF_PODS:
        yield from _named(owner, pod.node.get(key), kind, (*pod.path, key), namespace)
    for i, item in enumerate(items(pod.node.get("imagePullSecrets"))):
        if item.kind is Kind.MAP:
            yield from _named(owner, item.get("name"), "Secret", (*pod.path, "imagePullSecrets", i, "name"))
    for i, volume in enumerate(items(pod.node.get("volumes"))):
        path = (*pod.path, "volumes", i)
        yield from _volume_sources(owner, volume, path)
        for j, source in enumerate(items(volume.at(("projected", "sources")))):
            yield from _volume_sources(owner, source, (*path, "projected", "sources", j))
        claim = volume.get("persistentVolumeClaim")
        if claim is not None and text_of(claim.get("claimName")) not in claim_templates(owner):
            yield from _named(
                owner, claim.get("claimName"), "PersistentVolumeClaim", (*path, "persistentVolumeClaim", "claimName")
            )
    for container in containers(pod):
        yield from _container_references(owner, container)


def _volume_sources(owner: KubernetesObject, volume: Node, path: KeyPath) -> Iterator[Reference]:
    for key, kind, name_key in (
        ("configMap", "ConfigMap", "name"),
        ("secret", "Secret", "secretName"),
        ("secret", "Secret", "name"),
    ):
        source = volume.get(key)
        if source is None or is_true(source.get("optional")):
            continue
        for reference in _named(owner, source.get(name_key), kind, (*path, key, name_key)):
            yield reference
            for item in items(source.get("items")):
                entry = item.get("key")
                if entry is not None and text_of(entry):
                    yield Reference(
                        owner,
                        kind,
                        reference.name,
                        reference.node,
                        (*path, key, "items"),
                        reference.namespace,
                        text_of(entry),
                        entry,
                    )


def _container_references(owner: KubernetesObject, container: Container) -> Iterator[Reference]:
    for i, variable in enumerate(items(container.node.get("env"))):
        for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            source = variable.at(("valueFrom", key))
            if source is None or is_true(source.get("optional")):
                continue
            entry = source.get("key")
            for ref in _named(owner, source.get("name"), kind, (*container.path, "env", i, "valueFrom", key)):
                yield Reference(owner, kind, ref.name, ref.node, ref.path, ref.namespace, text_of(entry), entry)
    for i, source in enumerate(items(container.node.get("envFrom"))):
        for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            target = source.get(key)
            if target is not None and not is_true(target.get("optional")):
                yield from _named(owner, target.get("name"), kind, (*container.path, "envFrom", i, key))


def _resolve(inventory: Inventory, reference: Reference, shared: set[tuple[str, str]]) -> Finding | None:
    kind, name = reference.kind, reference.name
    if name in _BUILT_IN.get(kind, ()):
        return None
    targets = inventory.find(kind, name, reference.namespace)
    document = reference.owner.document
    if not targets:
        known = inventory.by_kind.get(kind, {})
        elsewhere = bool(inventory.find(kind, name, ""))
        where = f" in the namespace '{reference.namespace}'" if reference.namespace and elsewhere else ""
        typo = likely_typo(name, inventory.names_near(kind, document.folder))
        is_system = kind in ("Role", "ClusterRole") and name.startswith("system:")
        if (kind in _OFTEN_PROVIDED or is_system or _is_made_elsewhere(reference)) and not typo:
            return None
        if reference.is_custom and not typo and not inventory.is_kept_in(kind, document.file.name):
            return None
        # What several objects agree on is no slip of one: it is made elsewhere.
        agreed = (kind, name) in shared
        if (agreed or not inventory.is_kept_near(kind, document.folder)) and not typo:
            scope = f"the tree has no {kind}" + (" in this folder" if known else " at all")
            if agreed:
                scope = "the tree does not have it, and several objects name it"
            return document.finding(
                reference.node.span,
                "reference/unknown-object",
                Severity.INFO,
                f"{reference.owner.title} uses the {kind} '{name}'; {scope}, so this cannot be told.",
                "dangling-ref",
                path=reference.path,
            )
        return missing_name(
            document,
            reference.node,
            "unknown-object",
            f"{reference.owner.title} uses the {kind} '{name}', which the tree does not have{where}.",
            name,
            known,
            reference.path,
            severity=Severity.MEDIUM,
            otherwise=f"Add the {kind}, or correct the name; ignore this when another tool creates it.",
        )
    return _missing_key(document, reference, targets)


def _is_made_elsewhere(reference: Reference) -> bool:
    """Credentials for a registry and certificates are made by hand or by a controller: they are in no tree."""
    path = reference.path
    return "imagePullSecrets" in path or "certificateRefs" in path or (path[-1] == "secretName" and "tls" in path)


def _missing_key(document: CheckedDocument, reference: Reference, targets: list[Node | None]) -> Finding | None:
    if (
        not reference.key
        or reference.key_node is None
        or reference.kind not in ("ConfigMap", "Secret")
        or is_template(reference.key)
    ):
        return None
    known: set[str] = set()
    for target in targets:
        if target is None:
            return None
        for section in ("data", "stringData", "binaryData"):
            known |= {key.value for key, _ in pairs(target.get(section))}
    if not known or reference.key in known:
        return None
    return missing_name(
        document,
        reference.key_node,
        "unknown-key",
        f"{reference.owner.title} reads the key '{reference.key}' of the {reference.kind} '{reference.name}', which has no such key.",
        reference.key,
        known,
        reference.path,
    )
