"""Names and ports that may stand only once and stand twice: in pods, services, files of objects, lists of things."""

from __future__ import annotations

from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.kubernetes_objects import (
    KubernetesObject,
    PodSpec,
    containers,
    kubernetes_objects,
    pod_specs,
)
from automation_scripts.validation.documents.scalars import int_of, items, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.values.formats import is_template
from automation_scripts.validation.values.word_lists import words

Path = tuple[PathKey, ...]

# Lists of things that are told apart by name, in any file: a second one of the same name hides the first or is refused.
_NAMED_LISTS = words("named lists")
_IDENTIFIED_LISTS = words("identified lists")
_EXAMPLES = frozenset(("example", "examples", "sample", "samples", "fixtures"))
_KNOWN_LISTS = {
    "prometheus": (("scrape_configs", "job_name"),),
    "alertmanager": (("receivers", "name"), ("time_intervals", "name"), ("mute_time_intervals", "name")),
    "prometheus-rules": (("groups", "name"),),
    "prefect": (("deployments", "name"),),
}


def check_repeated(corpus: Corpus) -> list[Finding]:
    """Everything that stands twice and may not."""
    objects = kubernetes_objects(corpus)
    found: list[Finding] = list(_objects(objects))
    found += _node_ports(objects)
    for owner in objects:
        if owner.kind == "Service":
            found += _service_ports(owner)
        for pod in pod_specs(owner):
            found += _pod(pod)
    for document in corpus.documents:
        for key, name in _KNOWN_LISTS.get(document.kind, ()):
            found += _list(document, document.root.get(key), (key,), name, Severity.HIGH)
        if document.kind == "":
            found += _unknown_lists(document)
    return found


def _repeated(
    document: CheckedDocument,
    node: Node,
    first: Node,
    message: str,
    tag: str,
    path: Path,
    severity: Severity,
    advice: str,
) -> Finding:
    rule = {"dup-name": "repeated-name", "dup-env": "repeated-variable", "port-collision": "port-collision"}[tag]
    return document.finding(
        node.span,
        f"reference/{rule}",
        severity,
        f"{message}; line {first.span.line} has it already.",
        tag,
        path=path,
        suggestion=advice,
    )


def _objects(objects: list[KubernetesObject]) -> Iterator[Finding]:
    """Two objects of one kind and name in one file: the second silently replaces the first."""
    first: dict[tuple[str, ...], KubernetesObject] = {}
    for owner in objects:
        if not owner.name or is_template(owner.name):
            continue
        group = owner.api_version.rpartition("/")[0]
        key = (owner.document.file.name, group, owner.kind, owner.namespace, owner.name)
        earlier = first.setdefault(key, owner)
        name = owner.node.at(("metadata", "name"))
        before = earlier.node.at(("metadata", "name"))
        if earlier is not owner and name is not None and before is not None:
            yield _repeated(
                owner.document, name, before, f"{owner.title} stands twice in this file", "dup-name",
                (*owner.path, "metadata", "name"), Severity.HIGH, "Rename or remove one: the later one replaces the earlier one.",
            )  # fmt: skip


def _pod(pod: PodSpec) -> Iterator[Finding]:
    document, title = pod.owner.document, pod.owner.title
    listed = containers(pod)
    yield from _by_name(document, [(c.node, c.path) for c in listed], f"a container of {title} is named")
    volumes = [(v, (*pod.path, "volumes", i)) for i, v in enumerate(items(pod.node.get("volumes")))]
    yield from _by_name(document, volumes, f"a volume of {title} is named")
    host_ports: dict[tuple[int, str, str], Node] = {}
    for container in listed:
        variables: dict[str, Node] = {}
        ports: dict[tuple[int, str], Node] = {}
        for i, variable in enumerate(items(container.node.get("env"))):
            name = variable.get("name")
            if name is not None and (text := text_of(name)):
                first = variables.setdefault(text, name)
                if first is not name:
                    yield _repeated(
                        document, name, first, f"Container '{container.name}' sets {text} again", "dup-env",
                        (*container.path, "env", i, "name"), Severity.MEDIUM, "Keep one of the two; the last one counts.",
                    )  # fmt: skip
        for i, port in enumerate(items(container.node.get("ports"))):
            yield from _container_port(document, container.name, port, (*container.path, "ports", i), ports, host_ports)


def _container_port(
    document: CheckedDocument,
    name: str,
    port: Node,
    path: Path,
    ports: dict[tuple[int, str], Node],
    host_ports: dict[tuple[int, str, str], Node],
) -> Iterator[Finding]:
    protocol = text_of(port.get("protocol")) or "TCP"
    node, host = port.get("containerPort"), port.get("hostPort")
    number, host_number = int_of(node), int_of(host)
    if node is not None and number is not None:
        first = ports.setdefault((number, protocol), node)
        if first is not node:
            yield _repeated(
                document, node, first, f"Container '{name}' declares port {number}/{protocol} again", "port-collision",
                (*path, "containerPort"), Severity.MEDIUM, "Remove one of the two.",
            )  # fmt: skip
    if host is not None and host_number:
        first = host_ports.setdefault((host_number, protocol, text_of(port.get("hostIP")) or ""), host)
        if first is not host:
            yield _repeated(
                document, host, first, f"Host port {host_number}/{protocol} is taken twice in this pod", "port-collision",
                (*path, "hostPort"), Severity.HIGH, "Use another host port: the pod cannot be scheduled.",
            )  # fmt: skip


def _by_name(document: CheckedDocument, listed: list[tuple[Node, Path]], what: str) -> Iterator[Finding]:
    first: dict[str, Node] = {}
    for item, path in listed:
        node = item.get("name") if item.kind is Kind.MAP else None
        name = text_of(node)
        if node is None or not name or is_template(name):
            continue
        earlier = first.setdefault(name, node)
        if earlier is not node:
            yield _repeated(
                document, node, earlier, f"Another time {what} '{name}'", "dup-name", (*path, "name"), Severity.HIGH,
                "Give each its own name; the API server refuses it otherwise.",
            )  # fmt: skip


def _service_ports(owner: KubernetesObject) -> Iterator[Finding]:
    first: dict[tuple[int, str], Node] = {}
    names: dict[str, Node] = {}
    for i, port in enumerate(items(owner.node.at(("spec", "ports")))):
        path = (*owner.path, "spec", "ports", i)
        node, name = port.get("port"), port.get("name")
        number, protocol = int_of(node), text_of(port.get("protocol")) or "TCP"
        if (
            node is not None
            and number is not None
            and (earlier := first.setdefault((number, protocol), node)) is not node
        ):
            yield _repeated(
                owner.document, node, earlier, f"{owner.title} lists port {number}/{protocol} again", "port-collision",
                (*path, "port"), Severity.HIGH, "Remove one of the two; the API server refuses it.",
            )  # fmt: skip
        text = text_of(name)
        if name is not None and text and (earlier := names.setdefault(text, name)) is not name:
            yield _repeated(
                owner.document, name, earlier, f"{owner.title} names a port '{text}' again", "dup-name", (*path, "name"),
                Severity.HIGH, "Give each port its own name.",
            )  # fmt: skip


def _node_ports(objects: list[KubernetesObject]) -> Iterator[Finding]:
    """Node ports are taken in the whole cluster; only one file is sure to go to one cluster."""
    first: dict[tuple[str, int, str], tuple[Node, KubernetesObject]] = {}
    for owner in objects:
        if owner.kind != "Service":
            continue
        for i, port in enumerate(items(owner.node.at(("spec", "ports")))):
            node = port.get("nodePort")
            number = int_of(node)
            if node is None or not number:
                continue
            key = (owner.document.file.name, number, text_of(port.get("protocol")) or "TCP")
            earlier, other = first.setdefault(key, (node, owner))
            if earlier is not node:
                yield _repeated(
                    owner.document, node, earlier, f"Node port {number} of {owner.title} is taken by {other.title}", "port-collision",
                    (*owner.path, "spec", "ports", i, "nodePort"), Severity.HIGH, "Use another node port, or leave it out.",
                )  # fmt: skip


def _list(document: CheckedDocument, node: Node | None, path: Path, key: str, severity: Severity) -> Iterator[Finding]:
    first: dict[str, Node] = {}
    for i, item in enumerate(items(node)):
        name = item.get(key) if item.kind is Kind.MAP else None
        text = text_of(name)
        if name is None or not text or is_template(text):
            continue
        earlier = first.setdefault(text, name)
        if earlier is not name:
            yield _repeated(
                document, name, earlier, f"Two entries of '{path[-1]}' have the {key} '{text}'", "dup-name", (*path, i, key), severity,
                "Rename or remove one of them.",
            )  # fmt: skip


def _unknown_lists(document: CheckedDocument) -> Iterator[Finding]:
    """In files of no known kind: lists of maps whose name says that their entries are told apart by name or id."""
    for match in document.index.matches:
        if match.node.kind is not Kind.SEQ or len(match.node.children) < 2 or not match.path:
            continue
        listed = items(match.node)
        if any(step in _EXAMPLES for step in match.path) or not all(item.kind is Kind.MAP for item in listed):
            continue
        list_name = str(match.path[-1]).lower()
        for key, lists in (("id", _NAMED_LISTS | _IDENTIFIED_LISTS), ("name", _NAMED_LISTS)):
            if list_name not in lists:
                continue
            names = [text_of(item.get(key)) for item in listed]
            if all(names):
                # Where many stand twice, they are records, and their name is no identity.
                if len(names) - len(set(names)) <= max(1, len(names) // 4):
                    yield from _list(document, match.node, match.path, key, Severity.MEDIUM)
                break
