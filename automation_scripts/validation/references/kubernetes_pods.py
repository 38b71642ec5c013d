"""Names inside of one pod: variables in variables, ports of probes, keys of mounted config maps, paths mounted twice.

Sources: "Define Dependent Environment Variables", "Configure Probes" and the API reference of Kubernetes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.kubernetes_objects import Container, PodSpec, containers
from automation_scripts.validation.documents.scalars import int_of, items, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.missing_names import likely_typo, missing_name
from automation_scripts.validation.values.formats import is_template

Path = tuple[PathKey, ...]
# `$(date)` in a shell's line is a command, so only names in the form of variables count. `$$(A)` is a plain text.
_DEPENDENT = re.compile(r"(?<!\$)(?:\$\$)*\$\(([A-Z_][A-Z0-9_]*)\)")
# The kubelet sets these for every service of the namespace.
_OF_SERVICES = re.compile(r".+_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\w+)?)$|^KUBERNETES_")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def check_pod(pod: PodSpec) -> Iterator[Finding]:
    """Everything that names something inside of the same pod and misses it."""
    listed = containers(pod)
    sidecar_ports = {
        number
        for each in listed
        for port in items(each.node.get("ports"))
        if (number := int_of(port.get("containerPort")))
    }
    port_names: dict[str, tuple[Node, str]] = {}
    for container in listed:
        yield from _variables(container)
        yield from _probes(container, sidecar_ports)
        yield from _mount_paths(container)
        yield from _port_names(container, port_names)


def _variables(container: Container) -> Iterator[Finding]:
    document = container.pod.owner.document
    variables = items(container.node.get("env"))
    order = {name: i for i, item in enumerate(variables) if (name := text_of(item.get("name")))}
    # Without an image this is a patch, and the rest of the container stands elsewhere.
    if not order or items(container.node.get("envFrom")) or not container.node.entry("image"):
        return
    for i, item in enumerate(variables):
        value = item.get("value")
        for match in _DEPENDENT.finditer(text_of(value) or ""):
            name = match[1]
            assert value is not None
            path = (*container.path, "env", i, "value")
            if name not in order:
                yield from _unset(document, value, match, order, path)
            elif order[name] > i:
                yield document.finding(
                    document.part(value, *match.span(1)), "reference/variable-set-later", Severity.HIGH,
                    f"$({name}) is set only further below (line {variables[order[name]].span.line}): it stays as text.",
                    "dangling-ref", path=path, suggestion=f"Move {name} above this entry.",
                )  # fmt: skip
    for key in ("args", "command"):
        for i, item in enumerate(items(container.node.get(key))):
            for match in _DEPENDENT.finditer(text_of(item) or ""):
                if match[1] not in order:
                    yield from _unset(document, item, match, order, (*container.path, key, i))


def _unset(
    document: CheckedDocument, node: Node, match: re.Match[str], known: dict[str, int], path: Path
) -> Iterator[Finding]:
    name = match[1]
    if _OF_SERVICES.match(name) and not likely_typo(name, known):
        return
    yield missing_name(
        document, node, "unset-variable", f"$({name}) names a variable that the container does not set: it stays as text.", name,
        known, path, span=document.part(node, *match.span(1)), severity=Severity.MEDIUM,
    )  # fmt: skip


def _probes(container: Container, pod_ports: set[int]) -> Iterator[Finding]:
    ports = items(container.node.get("ports"))
    names = {name for port in ports if (name := text_of(port.get("name")))}
    places: list[tuple[str, ...]] = [(probe, way) for probe in _PROBES for way in ("httpGet", "tcpSocket", "grpc")]
    places += [("lifecycle", event, way) for event in ("postStart", "preStop") for way in ("httpGet", "tcpSocket")]
    for place in places:
        node = container.node.at((*place, "port"))
        text = text_of(node)
        if node is None or not text or is_template(text):
            continue
        path, number = (*container.path, *place, "port"), int_of(node)
        if number is None and text not in names:
            yield missing_name(
                container.pod.owner.document, node, "unknown-port",
                f"{place[0]} of container '{container.name}' asks the port '{text}', which the container does not name.", text,
                names, path,
            )  # fmt: skip
        elif number is not None and len(pod_ports) == 1 and number not in pod_ports:
            # Of several ports, that of a probe is often left out; a single one is mostly meant, unless it is for metrics.
            if any("metric" in name or "prom" in name for name in names):
                continue
            declared = sorted(pod_ports)
            yield container.pod.owner.document.finding(
                node.span, "reference/unknown-port", Severity.LOW,
                f"{place[0]} of container '{container.name}' asks port {number}; the pod declares only {declared[0]}.",
                "dangling-ref", path=path, suggestion=f"Use {declared[0]}, or declare the port.",
            )  # fmt: skip


def _mount_paths(container: Container) -> Iterator[Finding]:
    first: dict[str, Node] = {}
    for i, mount in enumerate(items(container.node.get("volumeMounts"))):
        node = mount.get("mountPath") if mount.kind is Kind.MAP else None
        text = (text_of(node) or "").rstrip("/")
        if node is None or not text or is_template(text):
            continue
        earlier = first.setdefault(text, node)
        if earlier is not node:
            yield container.pod.owner.document.finding(
                node.span, "reference/repeated-mount-path", Severity.HIGH,
                f"Container '{container.name}' mounts something at '{text}' again; line {earlier.span.line} did already.",
                "dup-name", path=(*container.path, "volumeMounts", i, "mountPath"),
                suggestion="Mount each volume at a path of its own; the API server refuses it otherwise.",
            )  # fmt: skip


def _port_names(container: Container, first: dict[str, tuple[Node, str]]) -> Iterator[Finding]:
    for i, port in enumerate(items(container.node.get("ports"))):
        node = port.get("name") if port.kind is Kind.MAP else None
        text = text_of(node)
        if node is None or not text or is_template(text) or container.kind == "initContainers":
            continue
        earlier, owner = first.setdefault(text, (node, container.name))
        if earlier is not node:
            yield container.pod.owner.document.finding(
                node.span, "reference/repeated-name",
                Severity.HIGH if owner == container.name else Severity.MEDIUM,
                f"The port name '{text}' stands twice in this pod; line {earlier.span.line} has it already.", "dup-name",
                path=(*container.path, "ports", i, "name"), suggestion="Give each port its own name.",
            )  # fmt: skip
