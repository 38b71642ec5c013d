"""Names in compose files: services, networks, volumes, secrets and configs that are used, defined, or neither.

Files of one folder are read together: an override may use what its base file defines.
"""

from __future__ import annotations

from collections.abc import Iterator
from os.path import normpath
from pathlib import Path

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.compose_services import (
    Service,
    environment,
    included_documents,
    is_host_path,
    mounts,
    projects,
    services,
)
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, PathKey
from automation_scripts.validation.references.missing_names import cycle_findings, likely_typo, meant_by, missing_name
from automation_scripts.validation.values.formats import is_template

Edges = dict[tuple[str, str], tuple[Node, tuple[PathKey, ...]]]
_SECTIONS = ("networks", "volumes", "secrets", "configs")


def check_compose(corpus: Corpus) -> list[Finding]:
    """Every finding about names and ports of compose projects."""
    found: list[Finding] = []
    for project in projects(corpus):
        together, open_ended = list(project), False
        for document in project:
            included, is_complete = included_documents(document, corpus)
            together += included
            open_ended = open_ended or not is_complete
        defined = {section: _defined(together, section) for section in ("services", *_SECTIONS)}
        used: dict[str, set[str]] = {section: set() for section in _SECTIONS}
        for document in project:
            for service in services(document):
                found += _extended_file(service, corpus)
                found += _service(service, defined, used, open_ended, _is_partial(document, project))
            found += _cycles(document)
        if not open_ended and not any(document.root.entry("include") for document in project):
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


def _extended_file(service: Service, corpus: Corpus) -> Iterator[Finding]:
    """`extends` a service of another file: the file is given, so it can be looked up."""
    extends = service.node.get("extends")
    file = text_of(extends.get("file")) if extends is not None and extends.kind is Kind.MAP else None
    target = extends.get("service") if extends is not None else None
    name = text_of(target)
    if not file or not name or target is None or is_template(file + name):
        return
    other = corpus.by_path.get(Path(normpath(service.document.folder / file)))
    if other is None or len(other.documents) != 1:
        return
    known = [key.value for key, _ in pairs(other.documents[0].root.resolved().get("services"))]
    if known and name not in known:
        yield missing_name(
            service.document, target, "unknown-service", f"Service '{service.name}' extends '{name}', which {file} does not have.",
            name, known, (*service.path, "extends", "service"),
        )  # fmt: skip


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


# ----- what nothing uses -----------------------------------------------------------------------------------------


def _unused(document: CheckedDocument, used: dict[str, set[str]]) -> Iterator[Finding]:
    listed = services(document)
    if not listed:
        return
    for section in _SECTIONS:
        known = {key.value for key, _ in pairs(document.root.get(section))}
        idle = sorted(known - used[section] - {"default"})
        meant = meant_by(used[section] - known - {"default"}, idle, known & used[section])
        for key, _ in pairs(document.root.get(section)):
            if key.value in meant or key.value not in idle:
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
