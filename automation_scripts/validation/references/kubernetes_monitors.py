"""ServiceMonitor and PodMonitor of the Prometheus operator: the services or pods they select, and the ports they name."""

from __future__ import annotations

from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.kubernetes_objects import KubernetesObject, labels
from automation_scripts.validation.documents.scalars import items, text_of
from automation_scripts.validation.references.kubernetes_pod_groups import PodGroup, same_namespace, shown
from automation_scripts.validation.references.missing_names import likely_typo, missing_name
from automation_scripts.validation.values.formats import is_template


def check_monitor(
    owner: KubernetesObject, services: list[KubernetesObject], groups: list[PodGroup]
) -> Iterator[Finding]:
    """A selector that is nearly, but not quite, the labels of something in the same folder; ports nobody has."""
    selector = owner.node.at(("spec", "selector", "matchLabels"))
    wanted = labels(selector)
    if not wanted or selector is None or any(is_template(value) for value in wanted.values()):
        return
    is_service = owner.kind == "ServiceMonitor"
    # Without a namespaceSelector a monitor sees only its own namespace.
    anywhere = owner.node.at(("spec", "namespaceSelector")) is not None
    targets: list[tuple[KubernetesObject, dict[str, str], frozenset[str]]] = []
    if is_service:
        for service in services:
            names = frozenset(text_of(port.get("name")) or "" for port in items(service.node.at(("spec", "ports"))))
            targets.append((service, labels(service.node.at(("metadata", "labels"))), names))
    else:
        targets = [(group.owner, group.labels, group.port_names) for group in groups]
    targets = [target for target in targets if anywhere or same_namespace(owner, target[0])]
    reached = [target for target in targets if wanted.items() <= target[1].items()]
    if not reached:
        near = [target for target in targets if target[0].document.folder == owner.document.folder]
        yield from _unmatched(owner, wanted, near)
        return
    known = {name for _, _, names in reached for name in names if name}
    for i, endpoint in enumerate(items(owner.node.at(("spec", "endpoints" if is_service else "podMetricsEndpoints")))):
        port = endpoint.get("port")
        text = text_of(port)
        if port is not None and text and text not in known and not is_template(text):
            yield missing_name(
                owner.document, port, "unknown-port",
                f"{owner.title} reads from the port '{text}', which {reached[0][0].title} does not name.", text, known,
                (*owner.path, "spec", "endpoints", i, "port"),
            )  # fmt: skip


def _unmatched(
    owner: KubernetesObject,
    wanted: dict[str, str],
    near: list[tuple[KubernetesObject, dict[str, str], frozenset[str]]],
) -> Iterator[Finding]:
    selector = owner.node.at(("spec", "selector", "matchLabels"))
    for target, has, _ in near:
        for key, value in wanted.items():
            almost = wanted.items() - {(key, value)} <= has.items() and len(wanted) > 1
            if has.get(key) != value and (almost or likely_typo(value, [has.get(key, "")])):
                node = selector.get(key) if selector is not None else None
                if node is None:
                    continue
                yield owner.document.finding(
                    node.span, "reference/selector-without-pods", Severity.MEDIUM,
                    f"{owner.title} selects {shown(wanted)}, which nothing in the tree has; {target.title} has "
                    + (f"{key}={has[key]}." if key in has else f"no label '{key}'."), "dangling-ref",
                    path=(*owner.path, "spec", "selector", "matchLabels", key),
                    suggestion=f"Did you mean {key}: {has[key]}?" if key in has else "Use the labels of what it is meant for.",
                )  # fmt: skip
                return
