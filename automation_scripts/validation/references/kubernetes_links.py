"""Links by label and port: services to pods, ingresses to services, selectors to templates, policies to pods."""

from __future__ import annotations

from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.kubernetes_objects import (
    KubernetesObject,
    kubernetes_objects,
    labels,
)
from automation_scripts.validation.documents.pointing import head
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.kubernetes_monitors import check_monitor
from automation_scripts.validation.references.kubernetes_pod_groups import (
    Made,
    PodGroup,
    custom_resources,
    is_near,
    made_by_operator,
    matches,
    pod_groups,
    same_namespace,
    shown,
    talks_about,
)
from automation_scripts.validation.references.kubernetes_services import check_service, selected
from automation_scripts.validation.references.missing_names import likely_typo, missing_name
from automation_scripts.validation.values.formats import is_template

Path = tuple[PathKey, ...]


def check_links(corpus: Corpus) -> list[Finding]:
    """Every link by label or port that reaches nothing."""
    objects = kubernetes_objects(corpus)
    groups = [group for owner in objects for group in pod_groups(owner)]
    services = [owner for owner in objects if owner.kind == "Service"]
    made = custom_resources(objects)
    taken = selected(services, groups)
    found: list[Finding] = []
    for owner in objects:
        if owner.kind == "Service":
            found += check_service(owner, groups, made, taken)
        elif owner.kind == "Ingress":
            found += _ingress(owner, services)
        elif owner.kind in ("NetworkPolicy", "PodDisruptionBudget"):
            found += _policy(owner, groups, made)
        elif owner.kind in ("ServiceMonitor", "PodMonitor"):
            found += check_monitor(owner, services, groups)
        elif owner.kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"):
            found += _own_selector(owner)
    return found


def _ingress(owner: KubernetesObject, services: list[KubernetesObject]) -> Iterator[Finding]:
    near = [service for service in services if same_namespace(owner, service)]
    backends: list[tuple[Node | None, Path]] = [(owner.node.at(("spec", "defaultBackend")), ("spec", "defaultBackend"))]
    for i, rule in enumerate(items(owner.node.at(("spec", "rules")))):
        for j, way in enumerate(items(rule.at(("http", "paths")))):
            backends.append((way.get("backend"), ("spec", "rules", i, "http", "paths", j, "backend")))
    for backend, path in backends:
        if backend is None:
            continue
        node = backend.at(("service", "name"))
        if node is None:
            node = backend.get("serviceName")
        name = text_of(node)
        if node is None or not name or is_template(name):
            continue
        targets = [service for service in near if service.name == name]
        if not targets:
            known = [service.name for service in near]
            yield missing_name(
                owner.document,
                node,
                "unknown-object",
                f"{owner.title} sends to the Service '{name}', "
                + (
                    "which the tree does not have."
                    if known
                    else "and the tree has no Service at all, so this cannot be told."
                ),
                name,
                known,
                (*owner.path, *path),
                severity=_backend_severity(owner, name, near),
            )
        else:
            yield from _backend_port(owner, backend, targets, path)


def _backend_severity(owner: KubernetesObject, name: str, near: list[KubernetesObject]) -> Severity:
    """A service that is missing where services are kept is wrong; one of another folder may be applied on its own."""
    if likely_typo(name, [service.name for service in near]):
        return Severity.HIGH
    together = any(service.document.folder == owner.document.folder for service in near)
    wanted = {
        text_of(m.node)
        for m in owner.document.index.keyed("name", "serviceName")
        if "backend" in m.path or "defaultBackend" in m.path
    }
    if len(wanted) > 1 and not wanted & {service.name for service in near}:
        return Severity.INFO  # it speaks of services that come from elsewhere
    return Severity.MEDIUM if together else Severity.INFO


def _backend_port(
    owner: KubernetesObject, backend: Node, targets: list[KubernetesObject], path: Path
) -> Iterator[Finding]:
    node = backend.at(("service", "port", "number"))
    for steps in (("service", "port", "name"), ("servicePort",)):
        node = backend.at(steps) if node is None else node
    text = text_of(node)
    if any(text_of(target.node.at(("spec", "type"))) == "ExternalName" for target in targets):
        return
    known = {
        text_of(port.get(key)) or ""
        for target in targets
        for port in items(target.node.at(("spec", "ports")))
        for key in ("port", "name")
    } - {""}
    if node is not None and text and text not in known and known and not is_template(text):
        yield missing_name(
            owner.document, node, "unknown-port", f"{owner.title} sends to port {text} of Service '{targets[0].name}', which has no such port.",
            text, known, (*owner.path, *path),
        )  # fmt: skip


def _policy(owner: KubernetesObject, groups: list[PodGroup], made: Made) -> Iterator[Finding]:
    steps = ("podSelector",) if owner.kind == "NetworkPolicy" else ("selector",)
    selector = owner.node.at(("spec", *steps, "matchLabels"))
    wanted = labels(selector)
    near = [group for group in groups if same_namespace(owner, group.owner) and group.labels]
    yield from _peers(owner, near)
    if not wanted or not near or selector is None or any(matches(wanted, group) for group in near):
        return
    if made_by_operator(owner, wanted, made) or not any(
        talks_about(wanted, group) or (is_near(owner, group) and wanted.items() & group.labels.items())
        for group in near
    ):
        return  # it speaks of pods that are kept elsewhere
    yield owner.document.finding(
        head(None, selector.entries[0][1].resolved()) if selector.entries else selector.span,
        "reference/selector-without-pods",
        Severity.MEDIUM,
        f"{owner.title} applies to {shown(wanted)}, which no pod of the tree has.",
        "dangling-ref",
        path=(*owner.path, "spec", *steps),
        suggestion="Use the labels of the pods it is meant for.",
    )


def _peers(owner: KubernetesObject, groups: list[PodGroup]) -> Iterator[Finding]:
    """Peers of a network policy in its own namespace: only labels that are nearly those of a pod are wrong."""
    for way, side in (("ingress", "from"), ("egress", "to")):
        for i, rule in enumerate(items(owner.node.at(("spec", way)))):
            for j, peer in enumerate(items(rule.get(side))):
                selector = peer.at(("podSelector", "matchLabels"))
                wanted = labels(selector)
                if not wanted or selector is None or peer.entry("namespaceSelector"):
                    continue
                if any(matches(wanted, group) for group in groups):
                    continue
                if any(is_near(owner, group) and talks_about(wanted, group) for group in groups):
                    yield owner.document.finding(
                        selector.entries[0][1].span, "reference/selector-without-pods", Severity.MEDIUM,
                        f"{owner.title} lets {shown(wanted)} through, which no pod of the tree has.", "dangling-ref",
                        path=(*owner.path, "spec", way, i, side, j, "podSelector"),
                        suggestion="Use the labels of the pods that are meant.",
                    )  # fmt: skip


def _own_selector(owner: KubernetesObject) -> Iterator[Finding]:
    """The API server refuses a workload whose selector does not match its own template."""
    selector = owner.node.at(("spec", "selector", "matchLabels"))
    template = owner.node.at(("spec", "template"))
    if selector is None or template is None or not owner.node.at(("spec", "template", "spec")):
        return
    has = labels(template.at(("metadata", "labels")))
    for key, value in pairs(selector):
        text = text_of(value)
        if text is None or is_template(text) or has.get(key.value) == text or any(is_template(v) for v in has.values()):
            continue
        actual = has.get(key.value)
        yield owner.document.finding(
            value.span if value.kind is Kind.SCALAR else key.span,
            "reference/selector-mismatch",
            Severity.HIGH,
            f"{owner.title} selects {key.value}={text}, but its own template has "
            + (f"{key.value}={actual}." if actual is not None else f"no label '{key.value}'."),
            "dangling-ref",
            path=(*owner.path, "spec", "selector", "matchLabels", key.value),
            suggestion="Make the template's labels contain the selector's; the API server refuses it otherwise.",
        )
