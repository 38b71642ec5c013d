"""Host ports and container names of compose projects: each can be taken only once."""

from __future__ import annotations

from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.compose_services import (
    PublishedPort,
    Service,
    included_documents,
    projects,
    published_ports,
    services,
)
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import text_of, texts
from automation_scripts.validation.values.formats import is_template


def check_compose_ports(corpus: Corpus) -> list[Finding]:
    """Host ports and container names that are taken twice by what is started together."""
    found: list[Finding] = []
    for project in projects(corpus):
        for document in project:
            found += _collisions(services(document))
            found += _container_names(document)
            included, _ = included_documents(document, corpus)
            for other in included:
                found += _between(other, document)
        found += _combined_collisions(project)
    return found


def _collisions(listed: list[Service]) -> Iterator[Finding]:
    taken: list[tuple[Service, PublishedPort]] = []
    for service in listed:
        for port in published_ports(service):
            clash = next((other for other in taken if _clash(other, (service, port))), None)
            if clash is not None:
                yield _collision(service, port, *clash)
            taken.append((service, port))


def _combined_collisions(project: list[CheckedDocument]) -> Iterator[Finding]:
    """Between a base file and its `*.override.*`, which are always used together; other files may be alternatives."""
    bases = [d for d in project if d.file.path.name.count(".") == 1]
    overrides = [d for d in project if ".override." in d.file.path.name]
    for base in bases:
        for override in overrides:
            if base.file.path.name.split(".")[0] != override.file.path.name.split(".")[0]:
                continue
            yield from _between(base, override)


def _between(base: CheckedDocument, other: CheckedDocument) -> Iterator[Finding]:
    """Ports of `other` that `base` has taken already; a service of the same name is the same service."""
    taken = [(service, port) for service in services(base) for port in published_ports(service)]
    for service in services(other):
        for port in published_ports(service):
            clash = next((o for o in taken if o[0].name != service.name and _clash(o, (service, port))), None)
            if clash is not None:
                yield _collision(service, port, *clash)


def _clash(one: tuple[Service, PublishedPort], two: tuple[Service, PublishedPort]) -> bool:
    (a, p), (b, q) = one, two
    if p.node is q.node or p.protocol != q.protocol or p.first > q.last or q.first > p.last:
        return False
    anywhere = ("", "0.0.0.0", "::", "*")  # noqa: S104 (how "every interface" is written)
    if p.host_ip != q.host_ip and p.host_ip not in anywhere and q.host_ip not in anywhere:
        return False
    # A range of host ports for one container port means "any free one of these".
    if p.first != p.last and q.first != q.last and p.target is not None and q.target is not None:
        return False
    first, second = set(texts(a.node.get("profiles"))), set(texts(b.node.get("profiles")))
    return not (first and second and not first & second)


def _collision(service: Service, port: PublishedPort, other: Service, taken: PublishedPort) -> Finding:
    document = service.document
    place = (
        f"line {taken.node.span.line}"
        if other.document is document
        else f"{other.document.file.name}:{taken.node.span.line}"
    )
    number = max(port.first, taken.first)
    return document.finding(
        port.node.span,
        "reference/port-collision",
        Severity.HIGH,
        f"Host port {number} of service '{service.name}' is already published by "
        + (f"service '{other.name}'" if other.name != service.name else "the same service")
        + f" ({place}): the second one cannot start.",
        "port-collision",
        path=(*service.path, "ports"),
        suggestion="Publish one of them on another port.",
    )


def _container_names(document: CheckedDocument) -> Iterator[Finding]:
    first: dict[str, Service] = {}
    for service in services(document):
        node = service.node.get("container_name")
        name = text_of(node)
        if node is None or not name or is_template(name):
            continue
        other = first.setdefault(name, service)
        if other is not service and other.node.get("container_name") is not node:
            yield document.finding(
                node.span,
                "reference/repeated-container-name",
                Severity.HIGH,
                f"Services '{other.name}' and '{service.name}' both name their container '{name}': only one can exist.",
                "dup-name",
                path=(*service.path, "container_name"),
                suggestion="Give each container its own name, or leave the name out.",
            )
