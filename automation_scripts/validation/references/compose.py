"""Names in compose files: services, networks, volumes, secrets and configs that are used, defined, or neither.

Files of one folder are read together: an override may use what its base file defines.
"""

from __future__ import annotations

from collections.abc import Iterator

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.compose_services import (
    PublishedPort,
    Service,
    environment,
    is_host_path,
    mounts,
    projects,
    published_ports,
    services,
)
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import items, pairs, text_of, texts
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.missing_names import cycle_findings, likely_typo, missing_name
from automation_scripts.validation.values.formats import is_template

Edges = dict[tuple[str, str], tuple[Node, tuple[PathKey, ...]]]
_SECTIONS = ("networks", "volumes", "secrets", "configs")


def check_compose(corpus: Corpus) -> list[Finding]:
    """Every finding about names and ports of compose projects."""
    found: list[Finding] = []
    for project in projects(corpus):
        defined = {section: _defined(project, section) for section in ("services", *_SECTIONS)}
        open_ended = any(document.root.entry("include") for document in project)
        used: dict[str, set[str]] = {section: set() for section in _SECTIONS}
        for document in project:
            for service in services(document):
                found += _service(service, defined, used, open_ended, _is_partial(document, project))
            found += _cycles(document)
            found += _collisions(services(document))
            found += _container_names(document)
        found += _combined_collisions(project)
        if not open_ended:
            for document in project:
                found += _unused(document, used)
    return found


def _defined(project: list[CheckedDocument], section: str) -> set[str]:
    return {key.value for document in project for key, _ in pairs(document.root.get(section))}


def _is_partial(document: CheckedDocument, project: list[CheckedDocument]) -> bool:
    """True for an override file whose base is not in the tree: what it refers to may be there."""
    name = document.file.path.name.lower()
    is_base = name.split(".")[0] in ("docker-compose", "compose", "podman-compose") and name.count(".") == 1
    has_base = any(other is not document for other in project)
    complete = all(service.node.entry("image") or service.node.entry("build") for service in services(document))
    return not is_base and not has_base and not complete


def _service(
    service: Service,
    defined: dict[str, set[str]],
    used: dict[str, set[str]],
    open_ended: bool,
    partial: bool,
) -> Iterator[Finding]:
    document, title = service.document, f"Service '{service.name}'"

    def check(node: Node, name: str, section: str, path: tuple[PathKey, ...], verb: str) -> Iterator[Finding]:
        if section in used:
            used[section].add(name)
        if name in defined[section] or not name or is_template(name):
            return
        # What an included file defines is not known; a name that is nearly a known one is still a mistake.
        if open_ended and not likely_typo(name, defined[section]):
            return
        span = (
            document.part(node, node.value.find(name), node.value.find(name) + len(name))
            if node.value != name
            else node.span
        )
        yield missing_name(
            document,
            node,
            f"unknown-{section[:-1]}",
            f"{title} {verb} '{name}', which is defined nowhere"
            + (" in this file; its base file is not in the tree." if partial else "."),
            name,
            defined[section],
            path,
            severity=Severity.INFO if partial else Severity.MEDIUM if open_ended else Severity.HIGH,
            span=span,
        )

    for node, name, path, verb in _service_names(service):
        yield from check(node, name, "services", path, verb)
    for section in ("networks", "secrets", "configs"):
        for node, name in _names(service.node.get(section)):
            if not (section == "networks" and name == "default"):
                yield from check(node, name, section, (*service.path, section), f"uses the {section[:-1]}")
    build = service.node.get("build")
    for node, name in _names(build.get("secrets") if build is not None else None):
        yield from check(node, name, "secrets", (*service.path, "build", "secrets"), "builds with the secret")
    for mount in mounts(service):
        if mount.kind == "volume" and mount.source and not is_host_path(mount.source):
            yield from check(mount.where, mount.source, "volumes", (*service.path, "volumes"), "mounts the volume")
    yield from _repeated_variables(service)


def _service_names(service: Service) -> Iterator[tuple[Node, str, tuple[PathKey, ...], str]]:
    node, path = service.node, service.path
    for item, name in _names(node.get("depends_on")):
        yield item, name, (*path, "depends_on"), "depends on"
    for key, verb in (("links", "links to"), ("volumes_from", "takes volumes from")):
        for item in items(node.get(key)):
            name = (text_of(item) or "").partition(":")[0]
            if name != "container":
                yield item, name, (*path, key), verb
    extends = node.get("extends")
    if extends is not None:
        target = extends.get("service") if extends.kind is Kind.MAP else extends
        if target is not None and not (extends.kind is Kind.MAP and extends.entry("file")):
            yield target, text_of(target) or "", (*path, "extends"), "extends"
    for key in ("network_mode", "pid", "ipc"):
        value = node.get(key)
        text = text_of(value) or ""
        if value is not None and text.startswith("service:"):
            yield value, text.removeprefix("service:"), (*path, key), f"shares {key.removesuffix('_mode')} with"


def _names(node: Node | None) -> Iterator[tuple[Node, str]]:
    """(node, name) of a list of names, a list of maps with `source`, or a map by name."""
    if node is None:
        return
    if node.kind is Kind.MAP:
        yield from ((key, key.value) for key, _ in pairs(node))
        return
    for item in items(node):
        target = item.get("source") if item.kind is Kind.MAP else item
        if target is not None and target.kind is Kind.SCALAR:
            yield target, target.value


def _repeated_variables(service: Service) -> Iterator[Finding]:
    """In list form YAML cannot see that a name stands twice."""
    first: dict[str, Node] = {}
    for name, node, _, _ in environment(service):
        earlier = first.setdefault(name, node)
        if earlier is not node:
            yield service.document.finding(
                service.document.part(node, 0, len(name)),
                "reference/repeated-variable",
                Severity.MEDIUM,
                f"Service '{service.name}' sets {name} again; line {earlier.span.line} set it already, and only one counts.",
                "dup-env",
                path=(*service.path, "environment", name),
                suggestion="Keep one of the two.",
            )


def _cycles(document: CheckedDocument) -> list[Finding]:
    found: list[Finding] = []
    for key, what in (("depends_on", "Dependencies"), ("extends", "Extensions"), ("links", "Links")):
        graph: dict[str, list[str]] = {}
        edges: Edges = {}
        for service in services(document):
            graph[service.name] = []
            for node, name, path, _ in _service_names(service):
                if path[-1] == key:
                    graph[service.name].append(name)
                    edges.setdefault((service.name, name), (node, path))
        found += cycle_findings(document, graph, edges, "dependency-cycle", f"{what} of services")
    return found


# ----- ports -----------------------------------------------------------------------------------------------------


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
            taken = [(service, port) for service in services(base) for port in published_ports(service)]
            for service in services(override):
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


# ----- what nothing uses -----------------------------------------------------------------------------------------


def _unused(document: CheckedDocument, used: dict[str, set[str]]) -> Iterator[Finding]:
    listed = services(document)
    if not listed:
        return
    for section in _SECTIONS:
        for key, _ in pairs(document.root.get(section)):
            if key.value in used[section] or (section == "networks" and key.value == "default"):
                continue
            yield document.finding(
                key.span,
                f"reference/unused-{section[:-1]}",
                Severity.LOW,
                f"The {section[:-1]} '{key.value}' is used by no service.",
                "unused",
                path=(section, key.value),
                suggestion="Remove it, or give it to the service that it was meant for.",
            )
